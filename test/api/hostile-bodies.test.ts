import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { ROUTES } from "../../src/api/routes.ts";
import { within } from "../harness/deadline.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

/** Every route that takes a body, with bodies that nobody of good will sends; and connections that are no better. */
let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
  await engine.expectDocker("run", "-d", "--name", "subject", "busybox", "sleep", "1000");
}, 60_000);
afterAll(() => engine[Symbol.asyncDispose]());

/** Speaks to a registry: test/registry has one of its own. */
const ASKS_OUTSIDE = "/auth";

const JSON_ROUTES = ROUTES.filter(({ takes, path }) => takes.startsWith("JSON") && path !== ASKS_OUTSIDE);
const STREAM_ROUTES = ROUTES.filter(({ takes }) => takes === "stream");
const MEBIBYTE = 1 << 20;

const pathOf = (path: string) => path.replace(/\{\w+\}/g, "subject");
const deep = (open: string, close: string, depth = 100_000) => open.repeat(depth) + close.repeat(depth);

describe.each(JSON_ROUTES.map((route) => [`${route.method} ${route.path}`, route] as const))("%s", (_, route) => {
  test.each([
    ["no JSON", "{"],
    ["a text instead of an object", '"text"'],
    ["a list instead of an object", "[]"],
    ["lists within lists", deep("[", "]")],
    ["another text behind it", "{} {}"],
    ["what is no UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31])],
    ["nine megabytes", `{"Name":"${"x".repeat(9 * MEBIBYTE)}"}`],
  ])("%s is refused", async (_name, body) => {
    const { status, text } = await send(route.method, pathOf(route.path), body);
    expect(`${status} ${text}`).toMatch(/^4\d\d .*"message":/s);
  });

  test.each(["text/plain", "application/xml", "multipart/form-data; boundary=x", "application/jsonx"])(
    "a body of %s is refused",
    async (type) => {
      const { status, text } = await send(route.method, pathOf(route.path), "{}", type);
      expect(`${status} ${text}`).toMatch(/^400 .*must be 'application\/json'/s);
    },
  );

  test.each([
    ["a prototype", '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'],
    ["objects within objects", deep('{"a":', "}").replace('"a":}', '"a":1}')],
  ])("%s in a field that nobody knows does no harm", async (_name, body) => {
    const { status } = await send(route.method, pathOf(route.path), body);
    expect(status).toBeLessThan(500);
  });
});

describe.each(STREAM_ROUTES.map((route) => [`${route.method} ${route.path}`, route] as const))("%s", (_, route) => {
  const query = route.path === "/images/create" ? "?fromSrc=-" : route.path.endsWith("archive") ? "?path=/tmp" : "";
  test.each([
    ["noise", Buffer.from(Array.from({ length: 4096 }, (_value, at) => (at * 7919) % 251))],
    ["a compressed stream that stops", gzipSync(Buffer.alloc(MEBIBYTE)).subarray(0, 100)],
    ["a compressed stream that is none", Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), Buffer.alloc(600, 1)])],
    ["an archive's first half block", Buffer.alloc(256, 0x61)],
  ])("%s is refused", async (_name, body) => {
    const { status, text } = await send(route.method, `${pathOf(route.path)}${query}`, body, "application/x-tar");
    expect(`${status} ${text}`).toMatch(/^(?:4\d\d .*"message":|200 .*"errorDetail":)/s);
  });
});

describe("paths", () => {
  test.each([
    "/../../etc/passwd",
    "/containers/../../../etc/passwd/json",
    "/containers/%2e%2e%2f%2e%2e%2fetc/json",
    "/containers/subject%00/json",
    "/containers/%c0%af/json",
    "/containers/%/json",
    "/volumes/..",
    "/volumes/%2e%2e%2f%2e%2e",
    "/images/..%2f..%2fetc/json",
    "/networks/%0d%0aX-Injected:%201",
    `/containers/${"a".repeat(100_000)}/json`,
    "/v1.44/v1.44/info",
    "/v99999.1/info",
    "//info",
    "/info/",
    "/INFO",
  ])("%s is not there", async (path) => {
    const answer = await onTheWire(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 40[04] /);
    expect(answer).not.toContain("X-Injected: 1\r\n");
  });
});

describe("connections", () => {
  test("headers without an end are refused, and take no memory", async () => {
    const answer = await onTheWire(`GET /info HTTP/1.1\r\nHost: x\r\nX-Large: ${"x".repeat(2 * MEBIBYTE)}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 |^$/);
    expect((await engine.api("/_ping")).status).toBe(200);
  });

  test("many that never finish their request keep nobody waiting", async () => {
    const slow = await Promise.all(
      Array.from({ length: 100 }, async (_, at) => {
        const socket = connect(engine.socket);
        await once(socket, "connect");
        socket.on("error", () => {});
        socket.write(
          at % 2 === 0 ? "GET /info HTT" : "POST /build HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n",
        );
        return socket;
      }),
    );
    expect((await within("an answer to others", engine.api("/_ping"))).status).toBe(200);
    expect(await engine.expectDocker("run", "--rm", "busybox", "echo", "served")).toBe("served");
    for (const socket of slow) socket.destroy();
  });

  test("a request in the body of another is not one", async () => {
    const inner = "POST /containers/subject/kill HTTP/1.1\r\nHost: x\r\n\r\n";
    await onTheWire(
      `GET /info HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
    );
    expect(await engine.expectDocker("inspect", "-f", "{{.State.Running}}", "subject")).toBe("true");
  });
});

async function send(
  method: string,
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  type = "application/json",
): Promise<{ status: number; text: string }> {
  const headers = { "Content-Type": type };
  const response = await within(`an answer to ${method} ${path}`, engine.api(path, { method, body, headers }));
  return { status: response.status, text: await response.text() };
}

/** What comes back on a connection of its own until it is closed. */
async function onTheWire(request: string): Promise<string> {
  const socket = connect(engine.socket);
  let answer = "";
  socket.on("data", (chunk) => {
    answer += chunk;
  });
  // Who is refused in the middle of what it says may find the connection reset.
  socket.on("error", () => {});
  socket.write(request);
  await within("the connection ends", new Promise<void>((resolve) => socket.once("close", () => resolve())));
  return answer;
}
