import { describe, expect, test } from "bun:test";
import { checkSourceCount, needsExisting, parseDestination, planCopy } from "./copy-plan.ts";

describe("a destination", () => {
  const rows: readonly (readonly [string, string, string, boolean])[] = [
    ["/a", "", "/a", false],
    ["/a/", "", "/a", true],
    ["/", "", "/", true],
    ["a", "", "/a", false],
    ["a", "/w", "/w/a", false],
    ["a/b/", "/w", "/w/a/b", true],
    [".", "/w", "/w", true],
    ["./", "/w", "/w", true],
    ["..", "/w/x", "/w", true],
    ["../../../../a", "/w", "/a", false],
    ["/a//b/../c", "/w", "/a/c", false],
    ["/a/.", "", "/a", true],
    ["/a.", "", "/a.", false],
    ["a...", "/", "/a...", false],
  ];
  for (const [text, workingDirectory, path, isDirectory] of rows) {
    test(`${text} in ${workingDirectory || "nowhere"}`, () => {
      expect(parseDestination(text, workingDirectory)).toEqual({ path, isDirectory });
    });
  }
});

describe("a copy", () => {
  const rows: readonly {
    readonly sources: readonly (readonly ["file" | "directory", string])[];
    readonly to: string;
    readonly exists?: boolean;
    readonly expected: readonly string[];
  }[] = [
    { sources: [["file", "a"]], to: "/x", expected: ["/x"] },
    { sources: [["file", "a"]], to: "/x", exists: true, expected: ["/x/a"] },
    { sources: [["file", "a"]], to: "/x/", expected: ["/x/a"] },
    { sources: [["file", "a"]], to: "/", expected: ["/a"] },
    { sources: [["directory", "d"]], to: "/x", expected: ["/x"] },
    { sources: [["directory", "d"]], to: "/x/", exists: true, expected: ["/x"] },
    { sources: [["directory", ""]], to: ".", expected: ["/"] },
    {
      sources: [
        ["file", "a"],
        ["directory", "d"],
        ["file", "b"],
      ],
      to: "/x/",
      expected: ["/x/a", "/x", "/x/b"],
    },
  ];
  for (const { sources, to, exists = false, expected } of rows) {
    test(`of ${sources.map(([kind, name]) => `${kind} ${name}`).join(", ")} to ${to}${exists ? ", a directory" : ""}`, () => {
      const list = sources.map(([kind, name]) => ({ kind, name }));
      expect(planCopy(list, parseDestination(to, "/"), exists).map((item) => item.to)).toEqual([...expected]);
    });
  }

  test("looks into the image only where that decides", () => {
    const asks = (kind: "file" | "directory", to: string) =>
      needsExisting([{ kind, name: "a" }], parseDestination(to, "/"));
    expect([asks("file", "/x"), asks("file", "/x/"), asks("directory", "/x")]).toEqual([true, false, false]);
  });

  test("of several sources needs a directory, and of none is refused", () => {
    expect(() => checkSourceCount("COPY", 2, parseDestination("/x", "/"))).toThrow(
      "When using COPY with more than one source file, the destination must be a directory and end with a /",
    );
    expect(() => checkSourceCount("ADD", 0, parseDestination("/x/", "/"))).toThrow(
      "ADD failed: no source files were specified",
    );
    checkSourceCount("COPY", 2, parseDestination("/x/", "/"));
  });
});
