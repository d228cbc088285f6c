import { expect, test } from "bun:test";
import { formatTable } from "./table.ts";

test("columns are at least ten wide, three apart, and the last is not padded", () => {
  expect(
    formatTable([
      ["ID", "NAME", "X"],
      ["abcdefghij", "a", ""],
    ]),
  ).toBe("ID           NAME      X\nabcdefghij   a         \n");
});

test("a column lasts as long as consecutive rows have it", () => {
  const rows = [["a", "b"], ["long enough to widen"], ["c", "d"]];
  expect(formatTable(rows)).toBe("a         b\nlong enough to widen\nc         d\n");
});

test("characters are counted, not bytes", () => {
  expect(
    formatTable([
      ["größer als ü", "x"],
      ["a", "y"],
    ]),
  ).toBe("größer als ü   x\na              y\n");
});

test("nothing is nothing", () => {
  expect(formatTable([])).toBe("");
});
