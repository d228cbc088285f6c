import { describe, expect, test } from "bun:test";
import { z } from "zod";
import {
  parseRawQuery,
  queryFilters,
  queryFlag,
  queryFlagOr,
  queryInteger,
  queryJson,
  queryLogTime,
  queryText,
  queryTexts,
  queryTime,
} from "./query.ts";

describe("booleans are read as Docker reads them", () => {
  test.each([
    ["a=1", true],
    ["a=true", true],
    ["a=True", true],
    ["a=yes", true],
    ["a=maybe", true],
    ["a=0", false],
    ["a=false", false],
    ["a=FALSE", false],
    ["a=no", false],
    ["a=none", false],
    ["a=", false],
    ["a", false],
    ["", false],
    ["a=1&a=0", true],
  ])("%p", (text, expected) => {
    expect(queryFlag.parse(parseRawQuery(text).a)).toBe(expected);
  });

  test("a default counts only where nothing was said", () => {
    expect(queryFlagOr(true).parse(undefined)).toBe(true);
    expect(queryFlagOr(true).parse([""])).toBe(false);
  });
});

test.each([
  ["5", 5],
  ["-1", -1],
  ["", undefined],
])("the integer %p", (text, expected) => {
  expect(queryInteger.parse([text])).toBe(expected);
});

test.each(["x", "1.5", "1e3", "0x10", " 1", "99999999999999999999", "9007199254740993"])("%p is no integer", (text) => {
  expect(queryInteger.safeParse([text]).success).toBe(false);
});

test.each([
  ["", undefined],
  ["0", 0n],
  ["5", 5_000_000_000n],
  ["1700000000.5", 1_700_000_000_500_000_000n],
  ["1700000000.000000001", 1_700_000_000_000_000_001n],
])("the time %p", (text, expected) => {
  expect(queryTime.parse([text])).toBe(expected);
});

test("zero is no bound of a log", () => {
  expect(queryLogTime.parse(["0"])).toBeUndefined();
  expect(queryLogTime.parse(["5"])).toBe(5_000_000_000n);
});

test.each(["x", "10m", "2020-01-01", "1.0000000001", "."])("%p is no time", (text) => {
  expect(queryTime.safeParse([text]).success).toBe(false);
});

describe("filters", () => {
  test.each([
    ['{"label":["a","b=c"]}', [["label", ["a", "b=c"]]]],
    ['{"label":{"a":true,"b":false}}', [["label", ["a"]]]],
    [
      '{"a":["1"],"b":{"2":true}}',
      [
        ["a", ["1"]],
        ["b", ["2"]],
      ],
    ],
    ['{"a":[]}', [["a", []]]],
    ["{}", []],
    ["null", []],
    ["", []],
  ] as const)("%p", (text, expected) => {
    expect([...queryFilters.parse([text])]).toEqual(expected as never);
  });

  test.each(["x", "[]", "1", '{"a":"b"}', '{"a":[1]}', '{"a":{"b":"true"}}', '{"a":null}'])("%p is refused", (text) => {
    expect(() => queryFilters.parse([text])).toThrow("invalid filter");
  });
});

test("JSON in a parameter goes through its schema", () => {
  const schema = queryJson(z.record(z.string(), z.string()));
  expect(schema.parse(['{"A":"1"}'])).toEqual({ A: "1" });
  expect(schema.parse([""])).toBeUndefined();
  expect(schema.safeParse(['{"A":1}']).success).toBe(false);
  expect(schema.safeParse(["{"]).success).toBe(false);
});

test("names that objects have by birth are parameters like others", () => {
  const query = parseRawQuery("__proto__=1&constructor=2&toString=3");
  expect(queryText.parse(query.constructor)).toBe("2");
  expect(queryTexts.parse(query.hasOwnProperty)).toEqual([]);
});
