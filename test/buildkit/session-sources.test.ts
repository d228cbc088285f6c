import { afterEach, beforeEach, expect, test } from "bun:test";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalDirectories } from "../../src/build/buildkit/local-directories.ts";
import { sessionSources } from "../../src/build/buildkit/session-sources.ts";
import { Sessions } from "../../src/build/buildkit/sessions.ts";
import { METHODS, type Offer, sessionServer } from "./session-services.ts";

let directory: string;
const open: (() => void)[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "lighter-session-"));
});
afterEach(() => {
  for (const end of open.splice(0)) end();
  rmSync(directory, { recursive: true, force: true });
});

test("what is written to an agent's socket reaches the client's agent, and its answers come back", async () => {
  const agentPath = join(directory, "agent.sock");
  const agent = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("data", (bytes) => socket.write(`heard ${bytes}`)).on("end", () => socket.end(" and it ended"));
  }).listen(agentPath);
  open.push(() => agent.close());
  const { sources } = await sourcesOf({ directories: {}, agents: { deploy: agentPath } });
  const path = await sources.ssh("deploy");
  expect(await sources.ssh("deploy")).toBe(path);
  expect(await sources.ssh("other")).toBeNull();
  const talks = ["one", "two"].map(async (word) => {
    const socket = connect({ path: path ?? "", allowHalfOpen: true });
    socket.end(word);
    let heard = "";
    for await (const bytes of socket.iterator({ destroyOnReturn: false })) heard += bytes;
    return heard;
  });
  expect(await Promise.all(talks)).toEqual(["heard one and it ended", "heard two and it ended"]);
  await sources[Symbol.asyncDispose]();
  expect(existsSync(path ?? "")).toBe(false);
});

test("secrets, accounts and directories are asked for where the client has them", async () => {
  const context = join(directory, "context");
  await Bun.write(join(context, "file"), "content");
  const { sources } = await sourcesOf({ directories: { context }, secrets: { key: "value" } });
  expect(Buffer.from((await sources.secret("key")) ?? []).toString()).toBe("value");
  expect(await sources.secret("none")).toBeNull();
  expect(await sources.registryLogin?.("docker.io")).toBeNull();
  const source = { type: "local", name: "context", include: [], exclude: [], follow: [], sharedKey: "" } as const;
  const counted: number[] = [];
  await using files = await sources.local(source, ({ current }) => counted.push(current), AbortSignal.timeout(5_000));
  const node = files.tree.resolve("file");
  expect(node && Buffer.from(await files.read(node, 3)).toString()).toBe("con");
  expect(counted.at(-1)).toBeGreaterThanOrEqual(7);
});

test("a client that offers nothing has no secret and no agent; one that is gone is waited for and then told of", async () => {
  const { sources } = await sourcesOf({ directories: {} }, []);
  expect(await sources.secret("key")).toBeNull();
  expect(await sources.ssh("default")).toBeNull();
  const source = { type: "local", name: "context", include: [], exclude: [], follow: [], sharedKey: "" } as const;
  const refused = await sources.local(source, () => {}, AbortSignal.timeout(5_000)).catch((error: unknown) => error);
  expect(String(refused)).toContain("the client offers no local files");
  const cancelled = AbortSignal.abort(new Error("nobody waits"));
  const missing = await new Sessions().get("none", cancelled).catch((error: unknown) => error);
  expect(String(missing)).toContain("nobody waits");
});

test("a connection that breaks in the middle of a transfer fails it, and the next one begins well", async () => {
  const context = join(directory, "context");
  await Bun.write(join(context, "large"), new Uint8Array(8_000_000));
  const source = { type: "local", name: "context", include: [], exclude: [], follow: [], sharedKey: "" } as const;
  const first = await sourcesOf({ directories: { context } });
  const failed = await first.sources
    .local(source, () => first.socket.destroy(), AbortSignal.timeout(5_000))
    .catch((error: unknown) => error);
  expect(String(failed)).toContain("connection to the client");
  const second = await sourcesOf({ directories: { context } });
  await using files = await second.sources.local(source, () => {}, AbortSignal.timeout(10_000));
  expect(files.tree.resolve("large")?.size).toBe(8_000_000);
  // The first one's directory was let go, so that no second one was made.
  expect(readdirSync(join(directory, "kept"))).toHaveLength(1);
});

/** The engine's view of a client's session. */
async function sourcesOf(offer: Offer, methods: readonly string[] = METHODS) {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("no address");
  const socket = connect(address.port, "127.0.0.1");
  const [near] = (await once(server, "connection")) as [Socket];
  server.close();
  open.push(() => socket.destroy());
  sessionServer(offer, { asked: [], bytesSent: { total: 0 } }).emit("connection", socket);
  const sessions = new Sessions();
  void sessions.serve(near, { id: "s", sharedKey: "k", methods });
  const directories = new LocalDirectories(join(directory, "kept"), join(directory, "tmp"));
  const session = () => sessions.get("s", AbortSignal.timeout(5_000));
  return { socket, sources: sessionSources(session, { directories, sockets: join(directory, "run") }) };
}
