import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LighterError } from "../base/errors.ts";
import { compilePathMatch, hasWildcard } from "./path-match.ts";

describe("a wildcard in COPY", () => {
  const rows: readonly (readonly [string, string, boolean])[] = [
    ["*", "a", true],
    ["*", "a/b", false],
    ["*.txt", "a.txt", true],
    ["*.txt", "a.txtx", false],
    ["*.txt", ".txt", true],
    ["a?c", "abc", true],
    ["a?c", "a/c", false],
    ["a[bc]d", "abd", true],
    ["a[^bc]d", "abd", false],
    ["a[^bc]d", "a/d", false],
    ["a[b-d]e", "ace", true],
    ["a[d-b]e", "ace", false],
    ["a[\\]]b", "a]b", true],
    ["a\\*b", "a*b", true],
    ["a\\*b", "axb", false],
    ["*/z", "d/z", true],
    ["d/*", "d/.hidden", true],
    ["a.b", "axb", false],
    ["***", "abc", true],
    ["a*b*c", "aXbXbXc", true],
    ["a*b*c", "aXcXb", false],
    ["*a*/b*", "xay/bz", true],
    ["*a/b", "a/a/b", false],
    ["a/*", "a/", true],
    ["", "", true],
    ["a", "", false],
    ["ä?", "äö", true],
    ["?", "😀", true],
  ];
  for (const [pattern, path, expected] of rows) {
    test(`${pattern} ${expected ? "matches" : "does not match"} ${path}`, () => {
      expect(compilePathMatch(pattern)(path)).toBe(expected);
    });
  }

  for (const pattern of ["[", "a[", "[]a]", "[a-]", "[-a]", "a\\", "[^]"]) {
    test(`${pattern} is refused`, () => {
      expect(() => compilePathMatch(pattern)).toThrow("syntax error in pattern");
    });
  }
});

test("an escaped wildcard is an ordinary character", () => {
  expect(["a*", "a?", "[a", "\\\\*"].map(hasWildcard)).toEqual([true, true, true, true]);
  expect(["a", "a\\*", "\\[a", "a\\\\b"].map(hasWildcard)).toEqual([false, false, false, false]);
});

test("many stars do not take for ever", () => {
  expect(compilePathMatch(`${"a*".repeat(40)}b`)("a".repeat(4000))).toBe(false);
});

test("any pattern compiles or is refused as one", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(..."*?[]^-\\/ab{(.+$|é".split("")), { maxLength: 12 }), (parts) => {
      try {
        compilePathMatch(parts.join(""))("a/b");
      } catch (error) {
        expect(error).toBeInstanceOf(LighterError);
      }
    }),
    { numRuns: 2000, interruptAfterTimeLimit: 2000 },
  );
});
