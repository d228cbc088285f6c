import { expect, test } from "bun:test";
import { encodeFilters, filterOption } from "./filters.ts";

test("values of one name are collected, in the API's JSON", () => {
  expect(encodeFilters(["status=exited", "Status=created", "label=a=b"])).toBe(
    '{"status":["exited","created"],"label":["a=b"]}',
  );
  expect(encodeFilters([])).toBeUndefined();
});

test("a name that every object has is a name like others", () => {
  expect(encodeFilters(["constructor=x"])).toBe('{"constructor":["x"]}');
});

test("a filter without a value is refused", () => {
  expect(() => filterOption().add("a", [])).toThrow("bad format of filter (expected name=value)");
});
