import { mkdir } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { fail, LighterError } from "../../base/errors.ts";
import { newId, shortId } from "../../base/ids.ts";
import { timestampNow } from "../../base/timestamp.ts";
import { pathOf } from "../../grpc/server.ts";
import { DirectoryFiles } from "../context/directory-files.ts";
import type { RegistryLogin, ReportCounter, SolveSources } from "../graph/solver.ts";
import type { LocalDirectories } from "./local-directories.ts";
import { Auth } from "./proto/auth_pb.ts";
import { Secrets } from "./proto/secrets_pb.ts";
import { SSH } from "./proto/ssh_pb.ts";
import { receiveFiles } from "./receive-files.ts";
import type { Session } from "./sessions.ts";

/** Progress is said at most this often. */
const REPORT_EVERY_MS = 100;

/** What the sources of a session need of the engine. */
export interface SessionPlaces {
  readonly directories: LocalDirectories;
  /** A directory for sockets; short, for socket paths end at 107 bytes. */
  readonly sockets: string;
}

/**
 * A build's files, secrets and agents, from its client's session. Disposing closes the agents' sockets.
 * @param session asked for with the first of them: a build may need none.
 */
export function sessionSources(session: () => Promise<Session>, places: SessionPlaces): SolveSources & AsyncDisposable {
  const agents = new AsyncDisposableStack();
  const opened = new Map<string, Promise<string | null>>();
  return {
    async local(source, report, signal) {
      const client = await session();
      const held = await places.directories.hold(`${source.name}:${source.sharedKey}:${client.sharedKey}`);
      const counter = countBytes(source.name, report);
      try {
        await receiveFiles(client, source, held.directory, counter.say, signal);
        counter.finish();
        return new DirectoryFiles(held.directory.tree(), held.directory.path, async () => held[Symbol.asyncDispose]());
      } catch (error) {
        await held[Symbol.asyncDispose]();
        throw error;
      }
    },
    secret: async (id) => secretOf(await session(), id),
    registryLogin: async (host) => loginOf(await session(), host),
    ssh: async (id) => {
      const client = await session();
      const path = opened.get(id) ?? forwardAgent(client, id || "default", places.sockets, agents);
      opened.set(id, path);
      return path;
    },
    [Symbol.asyncDispose]: () => agents.disposeAsync(),
  };
}

function countBytes(name: string, report: ReportCounter): { say: (bytes: number) => void; finish: () => void } {
  const id = `transferring ${name}:`;
  const started = timestampNow();
  let [saidMs, bytes] = [0, 0];
  const say = (completed: string | null) => {
    report({ id, name: "transferring", total: 0, current: bytes, started, completed });
  };
  return {
    say(current) {
      bytes = current;
      const nowMs = performance.now();
      if (nowMs - saidMs < REPORT_EVERY_MS) return;
      saidMs = nowMs;
      say(null);
    },
    finish: () => say(timestampNow()),
  };
}

/** null: the client has no such secret, or none at all. */
async function secretOf({ connection, supports }: Session, id: string): Promise<Uint8Array | null> {
  if (!supports(pathOf(Secrets.method.getSecret))) return null;
  try {
    return (await connection.call(Secrets.method.getSecret, { ID: id })).data;
  } catch (error) {
    if (error instanceof LighterError && error.kind === "not-found") return null;
    throw error;
  }
}

/** null: the client has no account there. */
async function loginOf({ connection, supports }: Session, host: string): Promise<RegistryLogin | null> {
  const method = Auth.method.credentials;
  if (!supports(pathOf(method))) return null;
  // Clients know Docker's own registry by the name of its server.
  const Host = host === "docker.io" ? "registry-1.docker.io" : host;
  const { Username: username, Secret: secret } = await connection.call(method, { Host });
  if (username === "" && secret === "") return null;
  // Without a name it is a token that the registry gave in place of one.
  return username === ""
    ? { username, password: "", identityToken: secret }
    : { username, password: secret, identityToken: "" };
}

/** A socket whose connections are carried to the client's agent. null: the client forwards no such agent. */
async function forwardAgent(
  session: Session,
  id: string,
  directory: string,
  open: AsyncDisposableStack,
): Promise<string | null> {
  if (!session.supports(pathOf(SSH.method.checkAgent))) return null;
  try {
    await session.connection.call(SSH.method.checkAgent, { ID: id });
  } catch (error) {
    if (error instanceof LighterError && error.kind !== "unavailable" && error.kind !== "cancelled") return null;
    throw error;
  }
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, `agent-${shortId(newId())}.sock`);
  const connections = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
    socket.on("error", () => socket.destroy());
    void carry(session, id, socket).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(path, resolve);
  });
  open.defer(async () => {
    for (const socket of connections) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return path;
}

async function carry({ connection }: Session, id: string, socket: Socket): Promise<void> {
  await using stream = connection.stream(SSH.method.forwardAgent, { metadata: { "buildkit.ssh.id": id } });
  const there = (async () => {
    // Not destroyed at its end: only one half has ended.
    for await (const data of socket.iterator({ destroyOnReturn: false })) await stream.send({ data: bytesOf(data) });
    stream.end();
  })();
  there.catch(() => {});
  for await (const { data } of stream) if (!socket.write(data)) await drained(socket);
  socket.end();
  await there;
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off("drain", done).off("close", done);
      resolve();
    };
    socket.once("drain", done).once("close", done);
  });
}

function bytesOf(chunk: unknown): Uint8Array {
  return chunk instanceof Uint8Array
    ? chunk
    : fail("internal", "SOCKET_CHUNK", "a socket gave something else than bytes");
}
