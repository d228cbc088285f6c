import { fail } from "../../base/errors.ts";
import { hostArchitecture } from "../../image/config.ts";
import type { Image } from "../../image/image-store.ts";
import { parseReference, withDefaultTag } from "../../image/reference.ts";
import type { BuildParts } from "../build-parts.ts";
import { matchesPlatform } from "../platform.ts";
import { createdTime } from "./created-time.ts";
import type { Job } from "./job.ts";
import type { ImageSource, SourceOperation } from "./operation.ts";
import type { ReportCounter, Result, SolveSources } from "./solver.ts";

/** Gets what a source names. A client's files are read anew in each build; images are here or come from their registry. */
export async function runSource(job: Job<SourceOperation>): Promise<{ result: Result; created: string }> {
  const { source } = job.operation;
  const created = createdTime(job.request.epochSeconds);
  switch (source.type) {
    case "image": {
      const image = await imageOf(job.parts, source, { ...job, sources: job.request.sources });
      if (image.chainId !== null) job.hold(image.chainId);
      return { result: { kind: "layers", chainId: image.chainId }, created: image.config.created ?? created };
    }
    case "local": {
      const files = await job.request.sources.local(source, job.report, job.signal);
      job.keep(files);
      return { result: { kind: "files", files }, created };
    }
    case "http": {
      const { downloadSource } = await import("./http-source.ts");
      return { result: { kind: "files", files: await downloadSource(job, source) }, created };
    }
    case "git": {
      const { cloneSource } = await import("./git-source.ts");
      return { result: { kind: "files", files: await cloneSource(job, source) }, created };
    }
    case "oci-layout":
      return fail(
        "not-implemented",
        "OCI_LAYOUT_CONTEXT",
        "an OCI layout cannot be a build context yet: load it as an image",
      );
    default:
      return source satisfies never;
  }
}

export interface PullContext {
  readonly sources: SolveSources;
  readonly report: ReportCounter;
  readonly signal: AbortSignal;
}

/**
 * The image that a source names, fetched where it is missing or a newer one is asked for.
 * @throws not-found; invalid for an image of another platform than asked for.
 */
export async function imageOf(
  parts: BuildParts,
  { reference, platform, resolve }: ImageSource,
  { sources, report, signal }: PullContext,
): Promise<Image> {
  const here = parts.images.find(reference);
  const fits = here !== null && isOfPlatform(here, platform);
  if (here && (resolve === "local" || (fits && resolve === "default")))
    return fits ? here : wrongPlatform(here, reference, platform);
  if (resolve === "local") fail("not-found", "IMAGE_NOT_FOUND", `No such image: ${reference}`);
  const wanted = withDefaultTag(parseReference(reference));
  const login = (await sources.registryLogin?.(wanted.domain)) ?? null;
  // One at a time: many builds on the same new base fetch it once.
  await parts.locks.run(`pull ${reference}`, () => parts.pull(wanted, platform, { login, report, signal }));
  const pulled = parts.images.resolve(reference);
  return isOfPlatform(pulled, platform) ? pulled : wrongPlatform(pulled, reference, platform);
}

function isOfPlatform({ config }: Image, platform: string): boolean {
  return platform === "" || matchesPlatform(platform, config.os, config.architecture);
}

function wrongPlatform({ config }: Image, reference: string, platform: string): never {
  fail(
    "invalid",
    "WRONG_PLATFORM",
    `image with reference ${reference} was found but its platform (${config.os}/${config.architecture}) does not match the specified platform (${platform || `linux/${hostArchitecture()}`})`,
  );
}
