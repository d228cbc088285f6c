import { z } from "zod";
import { ResourcesSchema } from "../../engine/container-config.ts";

const text = z.string().default("");
const texts = z.array(z.string()).default([]);

/** One `--output`. */
const OutputSchema = z.object({
  type: z.enum(["image", "docker", "oci", "tar", "local"]),
  tags: texts,
});
export type Output = z.infer<typeof OutputSchema>;

/** What `lighter build` asks for, in one document. Secrets are in it: it is never logged nor kept. */
export const BuildOrderSchema = z.object({
  /** null: it is in the context, under `fileName`. */
  dockerfile: z.object({ text: z.string(), ignore: z.string().nullable() }).nullable(),
  fileName: text,
  contextUrl: text,
  namedContexts: z.record(z.string(), z.string()).default({}),
  target: text,
  buildArgs: z.record(z.string(), z.string().nullable()).default({}),
  labels: z.record(z.string(), z.string()).default({}),
  platform: text,
  noCache: z.boolean().default(false),
  noCacheStages: texts,
  pull: z.boolean().default(false),
  squash: z.boolean().default(false),
  networkMode: z.string().default("default"),
  extraHosts: texts,
  /** Base64 by id. */
  secrets: z.record(z.string(), z.string()).default({}),
  /** Paths of agents' sockets on this host by id. */
  ssh: z.record(z.string(), z.string()).default({}),
  entitlements: z.array(z.enum(["network.host", "security.insecure"])).default([]),
  registryLogins: z.record(z.string(), z.object({ username: text, password: text, identityToken: text })).default({}),
  resources: ResourcesSchema,
  shmSizeBytes: z.int().default(0),
  securityOptions: texts,
  outputs: z.array(OutputSchema).min(1),
  cacheFrom: texts,
  inlineCache: z.boolean().default(false),
  check: z.boolean().default(false),
});
export type BuildOrder = z.infer<typeof BuildOrderSchema>;

/** A line that begins a directory of the client's: its name in the build, and under which key it is kept. */
const ContextLineSchema = z.object({ context: z.string(), key: z.string() });

const KINDS = ["file", "directory", "symlink", "hardlink"] as const;

/** A line for each name in it: path, kind, mode, size, modification time in nanoseconds, link's target. */
const EntryLineSchema = z.tuple([
  z.string().max(4095),
  z.enum(KINDS),
  z.int().min(0).max(0o7777),
  z.int().min(0),
  z.string().regex(/^-?\d{1,20}$/),
  z.string(),
]);

export const LineSchema = z.union([EntryLineSchema, ContextLineSchema, z.object({ order: BuildOrderSchema })]);
export type Line = z.infer<typeof LineSchema>;
