import { expect, test } from "bun:test";
import { createDetachFilter } from "./detach-keys.ts";

/** Types pieces one after another; returns what was passed on, and after which piece it detached. */
function type(keys: string | undefined, ...pieces: string[]): { passed: string; detachedAfter: number | null } {
  const filter = createDetachFilter(keys);
  let passed = "";
  for (const [index, piece] of pieces.entries()) {
    const { pass, detached } = filter.feed(Buffer.from(piece, "latin1"));
    passed += Buffer.from(pass).toString("latin1");
    if (detached) return { passed, detachedAfter: index };
  }
  return { passed, detachedAfter: null };
}

test.each([
  [undefined, ["ls\r"], "ls\r", null],
  [undefined, ["ab\x10\x11cd"], "ab", 0],
  [undefined, ["a\x10", "\x11"], "a", 1],
  [undefined, ["\x10", "x"], "\x10x", null],
  [undefined, ["\x10\x10\x11"], "\x10", 0],
  [undefined, ["\x11\x10"], "\x11", null],
  ["ctrl-a", ["x\x01y"], "x", 0],
  ["a,b,c", ["aabc"], "a", 0],
  ["ctrl-@,ctrl-[", ["\0\x1b"], "", 0],
] as const)("with %p, %p passes %p on", (keys, pieces, passed, detachedAfter) => {
  expect(type(keys, ...pieces)).toEqual({ passed, detachedAfter });
});

test.each(["ctrl-", "ctrl-1", "ab", ""])("%p is no key", (keys) => {
  expect(() => createDetachFilter(keys)).toThrow("invalid detach keys");
});
