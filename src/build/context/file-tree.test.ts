import { describe, expect, test } from "bun:test";
import { type FileFacts, FileTree, hashNode } from "./file-tree.ts";

type Entry = Omit<FileFacts, "kind" | "contentDigest"> & { name: string; kind: FileFacts["kind"] | "hardlink" };

function entry(name: string, kind: Entry["kind"], more: Partial<Entry> = {}): Entry {
  return { name, kind, mode: 0o644, linkName: "", size: 0, ...more };
}

function treeOf(...entries: readonly (readonly [Entry, string])[]): FileTree {
  const tree = new FileTree();
  for (const [{ name, kind, ...facts }, contentDigest] of entries) {
    if (kind === "hardlink") tree.add(name, tree.linkTarget(name, facts.linkName));
    else tree.add(name, { ...facts, kind, contentDigest });
  }
  return tree;
}

describe("a path in the context", () => {
  const tree = treeOf(
    [entry("./a", "file"), "a"],
    [entry("d/e/b", "file"), "b"],
    [entry("d/e/up", "symlink", { linkName: "../../a" }), ""],
    [entry("d/out", "symlink", { linkName: "../../../../a" }), ""],
    [entry("top", "symlink", { linkName: "/d" }), ""],
    [entry("loop", "symlink", { linkName: "loop" }), ""],
    [entry("dangling", "symlink", { linkName: "nowhere" }), ""],
    [entry("hard", "hardlink", { linkName: "./d/e/b" }), ""],
  );
  const rows: readonly (readonly [string, string | null])[] = [
    ["a", "a"],
    ["", ""],
    ["d", "d"],
    ["d/e/", "d/e"],
    ["d/./e/../e/b", "d/e/b"],
    ["d/e/up", "a"],
    ["d/out", "a"],
    ["top/e/b", "d/e/b"],
    ["top/e/up", "a"],
    ["../../a", "a"],
    ["dangling", null],
    ["a/b", null],
    ["nothing", null],
    ["hard", "hard"],
  ];
  for (const [path, expected] of rows) {
    test(path || "(the context itself)", () => {
      expect(tree.resolve(path)?.path ?? null).toBe(expected);
    });
  }

  test("that leads in a circle is refused", () => {
    expect(() => tree.resolve("loop")).toThrow("too many levels of symbolic links");
  });

  test("of a hard link has the content of the file it leads to", () => {
    expect(tree.find("hard")?.contentDigest).toBe("b");
  });
});

test("entries that lead out of the context, and hard links to nothing, are refused", () => {
  for (const name of ["../a", "a/../../b", "..", "a\0b"]) {
    expect(() => treeOf([entry(name, "file"), ""])).toThrow("leads out of the context");
  }
  expect(() => treeOf([entry("a", "hardlink", { linkName: "b" }), ""])).toThrow("is not before it");
  expect(treeOf([entry("/abs", "file"), ""]).find("abs")).not.toBeNull();
});

test("a later entry replaces an earlier one, but a directory keeps what is in it", () => {
  const tree = treeOf(
    [entry("d/a", "file"), "1"],
    [entry("d/", "directory", { mode: 0o700 }), ""],
    [entry("d/a", "file"), "2"],
  );
  expect(tree.find("d/a")?.contentDigest).toBe("2");
  expect(tree.find("d")?.mode).toBe(0o700);
});

describe("the hash of a tree", () => {
  const base = () => [[entry("d/a", "file"), "1"] as const, [entry("d/l", "symlink", { linkName: "a" }), ""] as const];
  const hash = (...entries: readonly (readonly [Entry, string])[]) => {
    const tree = treeOf(...entries);
    return hashNode(tree, tree.resolve("d") ?? tree.root);
  };

  test("is the same whatever the order and the directory's own name", () => {
    const moved = [...base()].reverse().map(([item, digest]) => [{ ...item, size: item.size }, digest] as const);
    expect(hash(...moved)).toBe(hash(...base()));
    const renamed = treeOf([entry("x/a", "file"), "1"], [entry("x/l", "symlink", { linkName: "a" }), ""]);
    expect(hashNode(renamed, renamed.resolve("x") ?? renamed.root)).toBe(hash(...base()));
  });

  const changes: readonly (readonly [string, readonly [Entry, string]])[] = [
    ["content", [entry("d/a", "file"), "2"]],
    ["permissions", [entry("d/a", "file", { mode: 0o755 }), "1"]],
    ["kind", [entry("d/a", "symlink", { linkName: "1" }), ""]],
    ["link target", [entry("d/l", "symlink", { linkName: "b" }), ""]],
    ["another file", [entry("d/b", "file"), "1"]],
  ];
  for (const [what, change] of changes) {
    test(`changes with ${what}`, () => {
      expect(hash(...base(), change)).not.toBe(hash(...base()));
    });
  }
});
