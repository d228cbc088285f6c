import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import type { Socket } from "node:net";
import { within } from "../harness/deadline.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { connectBuilder } from "./buildx.ts";
import { upgrade } from "./upgrade.ts";

let engine: TestEngine;
let pid: number;

beforeAll(async () => {
  engine = await startEngine({ busybox: false });
  pid = engine.pid;
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
});

/** The same process answers as if nothing had been. */
async function expectAlive(): Promise<void> {
  await using builder = await connectBuilder(engine.socket);
  expect((await builder.control.listWorkers({})).record).toHaveLength(1);
  expect(engine.pid).toBe(pid);
}

const SESSION = [
  ["X-Docker-Expose-Session-Uuid", "hostile"],
  ["X-Docker-Expose-Session-Grpc-Method", "/moby.filesync.v1.FileSync/DiffCopy"],
] as const;
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

const garbage: readonly (readonly [string, () => Buffer])[] = [
  ["nothing at all", () => Buffer.alloc(0)],
  ["noise", () => randomBytes(100_000)],
  ["HTTP/1.1", () => Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n")],
  ["half a preface", () => PREFACE.subarray(0, 9)],
  ["noise after the preface", () => Buffer.concat([PREFACE, randomBytes(10_000)])],
  [
    "a frame that claims to be longer than any",
    () => Buffer.concat([PREFACE, SETTINGS, Buffer.from([255, 255, 255, 0, 0, 0, 0, 0, 1]), randomBytes(9)]),
  ],
  [
    "headers that are no headers",
    () => Buffer.concat([PREFACE, SETTINGS, Buffer.from([0, 0, 8, 1, 4, 0, 0, 0, 1]), randomBytes(8)]),
  ],
];
for (const path of ["/grpc", "/session"]) {
  for (const [what, bytes] of garbage) {
    test(`${path} gets ${what}`, async () => {
      const socket = await upgrade(engine.socket, path, path === "/session" ? SESSION : []);
      socket.on("error", () => {}).resume();
      socket.end(bytes());
      await within("the engine ends the connection", ended(socket));
      await expectAlive();
    });
  }
}

test("calls that are no calls are refused one by one, on a connection that goes on", async () => {
  const socket = await upgrade(engine.socket, "/grpc");
  const session = connectHttp2("http://localhost", { createConnection: () => socket });
  const call = async (path: string, body: Buffer): Promise<string> => {
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.resume().end(body);
    const [trailers] = (await within(`the answer of ${path}`, once(stream, "trailers"))) as [IncomingHttpHeaders];
    return `${trailers["grpc-status"]} ${trailers["grpc-message"] ?? ""}`;
  };
  const message = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, 0, bytes.length]), bytes]);
  const solve = "/moby.buildkit.v1.Control/Solve";
  expect(await call("/nowhere", message(Buffer.alloc(0)))).toStartWith("12 unknown method");
  expect(await call(solve, Buffer.alloc(0))).toStartWith("3 the call has no message");
  expect(await call(solve, Buffer.from([0, 255, 255, 255, 255, 1]))).toStartWith("3 a message of");
  expect(await call(solve, Buffer.from([1, 0, 0, 0, 0]))).toStartWith("12 compressed");
  expect(await call(solve, Buffer.from([0, 0, 0, 0, 9, 1]))).toStartWith("3 the stream ended within a message");
  expect(await call(solve, message(Buffer.alloc(50, 255)))).toStartWith("3 not a moby.buildkit.v1.SolveRequest");
  expect(await call(solve, message(Buffer.alloc(0)))).toStartWith("3 a build needs a ref");
  expect(await call("/moby.buildkit.v1.Control/ListWorkers", message(Buffer.alloc(0)))).toStartWith("0");
  session.destroy();
  await expectAlive();
});

test("two sessions with one id: the second is refused, and the first is none the worse", async () => {
  const first = await upgrade(engine.socket, "/session", SESSION);
  first.on("error", () => {}).resume();
  const refused = await upgrade(engine.socket, "/session", SESSION).catch((error: unknown) => error);
  expect(String(refused)).toContain("409");
  expect(first.destroyed).toBe(false);
  first.destroy();
  await expectAlive();
});

async function ended(socket: Socket): Promise<void> {
  if (!socket.closed) await once(socket, "close");
}
