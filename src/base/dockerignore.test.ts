import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { compileIgnore, parseIgnoreFile } from "./dockerignore.ts";
import { LighterError } from "./errors.ts";

describe("a .dockerignore", () => {
  const rows: readonly { readonly file: string; readonly out: readonly string[]; readonly kept: readonly string[] }[] =
    [
      { file: "", out: [], kept: ["a", "a/b"] },
      { file: "a", out: ["a", "a/b", "a/b/c"], kept: ["b", "b/a", "ab"] },
      { file: "/a/", out: ["a", "a/b"], kept: ["b/a"] },
      { file: "./a/../b", out: ["b"], kept: ["a"] },
      { file: "# a\n\n  b  \r\n#c", out: ["b"], kept: ["a", "c", "#c"] },
      { file: "*.md", out: ["a.md", "a.md/x"], kept: ["d/a.md", "a.mdx"] },
      { file: "*/*.md", out: ["d/a.md"], kept: ["a.md", "d/e/a.md"] },
      { file: "**/*.md", out: ["a.md", "d/a.md", "d/e/a.md"], kept: ["a.txt"] },
      { file: "**", out: ["a", "a/b"], kept: [] },
      { file: "a/**", out: ["a/b", "a/b/c"], kept: ["a", "ab"] },
      { file: "a/**/z", out: ["a/z", "a/b/z", "a/b/c/z"], kept: ["a/zz", "z"] },
      { file: "**/node_modules", out: ["node_modules", "x/node_modules/y"], kept: ["node_modules2"] },
      { file: "a?", out: ["ab", "ab/c"], kept: ["a", "abc", "a/"] },
      { file: "[a-c]x", out: ["ax", "cx"], kept: ["dx"] },
      { file: "[^a]x", out: ["bx"], kept: ["ax"] },
      { file: "a\\*", out: ["a*"], kept: ["ab"] },
      { file: "a.b", out: ["a.b"], kept: ["axb"] },
      { file: "*\n!keep", out: ["a", "keeper"], kept: ["keep", "keep/x"] },
      {
        file: "*.md\n!README*.md\nREADME-secret.md",
        out: ["x.md", "README-secret.md"],
        kept: ["README.md", "README-a.md"],
      },
      { file: "*.md\nREADME-secret.md\n!README*.md", out: ["x.md"], kept: ["README-secret.md"] },
      { file: "a\n!a/b\na/b/c", out: ["a", "a/x", "a/b/c"], kept: ["a/b", "a/b/d"] },
      { file: "\uFEFFa", out: ["a"], kept: ["b"] },
      { file: "ä*", out: ["äö"], kept: ["a"] },
    ];
  for (const { file, out, kept } of rows) {
    test(JSON.stringify(file), () => {
      const ignores = compileIgnore(parseIgnoreFile(file));
      expect(out.filter((path) => !ignores(path))).toEqual([]);
      expect(kept.filter(ignores)).toEqual([]);
    });
  }

  test("a lone exclamation mark and an open set are refused", () => {
    expect(() => compileIgnore(parseIgnoreFile("!"))).toThrow("illegal exclusion pattern");
    expect(() => compileIgnore(parseIgnoreFile("a[b"))).toThrow("[ without ]");
  });

  test("any text compiles or is refused", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(..."*?[]^-\\/ab{(.+$|é!#\n ".split("")), { maxLength: 16 }), (parts) => {
        try {
          compileIgnore(parseIgnoreFile(parts.join("")))("a/b");
        } catch (error) {
          expect(error).toBeInstanceOf(LighterError);
        }
      }),
      { numRuns: 2000, interruptAfterTimeLimit: 2000 },
    );
  });
});
