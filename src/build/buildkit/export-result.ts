import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fail } from "../../base/errors.ts";
import { nowNanoseconds } from "../../base/timestamp.ts";
import type { ContentStore } from "../../image/content-store.ts";
import type { Digest } from "../../image/digest.ts";
import type { Image, ImageStore } from "../../image/image-store.ts";
import type { LayerStore } from "../../image/layer-store.ts";
import { canonicalName, parseReference, type Reference } from "../../image/reference.ts";
import { saveImage } from "../../image/save.ts";
import { copyIn, exportTar } from "../../snapshot/archive.ts";
import type { RegistryLogin, ReportCounter, SolveSources } from "../graph/solver.ts";
import type { StatusSink } from "../graph/status.ts";
import type { BuiltResult } from "./built-result.ts";
import { imageDocument } from "./image-document.ts";
import { type Destination, sendDirectory, sendFile } from "./send-files.ts";
import type { Session } from "./sessions.ts";
import { asVertex, type Step } from "./vertex-of-door.ts";

/** Where results go to. */
export interface ExportParts {
  readonly images: ImageStore;
  readonly layers: LayerStore;
  readonly content: ContentStore;
  readonly temporary: string;
  /** Gives an image a name, with the event that goes with it. */
  readonly tag: (imageId: Digest, reference: Reference) => void;
  /** Sends a named image to its registry. @throws the registry's refusal */
  readonly push: (
    reference: Reference,
    login: RegistryLogin | null,
    report: ReportCounter,
    signal: AbortSignal,
  ) => Promise<void>;
}

/** One of the outputs that a client asked for. */
export interface Exporter {
  readonly type: string;
  readonly attrs: Readonly<Record<string, string>>;
  /** Its place among them, by which the client knows it. */
  readonly number: number;
}

export interface ExportRequest {
  readonly result: BuiltResult;
  readonly session: () => Promise<Session>;
  readonly sources: Pick<SolveSources, "registryLogin">;
  readonly status: StatusSink;
  readonly signal: AbortSignal;
}

/**
 * Puts a result where the client wants it: into the store, or as an archive or a directory to the client.
 * @returns what the client is told of it, by BuildKit's names
 */
export async function exportResult(
  parts: ExportParts,
  exporter: Exporter,
  request: ExportRequest,
): Promise<Record<string, string>> {
  const { type } = exporter;
  refuseUnknown(exporter);
  switch (type) {
    case "image":
    case "moby":
      return asVertex(request.status, "exporting to image", (step, report) =>
        storeImage(parts, exporter, request, step, report),
      );
    case "oci":
    case "docker":
      return asVertex(request.status, `exporting to ${type} image format`, (step) =>
        sendArchive(parts, exporter, request, step),
      );
    case "tar":
      return asVertex(request.status, "exporting to client tarball", () => sendTar(parts, exporter, request));
    case "local":
      return asVertex(request.status, "exporting to client directory", () => sendTree(parts, exporter, request));
    default:
      return fail("not-found", "NO_EXPORTER", `exporter "${type}" could not be found`);
  }
}

function refuseUnknown({ attrs }: Exporter): void {
  const annotation = Object.keys(attrs).find((name) => /^annotation[-.[]/.test(name));
  if (annotation !== undefined) fail("not-implemented", "ANNOTATIONS", `${annotation}: annotations are not supported`);
  for (const name of ["push-by-digest", "registry.insecure"]) {
    if (isTrue(attrs[name])) fail("not-implemented", "EXPORT_PUSH", `${name}=true is not supported`);
  }
}

async function storeImage(
  parts: ExportParts,
  { attrs }: Exporter,
  request: ExportRequest,
  step: Step,
  report: ReportCounter,
): Promise<Record<string, string>> {
  const names = namesOf(attrs);
  if (isTrue(attrs.push) && names.length === 0)
    fail("invalid", "PUSH_NAME", "an image needs a name to be pushed: give it a tag");
  const image = await step("exporting layers", () => createImage(parts, request.result));
  await step(`writing image ${image.id}`, () => {});
  for (const name of names) await step(`naming to ${canonicalName(name)}`, () => parts.tag(image.id, name));
  const told = { ...facts(image), ...(names.length > 0 && { "image.name": names.map(canonicalName).join(",") }) };
  if (!isTrue(attrs.push)) return told;
  for (const name of names) {
    const login = (await request.sources.registryLogin?.(name.domain)) ?? null;
    await step(`pushing ${canonicalName(name)}`, () => parts.push(name, login, report, request.signal));
  }
  return { ...told, ...pushedDigest(parts, image, names) };
}

/** What a registry calls the image: clients that pushed look for it by that. */
function pushedDigest({ images }: ExportParts, image: Image, [name]: readonly Reference[]): Record<string, string> {
  const there = images
    .repoDigestsOf(image.id)
    .find(({ domain, path }) => domain === name?.domain && path === name.path);
  return there?.digest ? { "containerimage.digest": there.digest } : {};
}

function isTrue(text: string | undefined): boolean {
  return text === "true" || text === "1";
}

async function sendArchive(
  parts: ExportParts,
  exporter: Exporter,
  request: ExportRequest,
  step: Step,
): Promise<Record<string, string>> {
  if (exporter.attrs.tar === "false")
    fail("not-implemented", "EXPORT_LAYOUT", "tar=false is not supported: unpack the archive");
  const image = await step("exporting layers", () => createImage(parts, request.result));
  try {
    const archive = saveImage(parts.content, parts.layers, image, namesOf(exporter.attrs));
    await step("sending tarball", async () => {
      await sendFile(await destinationOf(exporter, request), archive, facts(image), request.signal);
    });
    return facts(image);
  } finally {
    // It was stored for as long as it is sent, unless somebody else has it too.
    if (parts.images.tagsOf(image.id).length === 0 && image.isNew) parts.images.remove(image.id);
  }
}

async function sendTar(
  parts: ExportParts,
  exporter: Exporter,
  request: ExportRequest,
): Promise<Record<string, string>> {
  await sendFile(await destinationOf(exporter, request), await tarOf(parts, request), {}, request.signal);
  return {};
}

async function sendTree(
  parts: ExportParts,
  exporter: Exporter,
  request: ExportRequest,
): Promise<Record<string, string>> {
  const directory = join(parts.temporary, `export-${randomUUID()}`);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const { signal } = request;
    await copyIn({ kind: "directory", path: directory }, "/", await tarOf(parts, request), {
      keepKind: false,
      owner: null,
      signal,
    });
    await sendDirectory(await destinationOf(exporter, request), directory, signal);
    return {};
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function tarOf({ layers }: ExportParts, { result, signal }: ExportRequest) {
  const { epochSeconds = null } = result;
  const root = await layers.root(result.chainId);
  return exportTar(root, { signal, ...(epochSeconds !== null && { newestSeconds: epochSeconds }) });
}

async function createImage(parts: ExportParts, { config, chainId }: BuiltResult): Promise<Image & { isNew: boolean }> {
  const started = nowNanoseconds();
  const image = await parts.images.create({
    config: imageDocument(config, parts.layers.stack(chainId)),
    topChainId: chainId,
    parentId: null,
  });
  return { ...image, isNew: BigInt(image.createdNs) >= started };
}

async function destinationOf({ number }: Exporter, { session }: ExportRequest): Promise<Destination> {
  return { session: await session(), exporter: number };
}

function facts(image: Image): Record<string, string> {
  return { "containerimage.digest": image.id, "containerimage.config.digest": image.id };
}

function namesOf(attrs: Readonly<Record<string, string>>): Reference[] {
  return (attrs.name ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "")
    .map(parseReference);
}
