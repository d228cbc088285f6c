import { z } from "zod";
import { fail } from "../../base/errors.ts";
import { type Digest, isDigest } from "../../image/digest.ts";
import { DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, OCI_INDEX, OCI_MANIFEST } from "../../image/media-types.ts";

/** No manifest may be longer: the bound that registries agreed on (OCI distribution spec, "Pushing Manifests"). */
export const MANIFEST_LIMIT_BYTES = 4 * 1024 * 1024;

/** What we ask for, best first. */
export const MANIFEST_TYPES: readonly string[] = [OCI_INDEX, DOCKER_MANIFEST_LIST, OCI_MANIFEST, DOCKER_MANIFEST];

/** Docker before 1.10; no digest covers what it runs, and nobody writes it any more. */
const SCHEMA1_TYPES = [
  "application/vnd.docker.distribution.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v1+prettyjws",
];

const DigestSchema = z.custom<Digest>(
  (value) => typeof value === "string" && isDigest(value),
  "expected a sha256 digest",
);
const text = z.string().nullish();

export const PlatformSchema = z.looseObject({
  architecture: z.string(),
  os: z.string(),
  variant: text,
  "os.version": text,
});

/** OCI image spec, descriptor.md. */
export const DescriptorSchema = z.looseObject({
  mediaType: z.string(),
  digest: DigestSchema,
  size: z.int().nonnegative(),
  urls: z.array(z.string()).nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
  artifactType: text,
  platform: PlatformSchema.nullish(),
});
export type Descriptor = z.infer<typeof DescriptorSchema>;

const common = { schemaVersion: z.literal(2), mediaType: text, artifactType: text };
const annotations = z.record(z.string(), z.string()).nullish();

const ImageManifestSchema = z.looseObject({
  ...common,
  config: DescriptorSchema,
  layers: z.array(DescriptorSchema).max(10_000),
  subject: DescriptorSchema.nullish(),
  annotations,
});
const IndexSchema = z.looseObject({
  ...common,
  manifests: z.array(DescriptorSchema).max(10_000),
  subject: DescriptorSchema.nullish(),
  annotations,
});

export type ImageManifest = z.infer<typeof ImageManifestSchema>;
export type ManifestIndex = z.infer<typeof IndexSchema>;

export type ManifestDocument =
  | { readonly kind: "image"; readonly mediaType: string; readonly manifest: ImageManifest }
  | { readonly kind: "index"; readonly mediaType: string; readonly manifest: ManifestIndex };

/**
 * Reads a manifest or index. What it is must be the same by its own `mediaType`, by the type it came with, and by what
 * is in it: a document that is an image to one reader and an index to another is CVE-2021-41190.
 * @param contentType as the registry or the client announced it; empty if it did not.
 * @throws invalid `MANIFEST_INVALID`
 */
export function parseManifest(bytes: Uint8Array, contentType: string): ManifestDocument {
  if (bytes.length > MANIFEST_LIMIT_BYTES) invalid(`longer than ${MANIFEST_LIMIT_BYTES} bytes`);
  const document = parseJson(bytes);
  const announced = mediaTypeOf(contentType);
  const own = z.looseObject({ mediaType: text, schemaVersion: z.unknown() }).safeParse(document).data;
  if (own?.schemaVersion === 1 || SCHEMA1_TYPES.includes(announced)) {
    invalid("image manifest version 2, schema 1 is not supported: push the image again with a newer program");
  }
  const mediaType = own?.mediaType || (MANIFEST_TYPES.includes(announced) ? announced : guessType(document));
  if (own?.mediaType && MANIFEST_TYPES.includes(announced) && own.mediaType !== announced) {
    invalid(`it says that it is ${own.mediaType}, but came as ${announced}`);
  }
  if (mediaType === OCI_INDEX || mediaType === DOCKER_MANIFEST_LIST) {
    if (has(document, "layers") || has(document, "config")) invalid("an index with layers");
    return { kind: "index", mediaType, manifest: check(IndexSchema, document) };
  }
  if (mediaType !== OCI_MANIFEST && mediaType !== DOCKER_MANIFEST) {
    return invalid(`unsupported manifest type ${JSON.stringify(mediaType)}`);
  }
  if (has(document, "manifests")) invalid("an image manifest with manifests");
  return { kind: "image", mediaType, manifest: check(ImageManifestSchema, document) };
}

/** Whether a layer is kept elsewhere (`urls`) and registries need not have it (OCI image spec, layer.md, non-distributable). */
export function isForeign({ mediaType, urls }: Descriptor): boolean {
  return (urls?.length ?? 0) > 0 && /\.foreign\.|\.nondistributable\./.test(mediaType);
}

/** Without its parameters. */
export function mediaTypeOf(contentType: string): string {
  return (contentType.split(";")[0] ?? "").trim().toLowerCase();
}

function guessType(document: unknown): string {
  return has(document, "manifests") ? OCI_INDEX : OCI_MANIFEST;
}

function has(document: unknown, field: string): boolean {
  return typeof document === "object" && document !== null && Object.hasOwn(document, field);
}

function check<T>(schema: z.ZodType<T>, document: unknown): T {
  const parsed = schema.safeParse(document);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  return invalid(`${issue?.path.join(".") || "document"}: ${issue?.message ?? "not a manifest"}`);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    return fail("invalid", "MANIFEST_INVALID", "manifest invalid: not a JSON document", { cause });
  }
}

function invalid(why: string): never {
  fail("invalid", "MANIFEST_INVALID", `manifest invalid: ${why}`);
}
