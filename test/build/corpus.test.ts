import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { extract } from "tar-stream";
import { z } from "zod";
import { readText } from "../../src/client/api.ts";
import { bytesOf } from "../../src/client/stream-bytes.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

/**
 * Each folder of the corpus is a build: its Dockerfile and context, and in `expect.json` what comes of it. A row of the
 * Dockerfile reference has one folder or more.
 */
const CORPUS = join(import.meta.dir, "corpus");

const FileSchema = z.union([
  z.string(),
  z.null(),
  z.strictObject({
    text: z.string().optional(),
    mode: z.string().optional(),
    owner: z.string().optional(),
    link: z.string().optional(),
    kind: z.string().optional(),
  }),
]);

const ExpectSchema = z.strictObject({
  /** Symbolic links to add to the context: such that lead out of it are not for a repository. */
  links: z.record(z.string(), z.string()).default({}),
  /** Options of `lighter build`; `CASE` is the folder. */
  args: z.array(z.string()).default([]),
  /** Content of files, or some of their facts; null: not there. */
  tree: z.record(z.string(), FileSchema).optional(),
  /** Fields of the image's configuration; `*` at the end stands for anything. */
  config: z.record(z.string(), z.unknown()).optional(),
  author: z.string().optional(),
  architecture: z.string().optional(),
  layers: z.number().optional(),
  historyLacks: z.string().optional(),
  warnings: z.array(z.string()).optional(),
  error: z.string().optional(),
  exitCode: z.number().optional(),
  /** In what the build says. */
  output: z.string().optional(),
});

interface FileFacts {
  readonly text: string;
  readonly mode: string;
  readonly owner: string;
  readonly link: string;
  readonly kind: string;
}

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
});

describe("the corpus", () => {
  for (const name of readdirSync(CORPUS).sort()) test(name, () => check(name));
});

async function check(name: string): Promise<void> {
  const kept = join(CORPUS, name);
  const wanted = ExpectSchema.parse(JSON.parse(readFileSync(join(kept, "expect.json"), "utf8")));
  const links = Object.entries(wanted.links);
  const folder = links.length === 0 ? kept : join(engine.root, name);
  if (links.length > 0) cpSync(kept, folder, { recursive: true });
  for (const [path, target] of links) symlinkSync(target, join(folder, path));
  const args = wanted.args.map((arg) => arg.replaceAll("CASE", folder));
  const tag = `corpus:${name}`;
  const { exitCode, stderr } = await engine.lighter("build", "-t", tag, ...args, folder);
  if (wanted.output !== undefined) expect(stderr).toContain(wanted.output);
  if (wanted.error !== undefined) {
    expect(stderr).toContain(wanted.error);
    expect(exitCode).toBe(wanted.exitCode ?? 1);
    return;
  }
  expect([stderr, exitCode]).toEqual([expect.not.stringContaining("ERROR"), 0]);
  if (wanted.warnings) {
    for (const warning of wanted.warnings) expect(stderr).toContain(warning);
    if (wanted.warnings.length === 0) expect(stderr).not.toContain("warning");
  }
  if (wanted.tree) await checkTree(folder, args, wanted.tree);
  await checkImage(tag, wanted);
}

async function checkTree(
  folder: string,
  args: readonly string[],
  tree: Readonly<Record<string, z.infer<typeof FileSchema>>>,
): Promise<void> {
  const files = await filesOf(folder, args);
  for (const [path, file] of Object.entries(tree)) {
    const found = files.get(path);
    if (file === null) expect([path, found]).toEqual([path, undefined]);
    else if (typeof file === "string") expect([path, found?.text]).toEqual([path, file]);
    else expect([path, found]).toEqual([path, expect.objectContaining(file)]);
  }
}

/** The result's files: the same build, now from the cache, as an archive. */
async function filesOf(folder: string, args: readonly string[]): Promise<Map<string, FileFacts>> {
  const archive = join(engine.root, "out.tar");
  await engine.expectLighter("build", "-o", `type=tar,dest=${archive}`, ...args, folder);
  const files = new Map<string, FileFacts>();
  const reader = Readable.from([readFileSync(archive)]).pipe(extract());
  for await (const entry of reader) {
    const { name, mode = 0, uid = 0, gid = 0, type, linkname } = entry.header;
    const text = await readText(bytesOf(entry));
    files.set(`/${name.replace(/^\.?\//, "").replace(/\/$/, "")}`, {
      text,
      mode: mode.toString(8),
      owner: `${uid}:${gid}`,
      link: linkname ?? "",
      kind: type ?? "",
    });
  }
  return files;
}

const ImageSchema = z.tuple([
  z.object({
    Author: z.string().optional(),
    Architecture: z.string(),
    Config: z.record(z.string(), z.unknown()),
    RootFS: z.object({ Layers: z.array(z.string()).nullish() }),
  }),
]);

async function checkImage(tag: string, wanted: z.infer<typeof ExpectSchema>): Promise<void> {
  const [image] = ImageSchema.parse(JSON.parse(await engine.expectLighter("image", "inspect", tag)));
  for (const [field, value] of Object.entries(wanted.config ?? {})) {
    const found: unknown = [field, image.Config[field] ?? null];
    expect(found).toEqual([field, pattern(value)]);
  }
  if (wanted.author !== undefined) expect(image.Author).toBe(wanted.author);
  if (wanted.architecture !== undefined) expect(image.Architecture).toBe(wanted.architecture);
  if (wanted.layers !== undefined) expect(image.RootFS.Layers).toHaveLength(wanted.layers);
  if (wanted.historyLacks !== undefined) {
    expect(await engine.expectLighter("history", "--no-trunc", tag)).not.toContain(wanted.historyLacks);
  }
}

function pattern(value: unknown): unknown {
  if (typeof value === "string" && value.endsWith("*")) return expect.stringContaining(value.slice(0, -1));
  return Array.isArray(value) ? value.map(pattern) : value;
}
