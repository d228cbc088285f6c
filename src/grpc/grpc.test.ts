import { afterEach, expect, test } from "bun:test";
import { once } from "node:events";
import { createServer as createHttp2Server } from "node:http2";
import { connect, createServer, type Socket } from "node:net";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { connectNodeAdapter, createGrpcTransport } from "@connectrpc/connect-node";
import { LighterError } from "../base/errors.ts";
import { SSH } from "../build/buildkit/proto/ssh_pb.ts";
import { GrpcConnection } from "./client.ts";
import { bidiStream, createGrpcServer, type GrpcRoute, unary } from "./server.ts";

const release: (() => void)[] = [];
afterEach(() => {
  for (const end of release.splice(0).reverse()) end();
});

/** Two ends of one connection. */
async function socketPair(): Promise<[Socket, Socket]> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("no address");
  const near = connect(address.port, "127.0.0.1");
  const [far] = (await once(server, "connection")) as [Socket];
  server.close();
  release.push(
    () => near.destroy(),
    () => far.destroy(),
  );
  return [near, far];
}

const ECHO: readonly GrpcRoute[] = [
  unary(SSH.method.checkAgent, ({ ID }) => {
    if (ID !== "default") throw new LighterError("not-found", "NO_AGENT", `no agent "${ID}": 100 % größer`);
    return {};
  }),
  bidiStream(SSH.method.forwardAgent, async function* (requests, { metadata }) {
    yield { data: Buffer.from(JSON.stringify(metadata["buildkit.ssh.id"] ?? null)) };
    for await (const { data } of requests) yield { data };
  }),
];

async function ourClient(routes = ECHO): Promise<GrpcConnection> {
  const [near, far] = await socketPair();
  createGrpcServer(routes)(far);
  const connection = new GrpcConnection(near);
  release.push(() => connection[Symbol.dispose]());
  return connection;
}

test("an error arrives with its kind and its text, whatever letters it has", async () => {
  const client = await ourClient();
  expect(await client.call(SSH.method.checkAgent, { ID: "default" })).toBeDefined();
  const error = await client.call(SSH.method.checkAgent, { ID: "other" }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ kind: "not-found", message: 'no agent "other": 100 % größer' });
});

test("both sides of a stream speak when they like, and either half ends by itself", async () => {
  const client = await ourClient();
  await using stream = client.stream(SSH.method.forwardAgent, { metadata: { "buildkit.ssh.id": "a" } });
  const replies = stream[Symbol.asyncIterator]();
  expect(text(await replies.next())).toBe('"a"');
  for (const said of ["one", "two"]) {
    await stream.send({ data: Buffer.from(said) });
    expect(text(await replies.next())).toBe(said);
  }
  stream.end();
  expect((await replies.next()).done).toBe(true);
});

test("messages larger than a window and smaller than a frame come whole and in order", async () => {
  const client = await ourClient();
  await using stream = client.stream(SSH.method.forwardAgent);
  const sizes = [0, 1, 70_000, 3, 9_000_000, ...Array.from({ length: 500 }, (_, at) => at)];
  const sending = (async () => {
    for (const size of sizes) await stream.send({ data: Buffer.alloc(size, size % 251) });
    stream.end();
  })();
  const received: number[] = [];
  for await (const { data } of stream) received.push(data[0] === data.at(-1) ? data.length : -1);
  await sending;
  expect(received.slice(1)).toEqual(sizes);
});

test("who cancels a call frees the other side, and a connection that breaks fails every call on it", async () => {
  const left = Promise.withResolvers<void>();
  const client = await ourClient([
    bidiStream(SSH.method.forwardAgent, async function* (_, { signal }) {
      yield { data: new Uint8Array() };
      await once(signal, "abort");
      left.resolve();
    }),
  ]);
  const abort = new AbortController();
  const stream = client.stream(SSH.method.forwardAgent, { signal: abort.signal })[Symbol.asyncIterator]();
  await stream.next();
  abort.abort(new Error("enough"));
  await expect(stream.next()).rejects.toThrow("enough");
  await left.promise;
  const other = client.stream(SSH.method.forwardAgent)[Symbol.asyncIterator]();
  await other.next();
  client[Symbol.dispose]();
  await expect(other.next()).rejects.toMatchObject({ kind: "unavailable" });
  await client.closed;
});

test("a client by other hands can call our server", async () => {
  const [near, far] = await socketPair();
  createGrpcServer(ECHO)(far);
  const client = createClient(
    SSH,
    createGrpcTransport({ baseUrl: "http://localhost", nodeOptions: { createConnection: () => near } }),
  );
  await client.checkAgent({ ID: "default" });
  const refused = await client.checkAgent({ ID: "x" }).catch((error: unknown) => ConnectError.from(error));
  expect(refused).toMatchObject({ code: Code.NotFound, rawMessage: 'no agent "x": 100 % größer' });
  const said: string[] = [];
  async function* requests() {
    yield { data: Buffer.from("hello") };
  }
  for await (const { data } of client.forwardAgent(requests())) said.push(Buffer.from(data).toString());
  expect(said).toEqual(["null", "hello"]);
});

test("our client can call a server by other hands, with several values of one name", async () => {
  const [near, far] = await socketPair();
  const values = Promise.withResolvers<string[]>();
  const server = createHttp2Server(
    connectNodeAdapter({
      connect: false,
      grpcWeb: false,
      routes: (router) =>
        router.service(SSH, {
          checkAgent: () => {
            throw new ConnectError("no agent", Code.PermissionDenied);
          },
          async *forwardAgent(requests) {
            for await (const { data } of requests) yield { data };
          },
        }),
    }),
  );
  server.on("stream", (_stream, _headers, _flags, raw: string[]) => {
    values.resolve(raw.filter((_, at) => raw[at - 1] === "exclude-patterns"));
  });
  server.emit("connection", far);
  using client = new GrpcConnection(near);
  await using stream = client.stream(SSH.method.forwardAgent, { metadata: { "exclude-patterns": ["a", "b, c"] } });
  await stream.send({ data: Buffer.from("x") });
  stream.end();
  for await (const { data } of stream) expect(Buffer.from(data).toString()).toBe("x");
  expect(await values.promise).toEqual(["a", "b, c"]);
  const refused = await client.call(SSH.method.checkAgent, {}).catch((error: unknown) => error);
  expect(refused).toMatchObject({ kind: "forbidden" });
});

function text(result: IteratorResult<{ data: Uint8Array }>): string {
  return result.done ? "(end)" : Buffer.from(result.value.data).toString();
}
