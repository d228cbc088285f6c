import { expect, test } from "bun:test";
import { formatBinarySize, formatByteSize, parseByteSize } from "./byte-size.ts";

test.each([
  ["0", 0],
  ["512", 512],
  ["10b", 10],
  ["1k", 1024],
  ["64m", 64 * 1024 ** 2],
  ["64M", 64 * 1024 ** 2],
  ["1.5g", 1.5 * 1024 ** 3],
  ["2GB", 2 * 1024 ** 3],
  ["2 GiB", 2 * 1024 ** 3],
  ["1t", 1024 ** 4],
  ["-1", -1],
])("%s is %p bytes", (text, size) => {
  expect(parseByteSize(text)).toBe(size);
});

test.each(["", "m", "1.m", "-2", "1e3", "1 2", "0x10", "1kk", "1m "])("%p is no size", (text) => {
  expect(() => parseByteSize(text)).toThrow(`invalid size: '${text}'`);
});

test.each([
  [0, "0B", "0B"],
  [999, "999B", "999B"],
  [1000, "1kB", "1kB"],
  [1_984_162, "1.98MB", "1.984MB"],
  [123_456_789, "123MB", "123.5MB"],
  [1e15, "1PB", "1PB"],
])("%p bytes are %s, and %s with four digits", (size, three, four) => {
  expect([formatByteSize(size), formatByteSize(size, 4)]).toEqual([three, four]);
});

test.each([
  [0, "0B"],
  [1023, "1023B"],
  [1024, "1KiB"],
  [684_032, "668KiB"],
  [25_274_134_528, "23.54GiB"],
])("%p bytes of memory are %s", (size, text) => {
  expect(formatBinarySize(size)).toBe(text);
});
