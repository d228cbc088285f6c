import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatAuthScope, parseAuthScope } from "./auth-scope.ts";
import { formatUploadRange, parseContentRange, parseRange, parseUploadRange } from "./byte-range.ts";
import { describeErrorEntry, parseErrorDocument } from "./error-document.ts";
import { formatNextLink, nextLink } from "./link-header.ts";
import { parseRetryAfter } from "./retry-after.ts";

describe("Range", () => {
  test.each([
    ["bytes=0-9", { start: 0, end: 9 }],
    ["bytes=10-", { start: 10, end: 99 }],
    ["bytes=-10", { start: 90, end: 99 }],
    ["bytes=-1000", { start: 0, end: 99 }],
    ["bytes=50-1000", { start: 50, end: 99 }],
    ["bytes=100-", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=9-0", null],
    ["bytes=0-1,3-4", null],
    ["lines=0-1", null],
    ["bytes=-", null],
    [undefined, null],
  ] as const)("%p of 100 bytes", (header, expected) => {
    expect(parseRange(header, 100)).toEqual(expected);
  });

  test("is never outside of what there is", () => {
    const header = fc
      .tuple(fc.option(fc.nat(300)), fc.option(fc.nat(300)))
      .map(([a, b]) => `bytes=${a ?? ""}-${b ?? ""}`);
    fc.assert(
      fc.property(header, fc.nat(200), (text, size) => {
        const range = parseRange(text, size);
        if (range === null || range === "unsatisfiable") return;
        expect(range.start).toBeGreaterThanOrEqual(0);
        expect(range.start).toBeLessThanOrEqual(range.end);
        expect(range.end).toBeLessThan(size);
      }),
      { interruptAfterTimeLimit: 500 },
    );
  });
});

test.each([
  ["bytes 0-9/100", { start: 0, end: 9, size: 100 }],
  ["bytes 5-9/*", { start: 5, end: 9, size: null }],
  ["bytes 9-5/100", null],
  ["bytes 0-100/100", null],
  ["bytes */100", null],
  ["0-9/100", null],
])("Content-Range: %s", (header, expected) => {
  expect(parseContentRange(header)).toEqual(expected);
});

test.each([
  ["0-99", { start: 0, end: 99 }],
  ["bytes=0-99", { start: 0, end: 99 }],
  ["99-0", null],
  ["-5", null],
  ["0-99999999999999999", null],
])("an upload's range %s", (header, expected) => {
  expect(parseUploadRange(header)).toEqual(expected);
});

test("an upload's position is written as its last byte", () => {
  expect([formatUploadRange(0), formatUploadRange(1), formatUploadRange(100)]).toEqual(["0-0", "0-0", "0-99"]);
});

describe("Link", () => {
  const current = new URL("https://registry.example/v2/a/tags/list?n=2");
  test.each([
    ['</v2/a/tags/list?last=b&n=2>; rel="next"', "https://registry.example/v2/a/tags/list?last=b&n=2"],
    ["<?last=b>; rel=next", "https://registry.example/v2/a/tags/list?last=b"],
    ['</first>; rel="first", </b>; title="x"; rel="prev next"', "https://registry.example/b"],
    ['<https://elsewhere.example/steal>; rel="next"', null],
    ['<https://registry.example:444/>; rel="next"', null],
    ["</a>; rel=prev", null],
    ["</a>", null],
    ["garbage", null],
    [undefined, null],
  ])("%p", (header, expected) => {
    expect(nextLink(header, current)?.href ?? null).toBe(expected);
  });

  test("what is written reads the same again, and garbage does not throw", () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ unit: fc.constantFrom(...'<>;,="rel next/') }), (last, garbage) => {
        const target = `/v2/a/tags/list?${new URLSearchParams({ last })}`;
        expect(nextLink(formatNextLink(target), current)?.searchParams.get("last")).toBe(
          new URLSearchParams({ last }).get("last"),
        );
        nextLink(garbage, current);
      }),
      { interruptAfterTimeLimit: 500 },
    );
  });
});

test.each([
  ["120", 120_000],
  ["0", 0],
  ["Thu, 01 Jan 1970 00:01:00 GMT", 50_000],
  ["Thu, 01 Jan 1970 00:00:00 GMT", 0],
  ["soon", null],
  ["-1", null],
  [undefined, null],
])("Retry-After: %p", (header, expected) => {
  expect(parseRetryAfter(header, 10_000)).toBe(expected);
});

test.each([
  ["repository:library/busybox:pull,push", { type: "repository", name: "library/busybox", actions: ["pull", "push"] }],
  ["repository:localhost:5000/a:pull", { type: "repository", name: "localhost:5000/a", actions: ["pull"] }],
  ["registry:catalog:*", { type: "registry", name: "catalog", actions: ["*"] }],
  ["repository:a", null],
  ["", null],
])("scope %s", (text, expected) => {
  const scope = parseAuthScope(text);
  expect(scope).toEqual(expected);
  if (scope) expect(formatAuthScope(scope)).toBe(text);
});

test("errors read as Docker prints them, without control characters, and anything else is none", () => {
  const body = JSON.stringify({
    errors: [{ code: "MANIFEST_UNKNOWN", message: "manifest\u001b[31m unknown", detail: {} }],
  });
  expect(parseErrorDocument(body)?.map(describeErrorEntry)).toEqual(["manifest unknown: manifest [31m unknown"]);
  for (const other of ["", "<html>", "{}", '{"errors":[]}', '{"errors":"no"}', "[1]"]) {
    expect(parseErrorDocument(other)).toBeNull();
  }
});
