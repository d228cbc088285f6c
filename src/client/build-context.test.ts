import { afterEach, beforeEach, expect, test } from "bun:test";
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { extract, type Header } from "tar-stream";
import { type DockerfileSource, openDirectoryContext } from "./build-context.ts";

let directory: string;
let context: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "context-"));
  context = join(directory, "context");
  mkdirSync(context);
  put("Dockerfile", "FROM a");
});
afterEach(() => rmSync(directory, { recursive: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(context, path)), { recursive: true });
  writeFileSync(join(context, path), text);
}

/** What is sent: names with their text, and the Dockerfile's name. */
async function sent(
  source?: DockerfileSource,
): Promise<{ files: Map<string, string>; headers: Header[]; dockerfile: string }> {
  const { archive, dockerfile } = await openDirectoryContext(context, source);
  const files = new Map<string, string>();
  const headers: Header[] = [];
  const reader = extract();
  Readable.from(archive, { objectMode: false }).pipe(reader);
  for await (const entry of reader) {
    headers.push(entry.header);
    let text = "";
    for await (const chunk of entry) text += chunk;
    files.set(entry.header.name, text);
  }
  return { files, headers, dockerfile };
}

test("everything is sent in order, owned by root", async () => {
  put("sub/b", "2");
  put("a", "1");
  const { files, headers, dockerfile } = await sent();
  expect([...files]).toEqual([
    ["Dockerfile", "FROM a"],
    ["a", "1"],
    ["sub/", ""],
    ["sub/b", "2"],
  ]);
  expect(dockerfile).toBe("Dockerfile");
  expect(headers.every(({ uid, gid }) => uid === 0 && gid === 0)).toBe(true);
});

test("symbolic links stay links, hard links become links to the first name", async () => {
  put("a", "1");
  symlinkSync("/etc/passwd", join(context, "b"));
  linkSync(join(context, "a"), join(context, "c"));
  const { headers } = await sent();
  expect(headers.map(({ name, type, linkname }) => [name, type, linkname || "-"])).toEqual([
    ["Dockerfile", "file", "-"],
    ["a", "file", "-"],
    ["b", "symlink", "/etc/passwd"],
    ["c", "link", "a"],
  ]);
});

test("what .dockerignore names is not sent, but for exceptions and what the builder itself reads", async () => {
  put(".dockerignore", "Dockerfile\n.dockerignore\nnode_modules\n!node_modules/keep\n**/*.log\n");
  put("node_modules/big/file", "x");
  put("node_modules/keep", "k");
  put("sub/debug.log", "x");
  const { files } = await sent();
  expect([...files.keys()]).toEqual([".dockerignore", "Dockerfile", "node_modules/keep", "sub/"]);
});

test("a Dockerfile in a directory that is ignored is sent, alone", async () => {
  put(".dockerignore", "build\n");
  put("build/web.dockerfile", "FROM b");
  put("build/other", "x");
  const { files, dockerfile } = await sent({ path: join(context, "build/web.dockerfile") });
  expect(dockerfile).toBe("build/web.dockerfile");
  expect([...files.keys()]).toEqual([".dockerignore", "Dockerfile", "build/web.dockerfile"]);
});

test("a name of a Dockerfile that is not here is looked for in the context", async () => {
  put("build/Dockerfile", "FROM b");
  expect((await sent({ path: "build/Dockerfile" })).dockerfile).toBe("build/Dockerfile");
});

test.each([["its text"], ["a file elsewhere"]])(
  "a Dockerfile given as %s is sent under a name that no step sees",
  async (how) => {
    writeFileSync(join(directory, "elsewhere"), "FROM c");
    put(".dockerignore", "secret");
    put("secret", "s");
    const { files, dockerfile } = await sent(
      how === "its text" ? { text: "FROM c" } : { path: join(directory, "elsewhere") },
    );
    expect(dockerfile).toMatch(/^\.dockerfile\.[0-9a-f]{20}$/);
    expect(files.get(dockerfile)).toBe("FROM c");
    expect(files.get(".dockerignore")).toBe(`secret\n${dockerfile}\n`);
    expect([...files.keys()].sort()).toEqual([".dockerignore", dockerfile, "Dockerfile"].sort());
  },
);

test("without an ignore file, one is sent that hides both", async () => {
  const { files, dockerfile } = await sent({ text: "FROM c" });
  expect(files.get(".dockerignore")).toBe(`.dockerignore\n${dockerfile}\n`);
});

test.each([
  ["a directory that is not there", () => openDirectoryContext(join(directory, "nosuch")), "CONTEXT_NOT_FOUND"],
  ["a file", () => openDirectoryContext(join(context, "Dockerfile")), "CONTEXT_NOT_DIRECTORY"],
  ["a Dockerfile that is not there", () => openDirectoryContext(context, { path: "nosuch" }), "DOCKERFILE_NOT_FOUND"],
] as const)("%s is refused", async (_name, open, code) => {
  await expect(open()).rejects.toMatchObject({ code });
});

test("an empty or broken pattern is refused", async () => {
  put(".dockerignore", "[\n");
  await expect(openDirectoryContext(context)).rejects.toThrow(".dockerignore");
});
