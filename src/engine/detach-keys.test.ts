import { expect, test } from "bun:test";
import { DetachKeys, parseDetachKeys } from "./detach-keys.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);

test("keys are parsed by Docker's names", () => {
  expect(parseDetachKeys("")).toEqual([0x10, 0x11]);
  expect(parseDetachKeys("ctrl-a,x,ctrl-@,ctrl-_")).toEqual([1, 0x78, 0, 0x1f]);
  expect(() => parseDetachKeys("ctrl-")).toThrow("Invalid detach keys (ctrl-) provided");
  expect(() => parseDetachKeys("hyper-q")).toThrow("Invalid detach keys");
});

test("the sequence is found over the borders of reads", () => {
  const keys = new DetachKeys(parseDetachKeys(""));
  expect(text(keys.push(bytes("ls\n\x10")).forward)).toBe("ls\n");
  expect(keys.push(bytes("\x11rest"))).toEqual({ forward: new Uint8Array(), detached: true });
});

test("a beginning that goes on otherwise is handed on in whole", () => {
  const keys = new DetachKeys(parseDetachKeys("a,b"));
  expect(text(keys.push(bytes("a")).forward)).toBe("");
  expect(text(keys.push(bytes("aac")).forward)).toBe("aaac");
  expect(keys.push(bytes("ab")).detached).toBe(true);
});
