import { expect, test } from "bun:test";
import fc from "fast-check";
import { indentJson } from "./indent-json.ts";

test("is what a parser and printer would make of it", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(indentJson(JSON.stringify(value), "    ")).toBe(JSON.stringify(value, null, 4));
    }),
  );
});

test("numbers and escapes stay as they were written", () => {
  expect(indentJson('{"n":18446744073709551615,"t":"\\u003ca\\"{[,:"}', "  ")).toBe(
    '{\n  "n": 18446744073709551615,\n  "t": "\\u003ca\\"{[,:"\n}',
  );
});

test("blanks that were there do not count", () => {
  expect(indentJson('[ { } , [ \n ] , { "a" : [1] } ]', " ")).toBe('[\n {},\n [],\n {\n  "a": [\n   1\n  ]\n }\n]');
});
