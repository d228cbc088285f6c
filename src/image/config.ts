import { z } from "zod";
import { fail } from "../base/errors.ts";
import { type Digest, isDigest } from "./digest.ts";

/**
 * The image's own document: OCI image spec, config.md, with the fields that Docker adds. Fields we do not know are kept;
 * what is stored and hashed is always the bytes as they came, never this value printed again.
 */

const text = z.string().nullish();
const textList = z.array(z.string()).nullish();
const set = z.record(z.string(), z.unknown()).nullish();

const DigestSchema = z.custom<Digest>(
  (value) => typeof value === "string" && isDigest(value),
  "expected a sha256 digest",
);

/** What a container gets from its image unless it is told otherwise. Healthcheck's times are nanoseconds. */
export const ImageRunConfigSchema = z.looseObject({
  User: text,
  ExposedPorts: set,
  Env: textList,
  Entrypoint: textList,
  Cmd: textList,
  Volumes: set,
  WorkingDir: text,
  Labels: z.record(z.string(), z.string()).nullish(),
  StopSignal: text,
  Shell: textList,
  OnBuild: textList,
  ArgsEscaped: z.boolean().nullish(),
  Healthcheck: z
    .looseObject({
      Test: textList,
      Interval: z.number().nullish(),
      Timeout: z.number().nullish(),
      StartPeriod: z.number().nullish(),
      StartInterval: z.number().nullish(),
      Retries: z.number().nullish(),
    })
    .nullish(),
});
export type ImageRunConfig = z.infer<typeof ImageRunConfigSchema>;

/** One step of the image's making; steps that changed no file have `empty_layer` and no entry in `rootfs`. */
export const HistoryEntrySchema = z.looseObject({
  created: text,
  created_by: text,
  author: text,
  comment: text,
  empty_layer: z.boolean().nullish(),
});
export type HistoryEntry = z.infer<typeof HistoryEntrySchema>;

export const ImageConfigSchema = z.looseObject({
  architecture: z.string(),
  os: z.string(),
  variant: text,
  created: text,
  author: text,
  config: ImageRunConfigSchema.nullish(),
  rootfs: z.looseObject({ type: z.literal("layers"), diff_ids: z.array(DigestSchema).nullish() }),
  history: z.array(HistoryEntrySchema).nullish(),
});
export type ImageConfig = z.infer<typeof ImageConfigSchema>;

/**
 * Reads a config blob.
 * @throws invalid `INVALID_IMAGE_CONFIG`, naming the field.
 */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    return fail("invalid", "INVALID_IMAGE_CONFIG", "invalid image config: not a JSON document", { cause: error });
  }
  const parsed = ImageConfigSchema.safeParse(document);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  return fail(
    "invalid",
    "INVALID_IMAGE_CONFIG",
    `invalid image config: ${issue?.path.join(".") || "document"}: ${issue?.message ?? "not an image config"}`,
  );
}

/** The layers' diffIDs, lowest first; none for an image from scratch. */
export function diffIdsOf(config: ImageConfig): readonly Digest[] {
  return config.rootfs.diff_ids ?? [];
}

/** Architecture as Go and so every image names it. */
export function hostArchitecture(): string {
  const names: Partial<Record<string, string>> = { x64: "amd64", ia32: "386", arm64: "arm64", arm: "arm" };
  return names[process.arch] ?? process.arch;
}
