import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttpServer, type Server } from "node:http";
import { connect, createServer, type Server as NetServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { z } from "zod";
import { fail } from "../base/errors.ts";
import { stdcopyFrame } from "../base/stdcopy.ts";
import { Metrics } from "./metrics.ts";
import { queryFlag, queryInteger } from "./query.ts";
import { bytes, empty, feed, hijack, json, later, progress } from "./reply.ts";
import { jsonBody, optionalJsonBody, streamBody } from "./request-body.ts";
import { type Route, route } from "./route.ts";
import { createApiServer } from "./server.ts";
import type { Services } from "./services.ts";

/** Real connections to a real server; only the routes behind it are this test's. */
const directory = mkdtempSync(join(tmpdir(), "api-"));
const socketPath = join(directory, "api.sock");
const processPath = join(directory, "process.sock");
let server: Server;
let processes: NetServer;
let processSide: (socket: Socket) => void = () => {};
const logged: string[] = [];
let released = Promise.withResolvers<void>();

const attached = (tty: boolean, extra: object = {}) => ({
  tty,
  history: null,
  socket: connectToProcess(),
  stdin: true,
  detachKeys: null,
  ...extra,
});

async function connectToProcess(): Promise<Socket> {
  const socket = connect({ path: processPath, allowHalfOpen: true });
  await once(socket, "connect");
  return socket;
}

const routes: readonly Route[] = [
  route({
    method: "POST",
    path: "/echo/{id}/json",
    query: z.object({ flag: queryFlag, count: queryInteger }),
    body: jsonBody(z.object({ Name: z.string(), Nested: z.object({ Size: z.int() }).optional() })),
    handle: ({ params, query, body, version }) => json({ ...params, ...query, ...body, minor: version.minor }, 201),
  }),
  route({
    method: "POST",
    path: "/optional",
    body: optionalJsonBody(z.object({ Name: z.string().optional() })),
    handle: ({ body }) => json(body),
  }),
  route({ method: "GET", path: "/unchanged", handle: () => empty(304) }),
  route({ method: "GET", path: "/bug", handle: () => Promise.reject(new TypeError("broken")) }),
  route({ method: "GET", path: "/refused", handle: () => fail("conflict", "X", "already in use") }),
  route({
    method: "POST",
    path: "/count",
    body: streamBody,
    handle: async ({ body }) => {
      let size = 0;
      for await (const chunk of body) size += chunk.length;
      return json({ size });
    },
  }),
  route({ method: "GET", path: "/later", handle: () => later(released.promise.then(() => ({ StatusCode: 3 }))) }),
  route({ method: "GET", path: "/later-refused", handle: () => later(Promise.reject(refusal())) }),
  route({ method: "GET", path: "/progress", handle: () => progress(failingAfter(2)) }),
  route({ method: "GET", path: "/progress-refused", handle: () => progress(failingAfter(0)) }),
  route({ method: "GET", path: "/feed-refused", handle: () => feed(failingAfter(0)) }),
  route({ method: "GET", path: "/feed", handle: ({ abort }) => feed(endless(abort)) }),
  route({
    method: "GET",
    path: "/bytes",
    handle: () => bytes("application/x-tar", Readable.from([Buffer.from("tar")])),
  }),
  route({ method: "POST", path: "/attach", hijacks: true, handle: () => hijack(attached(false)) }),
  route({
    method: "POST",
    path: "/attach-tty",
    hijacks: true,
    handle: () => hijack(attached(true, { detachKeys: [16, 17] })),
  }),
  route({
    method: "GET",
    path: "/attach-ws",
    hijacks: true,
    handle: () => hijack(attached(false), "websocket"),
  }),
  route({
    method: "POST",
    path: "/attach-history",
    hijacks: true,
    handle: () =>
      hijack({ ...attached(true), history: Readable.from([Buffer.from("old")]), socket: Promise.resolve(null) }),
  }),
  route({
    method: "POST",
    path: "/attach-refused",
    hijacks: true,
    handle: () => hijack(attached(false, { socket: Promise.reject(refusal()) })),
  }),
  route({
    method: "POST",
    path: "/attach-failed",
    hijacks: true,
    handle: () =>
      hijack(attached(false, { socket: released.promise.then(() => Promise.reject(new Error("no such file"))) })),
  }),
];

function refusal(): Error {
  try {
    return fail("not-found", "X", "No such container: x");
  } catch (error) {
    return error as Error;
  }
}

async function* failingAfter(count: number) {
  for (let at = 0; at < count; at++) yield { at };
  fail("conflict", "X", "went wrong");
}

let produced = 0;
let feedEnded = Promise.withResolvers<void>();
async function* endless(abort: AbortSignal) {
  try {
    for (produced = 0; !abort.aborted; produced++) yield { text: "x".repeat(10_000) };
  } finally {
    feedEnded.resolve();
  }
}

beforeAll(async () => {
  processes = createServer({ allowHalfOpen: true }, (socket) => processSide(socket)).listen(processPath);
  // None of these routes asks the services anything.
  server = createApiServer(
    { metrics: new Metrics() } as Services,
    routes,
    {
      log: (_level, message) => logged.push(message),
      product: "Lighter/test (linux)",
    },
    createHttpServer,
  ).listen(socketPath);
  await once(server, "listening");
});

afterAll(() => {
  server.close();
  server.closeAllConnections();
  processes.close();
  rmSync(directory, { recursive: true });
});

/** Sends bytes as they are and collects what comes back until the server ends or `enough` is there. */
async function talk(request: string, enough?: (text: string) => boolean, half = false): Promise<string> {
  const socket = connect({ path: socketPath, allowHalfOpen: true });
  socket.write(request);
  if (half) socket.end();
  let text = "";
  for await (const chunk of socket) {
    text += chunk;
    if (enough?.(text)) break;
  }
  socket.destroy();
  return text;
}

const get = (path: string) => talk(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
const post = (path: string, body: string, type = "application/json") =>
  talk(
    `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
const UPGRADE = "Connection: Upgrade\r\nUpgrade: tcp\r\n";
const upgrade = (path: string) => `POST ${path} HTTP/1.1\r\nHost: x\r\n${UPGRADE}Content-Length: 0\r\n\r\n`;

describe("requests", () => {
  test("path, query and body arrive parsed, with the version asked for", async () => {
    const reply = await post("/v1.30/echo/a%2Fb/c:1/json?flag=True&count=-4", '{"Name":"n","Unknown":1}');
    expect(reply).toStartWith("HTTP/1.1 201 Created\r\n");
    expect(reply).toEndWith('{"id":"a/b/c:1","flag":true,"count":-4,"Name":"n","minor":30}\n');
    for (const header of [
      "Api-Version: 1.51",
      "Ostype: linux",
      "Docker-Experimental: false",
      "Server: Lighter/test (linux)",
    ]) {
      expect(reply).toContain(`\r\n${header}\r\n`);
    }
  });

  test.each([
    ["", "invalid JSON: got EOF while reading request body"],
    ["{", "invalid JSON: "],
    ['{"Name":"n"', "invalid JSON: "],
    ['{"Name":3}', "invalid JSON: Name: expected string, received number"],
    ['{"Name":"n","Nested":{"Size":"big"}}', "invalid JSON: Nested.Size: expected"],
    ["[]", "invalid JSON: expected object, received array"],
    ["null", "invalid JSON: expected object, received null"],
  ])("the body %p is refused", async (body, message) => {
    const reply = await post("/echo/a/json", body);
    expect(reply).toStartWith("HTTP/1.1 400 Bad Request\r\n");
    expect(reply).toContain(`{"message":${JSON.stringify(message).slice(0, -1)}`);
  });

  test("a body of another type is refused in Docker's words", async () => {
    expect(await post("/echo/a/json", "{}", "text/plain")).toContain(
      "unsupported Content-Type header (text/plain): must be 'application/json'",
    );
    expect(await post("/echo/a/json", '{"Name":"n"}', "application/json; charset=utf-8")).toStartWith("HTTP/1.1 201");
  });

  test("a body that may be missing is read as an empty document", async () => {
    expect(await talk("POST /optional HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).toEndWith("{}\n");
    expect(await post("/optional", "null")).toEndWith("{}\n");
    expect(await post("/optional", '{"Name":1}')).toStartWith("HTTP/1.1 400");
  });

  test("a JSON body without end is refused, not kept", async () => {
    const reply = await post("/echo/a/json", `{"Name":"${"x".repeat(9 * 1024 * 1024)}"}`);
    expect(reply).toStartWith("HTTP/1.1 400");
    expect(reply).toContain("larger than");
  });

  test("a query of the wrong type names the parameter", async () => {
    expect(await post("/echo/a/json?count=x", '{"Name":"n"}')).toContain(
      JSON.stringify({ message: 'invalid parameter: count: "x" is not an integer' }),
    );
  });

  test.each([
    ["GET", "/nope"],
    ["DELETE", "/unchanged"],
    ["GET", "/vx/unchanged"],
  ])("%s %s is not there", async (method, path) => {
    const reply = await talk(`${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(reply).toStartWith("HTTP/1.1 404 Not Found\r\n");
    expect(reply).toEndWith('{"message":"page not found"}\n');
  });

  test("OPTIONS is answered for every path, and lets no page of another origin in", async () => {
    const reply = await talk(
      "OPTIONS /anything HTTP/1.1\r\nHost: x\r\nOrigin: http://evil\r\nConnection: close\r\n\r\n",
    );
    expect(reply).toStartWith("HTTP/1.1 200 OK\r\n");
    expect(reply).not.toContain("Access-Control");
  });

  test("a broken percent-encoding is the client's fault", async () => {
    expect(await post("/echo/%zz/json", "{}")).toStartWith("HTTP/1.1 400");
  });

  test.each([
    ["chunks cut off", "POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", 400],
    ["a broken chunk size", "POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab", 400],
    ["a short body", "POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab", 400],
    ["a JSON body cut off", "POST /echo/a/json HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab", 400],
    ["no HTTP", "\x16\x03\x01\x02\r\n\r\n", 400],
    ["endless headers", `GET /bytes HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(1024 * 1024)}\r\n\r\n`, 431],
  ])("%s: answered with a refusal, and the server lives on", async (_name, request, status) => {
    expect(await talk(request, undefined, true)).toStartWith(`HTTP/1.1 ${status} `);
    expect(await get("/bytes")).toStartWith("HTTP/1.1 200 OK");
  });

  test("an upgrade that a route has no use for is answered as if not asked for", async () => {
    const reply = await talk(`GET /refused HTTP/1.1\r\nHost: x\r\n${UPGRADE}\r\n`, (text) => text.endsWith("\n"));
    expect(reply).toStartWith("HTTP/1.1 409 Conflict");
  });

  test("a connection serves one request after another", async () => {
    const one = "GET /unchanged HTTP/1.1\r\nHost: x\r\n\r\n";
    const reply = await talk(one + one.replace("unchanged", "refused"), (text) => text.includes("in use"));
    expect(reply.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 304", "HTTP/1.1 409"]);
  });
});

describe("replies", () => {
  test("304 has no body", async () => {
    const reply = await get("/unchanged");
    expect(reply).toStartWith("HTTP/1.1 304 Not Modified\r\n");
    expect(reply).toEndWith("\r\n\r\n");
  });

  test("a bug is a 500 and is logged", async () => {
    logged.length = 0;
    expect(await get("/bug")).toStartWith("HTTP/1.1 500 ");
    expect(logged).toEqual(["request failed"]);
  });

  test("the head of a late document goes out before the document is there", async () => {
    released = Promise.withResolvers();
    const reply = await talk("GET /later HTTP/1.1\r\nHost: x\r\n\r\n", (text) => {
      if (text.includes("\r\n\r\n")) released.resolve();
      return text.includes("StatusCode");
    });
    expect(reply).toContain('{"StatusCode":3}');
    expect(await get("/later-refused")).toStartWith("HTTP/1.1 404");
  });

  test("progress that fails tells so in its stream, or by its status where nothing was sent", async () => {
    const reply = await get("/progress");
    expect(reply).toStartWith("HTTP/1.1 200");
    expect(reply).toContain('{"at":1}\r\n');
    expect(reply).toContain('{"errorDetail":{"message":"went wrong"},"error":"went wrong"}\r\n');
    expect(await get("/progress-refused")).toStartWith("HTTP/1.1 409");
    expect(await get("/feed-refused")).toStartWith("HTTP/1.1 409");
  });

  test("a client that does not read holds the producer up, and its going ends it", async () => {
    feedEnded = Promise.withResolvers();
    const socket = connect(socketPath);
    socket.write("GET /feed HTTP/1.1\r\nHost: x\r\n\r\n");
    socket.pause();
    await once(socket, "connect");
    let before = -1;
    while (before !== produced) {
      before = produced;
      await Bun.sleep(30); // Nothing tells that a producer stands still but that time passes.
    }
    expect(produced).toBeLessThan(1000);
    socket.destroy();
    await feedEnded.promise;
  });
});

describe("hijacked connections", () => {
  const head = (text: string) => text.slice(0, text.indexOf("\r\n\r\n") + 4);

  /** A process that returns what it is sent, and says goodbye at its input's end. */
  const echo = (socket: Socket) => {
    socket.on("data", (chunk) => socket.write(chunk));
    socket.on("end", () => socket.end("bye"));
  };

  test.each([
    ["/v1.42/attach", "application/vnd.docker.multiplexed-stream"],
    ["/v1.41/attach", "application/vnd.docker.raw-stream"],
    ["/v1.42/attach-tty", "application/vnd.docker.raw-stream"],
  ])("%s upgrades to %s", async (path, type) => {
    processSide = (socket) => socket.end();
    expect(await talk(upgrade(path))).toBe(
      `HTTP/1.1 101 UPGRADED\r\nContent-Type: ${type}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`,
    );
  });

  test("bytes flow both ways, and the client's end is the process's", async () => {
    processSide = echo;
    // What a hasty client sends along with its request must not get lost.
    const reply = await talk(`${upgrade("/attach")}early`, undefined, true);
    expect(reply.slice(head(reply).length)).toBe("earlybye");
  });

  test("without an upgrade the process's input is the request's body, its output the unframed response", async () => {
    processSide = echo;
    const reply = await talk(
      "POST /attach HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    );
    expect(head(reply)).toContain("HTTP/1.1 200 OK\r\n");
    expect(head(reply)).toContain("Content-Type: application/vnd.docker.raw-stream\r\n");
    expect(head(reply)).not.toContain("chunked");
    expect(reply.slice(head(reply).length)).toBe("abbye");
  });

  test("without upgrade and body the process's input stays open", async () => {
    processSide = (socket) => {
      let inputEnded = false;
      socket.on("end", () => {
        inputEnded = true;
      });
      socket.write("out");
      setTimeout(() => socket.end(inputEnded ? "input ended" : "!"), 50);
    };
    const reply = await talk("POST /attach HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    expect(reply.slice(head(reply).length)).toBe("out!");
  });

  test("a process speaks WebSocket, without Docker's frames", async () => {
    processSide = (socket) => {
      socket.on("data", (chunk: Buffer) => socket.write(stdcopyFrame(1, chunk)));
      socket.on("end", () => socket.end());
    };
    const client = new WebSocket(`ws+unix://${socketPath}:/attach-ws`);
    client.binaryType = "arraybuffer";
    const opened = Promise.withResolvers<void>();
    const received = Promise.withResolvers<string>();
    client.onopen = () => opened.resolve();
    client.onmessage = ({ data }) => received.resolve(new TextDecoder().decode(data));
    await opened.promise;
    client.send("hello");
    expect(await received.promise).toBe("hello");
    const closed = Promise.withResolvers<number>();
    client.onclose = ({ code }) => closed.resolve(code);
    client.close();
    expect(await closed.promise).toBe(1000);
    expect(await get("/attach-ws")).toStartWith("HTTP/1.1 400");
  });

  test("what was written before comes first", async () => {
    const reply = await talk(upgrade("/attach-history"));
    expect(reply.slice(head(reply).length)).toBe("old");
  });

  test("a refusal that comes at once has its status, a later one stands in the stream", async () => {
    const refused = await talk(upgrade("/attach-refused"));
    expect(refused).toStartWith("HTTP/1.1 404 Not Found");
    expect(refused).toEndWith('{"message":"No such container: x"}\n');
    released = Promise.withResolvers();
    const reply = await talk(upgrade("/attach-failed"), (text) => {
      released.resolve();
      return text.includes("file\r\n");
    });
    expect(reply.slice(head(reply).length)).toBe("\x01\0\0\0\0\0\0\x0eno such file\r\n");
  });

  test("the detach keys end the connection, not the process's input", async () => {
    const ended = Promise.withResolvers<string>();
    processSide = (socket) => {
      let got = "";
      socket.on("data", (chunk) => {
        got += chunk;
      });
      socket.on("end", () => {
        ended.resolve(got);
        socket.end();
      });
      socket.on("error", () => {});
    };
    const reply = await talk(`${upgrade("/attach-tty")}ab\x10\x11cd`);
    expect(reply.slice(head(reply).length)).toBe("");
    expect(await ended.promise).toBe("ab");
  });

  test("a client that vanishes frees the process's connection", async () => {
    const closed = Promise.withResolvers<void>();
    processSide = (socket) => {
      socket.on("error", () => {});
      socket.on("close", () => closed.resolve());
      const spam = setInterval(() => (socket.destroyed ? clearInterval(spam) : socket.write("x".repeat(1000))), 1);
    };
    await talk(upgrade("/attach"), (text) => text.includes("xxx"));
    await closed.promise;
  });

  test("a client that does not read holds the process up, and loses nothing", async () => {
    const total = 20_000_000;
    let sent = 0;
    processSide = (socket) => {
      const chunk = Buffer.alloc(50_000);
      const more = () => {
        while (sent < total) {
          sent += chunk.length;
          if (!socket.write(chunk)) return void socket.once("drain", more);
        }
        socket.end();
      };
      more();
    };
    const client = connect(socketPath);
    client.write(upgrade("/attach"));
    client.pause();
    await once(client, "connect");
    let before = -1;
    while (before !== sent) {
      before = sent;
      await Bun.sleep(30); // As above: standing still shows in time only.
    }
    expect(sent).toBeLessThan(total / 2);
    let got = 0;
    for await (const chunk of client) got += chunk.length;
    expect(got).toBeGreaterThan(total);
  });
});
