import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readText } from "./api.ts";
import { openBunTransport } from "./bun-transport.ts";
import { openNodeTransport } from "./node-transport.ts";
import type { DirectAddress } from "./transport.ts";

let directory: string;
let address: DirectAddress;
let server: Server;
let connections = 0;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "transport-"));
  const path = join(directory, "s.sock");
  address = { kind: "unix", path };
  server = createServer(async (request, response) => {
    if (request.url === "/refused") return void response.writeHead(409).end('{"message":"no"}');
    if (request.url === "/cut") return void request.socket.destroy();
    if (request.url === "/endless") {
      response.writeHead(200);
      const more = () => {
        while (response.write(Buffer.alloc(65536, "x")));
      };
      response.on("drain", more);
      return more();
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, url, headers } = request;
    const body = Buffer.concat(chunks).toString();
    const { "content-type": type, "content-length": length } = headers;
    response.writeHead(200, { "X-Answer": "yes" });
    response.end(JSON.stringify({ method, url, type, length, body }));
  });
  server.on("connection", () => connections++);
  server.on("upgrade", (_request, socket, head) => {
    socket.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nfirst:");
    socket.write(head);
    socket.on("data", (bytes) => socket.write(bytes));
    socket.on("end", () => socket.end(":after your end"));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true });
});

const bytes = (text: string) => new TextEncoder().encode(text);

describe.each([
  ["Bun", openBunTransport],
  ["Node", openNodeTransport],
] as const)("the transport for %s", (_name, open) => {
  test("sends JSON with its length, and reads the answer", async () => {
    const transport = open(address);
    const answer = await transport.send({ method: "POST", path: "/a?b=c", body: '{"x":1}' });
    expect([answer.status, answer.headers.get("x-answer")]).toEqual([200, "yes"]);
    const echo = { method: "POST", url: "/a?b=c", type: "application/json", length: "7", body: '{"x":1}' };
    expect(JSON.parse(await readText(answer.body))).toEqual(echo);
    transport.close();
  });

  test("sends a stream while it is produced", async () => {
    const transport = open(address);
    async function* parts() {
      yield bytes("one,");
      yield bytes("");
      yield bytes("two");
    }
    const answer = await transport.send({
      method: "PUT",
      path: "/",
      body: parts(),
      headers: { "Content-Type": "application/x-tar" },
    });
    expect(JSON.parse(await readText(answer.body))).toMatchObject({ type: "application/x-tar", body: "one,two" });
    transport.close();
  });

  test("uses a connection again, once its answer was read", async () => {
    const transport = open(address);
    const before = connections;
    for (let count = 0; count < 3; count++) {
      await readText((await transport.send({ method: "GET", path: "/" })).body);
    }
    expect(connections - before).toBe(1);
    transport.close();
  });

  test("gives concurrent requests connections of their own", async () => {
    const transport = open(address);
    const answers = await Promise.all([1, 2, 3].map((n) => transport.send({ method: "GET", path: `/${n}` })));
    const urls = await Promise.all(answers.map(async ({ body }) => JSON.parse(await readText(body)).url));
    expect(urls).toEqual(["/1", "/2", "/3"]);
    transport.close();
  });

  test("hands over a refusal like any answer", async () => {
    const transport = open(address);
    const answer = await transport.send({ method: "GET", path: "/refused" });
    expect([answer.status, await readText(answer.body)]).toEqual([409, '{"message":"no"}']);
    transport.close();
  });

  test("reads the answer to HEAD without waiting for a body", async () => {
    const transport = open(address);
    const answer = await transport.send({ method: "HEAD", path: "/refused" });
    expect([answer.status, await readText(answer.body)]).toEqual([409, ""]);
    transport.close();
  });

  test("stays connected after an upgrade until both sides have ended", async () => {
    const transport = open(address);
    const { stream } = await transport.upgrade({ method: "POST", path: "/attach" });
    if (!stream) throw new Error("not upgraded");
    await stream.write(bytes("echo"));
    stream.end();
    expect(await readText(stream.output)).toBe("first:echo:after your end");
    transport.close();
  });

  test("an upgrade that is refused has no stream but an answer", async () => {
    const plain = createServer((_request, response) => response.writeHead(404).end("no"));
    const path = join(directory, `plain-${_name}.sock`);
    await new Promise<void>((resolve) => plain.listen(path, resolve));
    plain.on("upgrade", (_request, socket) => socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"));
    const transport = open({ kind: "unix", path });
    const answer = await transport.upgrade({ method: "POST", path: "/" });
    expect([answer.status, answer.stream, await readText(answer.body)]).toEqual([404, null, "no"]);
    transport.close();
    plain.close();
  });

  test("leaving an endless body closes the connection", async () => {
    const transport = open(address);
    const { body } = await transport.send({ method: "GET", path: "/endless" });
    const closed = new Promise((resolve) => server.once("connection", (socket) => socket.once("close", resolve)));
    const second = await open(address).send({ method: "GET", path: "/endless" });
    let total = 0;
    for await (const chunk of second.body) {
      total += chunk.length;
      if (total > 1_000_000) break;
    }
    await closed;
    for await (const _ of body) break;
    transport.close();
  });

  test("nobody there and a connection that is cut have their own codes", async () => {
    const nobody = open({ kind: "unix", path: join(directory, "nobody.sock") });
    await expect(nobody.send({ method: "GET", path: "/" })).rejects.toMatchObject({ code: "ENGINE_UNREACHABLE" });
    await expect(nobody.connect()).rejects.toMatchObject({ code: "ENGINE_UNREACHABLE" });
    const transport = open(address);
    await expect(transport.send({ method: "GET", path: "/cut" })).rejects.toMatchObject({ code: "CONNECTION_LOST" });
  });
});
