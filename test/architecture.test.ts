import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const TREE = resolve(import.meta.dir, "..");
const SRC = join(TREE, "src");

/** Which folders of src/ a folder may import from, besides itself. Never up, never in a circle. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  grpc: ["base"],
  store: ["base"],
  client: ["base"],
  runtime: ["store", "base"],
  network: ["store", "base"],
  volume: ["store", "base"],
  snapshot: ["store", "base"],
  image: ["snapshot", "store", "base"],
  template: ["image", "snapshot", "store", "base"],
  registry: ["image", "snapshot", "store", "base"],
  engine: ["image", "snapshot", "runtime", "network", "volume", "store", "base"],
  build: ["engine", "image", "snapshot", "runtime", "grpc", "store", "base"],
  api: ["engine", "build", "registry", "template", "image", "network", "volume", "store", "base"],
  cli: ["client", "base"],
};

/** Single imports that the map forbids, each with its reason. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  "cli/commands/daemon.ts -> api/daemon.ts":
    "the executable is also the engine; loaded only when this command is asked for",
  "cli/commands/registry-serve.ts -> registry/server/serve-registry.ts":
    "the executable is also the registry; loaded only when this command is asked for",
  "cli/commands/registry-serve.ts -> registry/server/collect-garbage.ts": "as above",
  "cli/commands/registry-gc.ts -> registry/server/collect-garbage.ts":
    "works on the registry's files, not on an engine",
  "cli/commands/registry-gc.ts -> registry/server/registry-storage.ts": "as above",
};

/** Names that say nothing about what a file holds. */
const VAGUE_NAMES = /^(index|utils?|helpers?|managers?|types|common|misc)\.m?[jt]s$/;

/**
 * What must not get into a tracked file: places and tools of the machine it was written on, a registry's address in
 * the lockfile, and a promise of later work that no issue holds.
 */
const FORBIDDEN: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  { pattern: /\/wor[k]\/|\/tmp\/tea[m]|\/home\/[a-z]/, why: "a path of one machine" },
  { pattern: /cla[u]de|anthro[p]ic|chat[g]pt|copi[l]ot/i, why: "a tool of the author" },
  { pattern: /"resolved": "htt[p]/, why: "a registry's address: the lockfile names packages by version and hash" },
  { pattern: /\b(TOD[O]|FIXM[E]|XX[X])\b(?!\(#\d+\))/, why: "no issue's number behind it" },
];

const tracked = gitFiles();
const modules = tracked
  .filter((path) => path.startsWith("src/") && path.endsWith(".ts"))
  .map((path) => join(TREE, path));

test("folders import only from those below them", () => {
  const wrong: string[] = [];
  for (const path of modules) {
    for (const imported of importsOf(path)) {
      const [from, to] = [folderOf(path), folderOf(imported)];
      if (from === to || MAY_IMPORT[from]?.includes(to) || isTest(path)) continue;
      const edge = `${relative(SRC, path)} -> ${relative(SRC, imported)}`;
      if (!(edge in EXCEPTIONS)) wrong.push(edge);
    }
  }
  expect(wrong).toEqual([]);
});

test("every folder of src/ has its place in the order, and the order has no circle", () => {
  expect(modules).not.toBeEmpty();
  const unknown = new Set(modules.map(folderOf).filter((folder) => !(folder in MAY_IMPORT)));
  expect([...unknown]).toEqual([]);
  const above = new Set<string>();
  const descend = (folder: string) => {
    expect(above).not.toContain(folder);
    above.add(folder);
    MAY_IMPORT[folder]?.forEach(descend);
    above.delete(folder);
  };
  Object.keys(MAY_IMPORT).forEach(descend);
});

test("modules do not import each other in a circle", () => {
  const circles: string[] = [];
  const done = new Set<string>();
  const way: string[] = [];
  const visit = (path: string) => {
    const at = way.indexOf(path);
    if (at >= 0) circles.push([...way.slice(at), path].map((member) => relative(SRC, member)).join(" -> "));
    if (at >= 0 || done.has(path)) return;
    way.push(path);
    importsOf(path, { types: false }).filter(existsSync).forEach(visit);
    way.pop();
    done.add(path);
  };
  modules.forEach(visit);
  expect(circles).toEqual([]);
});

test("the library loads on Node: nothing that it imports needs Bun", () => {
  const entry = join(SRC, "client/client.ts");
  const needsBun = [...closureOf(entry)].filter((path) =>
    /from "bun(:[a-z]+)?"|\bBun\.|import\("bun/.test(withoutComments(readFileSync(path, "utf8"))),
  );
  expect(needsBun.map((path) => relative(SRC, path))).toEqual([]);
});

test("the commands that people wait for load nothing slow: each of these costs milliseconds before main", () => {
  const slow = /from "(node:(https?|net|stream|readline)|zod|find-my-way)"|\bprocess\.std(in|out)\b/;
  const hot = [
    "main",
    "commands/run",
    "commands/exec",
    "commands/start",
    "commands/rm",
    "commands/ps",
    "commands/wait",
  ];
  const found = hot.flatMap((name) =>
    [...closureOf(join(SRC, `cli/${name}.ts`))].flatMap((path) => {
      const match = slow.exec(loadedText(path));
      return match ? [`cli/${name}.ts by ${relative(SRC, path)}: ${match[0]}`] : [];
    }),
  );
  expect(found).toEqual([]);
});

test("files are named for what they hold", () => {
  expect(tracked.filter((path) => VAGUE_NAMES.test(path.slice(path.lastIndexOf("/") + 1)))).toEqual([]);
});

test("tracked files hold nothing that belongs to one machine or to nobody's list", () => {
  const found = tracked.flatMap((path) => {
    const text = readFileSync(join(TREE, path), "utf8");
    return FORBIDDEN.filter(({ pattern }) => pattern.test(text)).map(({ pattern, why }) => {
      return `${path}: ${pattern.exec(text)?.[0]} (${why})`;
    });
  });
  expect(found).toEqual([]);
});

/** As git knows them, those not yet added too, less what was deleted. */
function gitFiles(): string[] {
  const list = (...args: string[]) =>
    Bun.spawnSync(["git", "-C", TREE, "ls-files", "-z", ...args])
      .stdout.toString()
      .split("\0")
      .filter(Boolean);
  const deleted = new Set(list("--deleted"));
  return list("--cached", "--others", "--exclude-standard").filter((path) => !deleted.has(path));
}

function folderOf(path: string): string {
  return relative(SRC, path).split("/")[0] ?? "";
}

function isTest(path: string): boolean {
  return path.endsWith(".test.ts");
}

/** The modules of ours that a module names, statically or when asked for; with `types: false`, those loaded with it. */
function importsOf(path: string, { types = true } = {}): string[] {
  const text = types ? withoutComments(readFileSync(path, "utf8")) : loadedText(path);
  const pattern = types ? /(?:from|import|import\()\s*"(\.[^"]+)"/g : /(?:from|^import)\s*"(\.[^"]+)"/gm;
  return [...text.matchAll(pattern)]
    .map(([, name]) => resolve(dirname(path), name ?? ""))
    .filter((imported) => imported.startsWith(SRC) && imported.endsWith(".ts"));
}

/** A module and all that is loaded with it. */
function closureOf(entry: string, seen = new Set<string>()): Set<string> {
  if (seen.has(entry)) return seen;
  seen.add(entry);
  for (const imported of importsOf(entry, { types: false })) closureOf(imported, seen);
  return seen;
}

/** A module's text without what the compiler takes out. */
function loadedText(path: string): string {
  return withoutComments(readFileSync(path, "utf8")).replace(/^(?:import|export) type [^;]*;/gm, "");
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}
