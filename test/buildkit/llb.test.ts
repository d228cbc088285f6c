import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConnectError } from "@connectrpc/connect";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { type BuildOutcome, buildx } from "./buildx.ts";
import { Graph, type Node } from "./llb.ts";

let engine: TestEngine;
let directory: string;
let context: string;

beforeAll(async () => {
  engine = await startEngine();
  directory = mkdtempSync(join(tmpdir(), "lighter-llb-"));
  context = join(directory, "context");
  mkdirSync(join(context, "d"), { recursive: true });
  writeFileSync(join(context, "a.txt"), "from the client\n");
  writeFileSync(join(context, "d/b.txt"), "below\n");
});
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true });
  await engine[Symbol.asyncDispose]();
});

test("a process runs on an image with the client's files mounted, and files are copied, made and removed", async () => {
  const graph = new Graph();
  const image = graph.source("docker-image://docker.io/library/busybox:latest");
  const files = graph.source("local://context");
  const run = graph.add(
    {
      case: "exec",
      value: {
        meta: {
          args: ["sh", "-c", "cat /in/a.txt >/made; echo $WHO >>/made; pwd >>/made"],
          env: ["WHO=raw", PATH],
          cwd: "/tmp",
        },
        mounts: [
          { input: 0n, dest: "/", output: 0n },
          { input: 1n, dest: "/in", output: -1n, readonly: true },
        ],
      },
    },
    [image, files],
  );
  const result = graph.add(
    {
      case: "file",
      value: {
        actions: [
          { input: -1n, secondaryInput: 0n, output: -1n, action: copy("/made", "/result") },
          {
            input: 2n,
            secondaryInput: 1n,
            output: -1n,
            action: copy("d", "/copied/", { dirCopyContents: true, createDestPath: true }),
          },
          {
            input: 3n,
            secondaryInput: -1n,
            output: -1n,
            action: { case: "mkdir", value: { path: "/x/y", mode: 0o750, makeParents: true } },
          },
          {
            input: 4n,
            secondaryInput: -1n,
            output: -1n,
            action: { case: "mkfile", value: { path: "/x/gone", mode: 0o600 } },
          },
          {
            input: 5n,
            secondaryInput: -1n,
            output: -1n,
            action: { case: "mkfile", value: { path: "/x/kept", mode: 0o640, data: Buffer.from("kept") } },
          },
          { input: 6n, secondaryInput: -1n, output: -1n, action: { case: "rm", value: { path: "/x/gone" } } },
          {
            input: 7n,
            secondaryInput: -1n,
            output: 0n,
            action: { case: "symlink", value: { oldpath: "x/kept", newpath: "/link" } },
          },
        ],
      },
    },
    [run, files],
  );
  const { out, progress } = await exported(graph, result);
  expect(readdirSync(out, { recursive: true }).sort()).toEqual([
    "copied",
    "copied/b.txt",
    "link",
    "result",
    "x",
    "x/kept",
    "x/y",
  ]);
  expect(readFileSync(join(out, "result"), "utf8")).toBe("from the client\nraw\n/tmp\n");
  expect(readFileSync(join(out, "x/kept"), "utf8")).toBe("kept");
  expect(statSync(join(out, "x/kept")).mode & 0o777).toBe(0o640);
  expect(readlinkSync(join(out, "link"))).toBe("x/kept");
  expect([...progress.vertices.keys()]).toContain("docker-image://docker.io/library/busybox:latest");
});

test("trees are merged, and what one has above another is taken alone", async () => {
  const graph = new Graph();
  const base = file(graph, "/base");
  const more = graph.add(
    { case: "file", value: { actions: [{ input: 0n, secondaryInput: -1n, output: 0n, action: make("/more") }] } },
    [base],
  );
  const difference = graph.add({ case: "diff", value: { lower: { input: 0n }, upper: { input: 1n } } }, [base, more]);
  const other = file(graph, "/other");
  const merged = graph.add({ case: "merge", value: { inputs: [{ input: 0n }, { input: 1n }] } }, [other, difference]);
  const { out } = await exported(graph, merged);
  expect(readdirSync(out).sort()).toEqual(["more", "other"]);
});

test("a graph becomes an image, whose document it has not", async () => {
  const graph = new Graph();
  const { response } = await buildx(engine.socket, {
    context,
    definition: graph.build(file(graph, "/only")),
    exporters: [{ Type: "image", Attrs: { name: "of-llb" } }],
  });
  expect(response["image.name"]).toBe("docker.io/library/of-llb:latest");
  const { stdout } = await engine.docker("image", "inspect", "-f", "{{.Os}} {{len .RootFS.Layers}}", "of-llb");
  expect(stdout.trim()).toBe("linux 1");
});

const broken: readonly (readonly [string, () => Graph, string])[] = [
  [
    "an input that is missing",
    () => new Graph().build({ digest: `sha256:${"0".repeat(64)}` }),
    "which is not before it",
  ],
  [
    "no target",
    () => {
      const graph = new Graph();
      graph.source("local://context");
      return graph;
    },
    "does not say what to build",
  ],
  [
    "bytes that are no operation",
    () => {
      const graph = new Graph();
      graph.def.push(Buffer.from([0xff, 0xff, 0xff, 0xff]));
      return graph;
    },
    "cannot be read",
  ],
  [
    "an output that its vertex has not",
    () => {
      const graph = new Graph();
      const made = file(graph, "/x");
      const merged = graph.add({ case: "merge", value: { inputs: [{ input: 0n }] } }, [[made, 7]]);
      return graph.build(merged);
    },
    "output 7",
  ],
  [
    "a source of an unknown kind",
    () => {
      const graph = new Graph();
      return graph.build(graph.source("ftp://example.invalid/x"));
    },
    "is of a kind that is not supported",
  ],
  [
    "a directory that the client does not offer",
    () => {
      const graph = new Graph();
      return graph.build(graph.source("local://etc"));
    },
    'no access allowed to dir "etc"',
  ],
];
for (const [what, make, reason] of broken) {
  test(`a graph with ${what} is refused`, async () => {
    const outcome = await buildx(engine.socket, { context, definition: make(), exporters: [] }).catch(
      (error: unknown) => error,
    );
    expect(ConnectError.from(outcome).rawMessage).toContain(reason);
  });
}

const PATH = "PATH=/bin:/usr/bin";

function copy(src: string, dest: string, options: { dirCopyContents?: boolean; createDestPath?: boolean } = {}) {
  return { case: "copy", value: { src, dest, mode: -1, ...options } } as const;
}

function make(path: string) {
  return { case: "mkfile", value: { path, mode: 0o644, data: Buffer.from(path) } } as const;
}

function file(graph: Graph, path: string): Node {
  const actions = [{ input: -1n, secondaryInput: -1n, output: 0n, action: make(path) }];
  return graph.add({ case: "file", value: { actions } });
}

async function exported(graph: Graph, node: Node): Promise<BuildOutcome & { out: string }> {
  const out = mkdtempSync(join(directory, "out-"));
  const outcome = await buildx(engine.socket, {
    context,
    definition: graph.build(node),
    exporters: [{ Type: "local", Attrs: {} }],
    outputs: [{ directory: out }],
  });
  return { ...outcome, out };
}
