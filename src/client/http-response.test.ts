import { expect, test } from "bun:test";
import fc from "fast-check";
import { ResponseReader } from "./http-response.ts";

interface Seen {
  status: number;
  headers: Record<string, string>;
  body: string;
  end: "reusable" | "closing" | "none";
}

/** Feeds a response in pieces cut at the given places, then ends the connection if asked. */
function read(
  text: string,
  { cuts = [], close = false, hasBody = true }: { cuts?: number[]; close?: boolean; hasBody?: boolean } = {},
): Seen {
  const seen: Seen = { status: 0, headers: {}, body: "", end: "none" };
  const reader = new ResponseReader(
    {
      head: (status, headers) => Object.assign(seen, { status, headers: Object.fromEntries(headers) }),
      body: (chunk) => {
        seen.body += Buffer.from(chunk).toString("latin1");
      },
      end: (reusable) => {
        seen.end = reusable ? "reusable" : "closing";
      },
    },
    hasBody,
  );
  const bytes = Buffer.from(text, "latin1");
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (const [index, place] of places.entries()) reader.feed(bytes.subarray(place, places[index + 1] ?? place));
  if (close) reader.close();
  return seen;
}

const cases: readonly { name: string; text: string; close?: boolean; hasBody?: boolean; expected: Partial<Seen> }[] = [
  {
    name: "a body of known length",
    text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Name:  v \r\n\r\nhello",
    expected: { status: 200, headers: { "content-length": "5", "x-name": "v" }, body: "hello", end: "reusable" },
  },
  {
    name: "chunks with an extension and a trailer",
    text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\nT: x\r\n\r\n",
    expected: { body: "hello0123456789", end: "reusable" },
  },
  { name: "no content", text: "HTTP/1.1 204 No Content\r\n\r\n", expected: { status: 204, body: "", end: "reusable" } },
  { name: "not modified", text: "HTTP/1.1 304 Not Modified\r\n\r\n", expected: { status: 304, end: "reusable" } },
  {
    name: "an empty body",
    text: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    expected: { status: 200, body: "", end: "reusable" },
  },
  {
    name: "a connection that closes after the body",
    text: "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab",
    expected: { body: "ab", end: "closing" },
  },
  {
    name: "a body until the end of the connection",
    text: "HTTP/1.1 200 OK\r\n\r\nsome bytes",
    close: true,
    expected: { body: "some bytes", end: "closing" },
  },
  {
    name: "an upgrade, after which everything is raw",
    text: "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    close: true,
    expected: { status: 101, body: "HTTP/1.1 200 OK\r\n\r\n", end: "closing" },
  },
  {
    name: "an interim answer before the real one",
    text: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx",
    expected: { status: 201, body: "x", end: "reusable" },
  },
  {
    name: "the answer to HEAD, whose body does not come",
    text: "HTTP/1.1 404 Not Found\r\nContent-Length: 99\r\n\r\n",
    hasBody: false,
    expected: { status: 404, body: "", end: "reusable" },
  },
];

for (const { name, text, close, hasBody, expected } of cases) {
  test(`reads ${name}, wherever it is cut`, () => {
    expect(read(text, { close, hasBody })).toMatchObject(expected);
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 8 }), (cuts) => {
        expect(read(text, { cuts, close, hasBody })).toMatchObject(expected);
      }),
      { numRuns: 40 },
    );
  });
}

test.each([
  ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n"],
  ["a status that is no number", "HTTP/1.1 abc OK\r\n\r\n"],
  ["a header without a colon", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"],
  ["a length that is no number", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"],
  ["a chunk size that is no number", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"],
  ["a chunk that is longer than it says", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n"],
  ["bytes behind the end", "HTTP/1.1 204 No Content\r\n\r\nmore"],
  ["a head without end", `HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(20_000)}`],
])("refuses %s", (_name, text) => {
  expect(() => read(text)).toThrow("not HTTP/1.1");
});

test("bytes of any kind are read or refused, never more than that", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        read(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${Buffer.from(bytes).toString("latin1")}`);
      } catch (error) {
        expect(error).toMatchObject({ code: "BAD_RESPONSE" });
      }
    }),
  );
});
