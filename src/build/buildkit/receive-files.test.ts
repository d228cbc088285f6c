import { afterEach, beforeEach, expect, test } from "bun:test";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { createServer as createHttp2Server } from "node:http2";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { LocalSource } from "../graph/operation.ts";
import { LocalDirectories } from "./local-directories.ts";
import { FileSync } from "./proto/filesync_pb.ts";
import { Packet_PacketType as PacketType, type StatSchema } from "./proto/fsutil_pb.ts";
import { receiveFiles } from "./receive-files.ts";
import { type Session, Sessions } from "./sessions.ts";

type Stat = MessageInitShape<typeof StatSchema>;

const DIRECTORY = 2 ** 31 + 0o755;
const SYMLINK = 2 ** 27 + 0o777;
const SOCKET = 2 ** 24 + 0o755;

const SOURCE: LocalSource = { type: "local", name: "context", include: [], exclude: [], follow: [], sharedKey: "k" };

let root: string;
let directories: LocalDirectories;
const open: (() => void)[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "lighter-receive-"));
  directories = new LocalDirectories(join(root, "kept"), join(root, "tmp"));
});
afterEach(() => {
  for (const end of open.splice(0)) end();
  rmSync(root, { recursive: true, force: true });
});

test("a directory arrives with names, contents, modes, times and links", async () => {
  const { path, asked } = await receive([
    { path: "a", mode: DIRECTORY, modTime: 5_000_000_000n },
    { path: "a/run.sh", mode: 0o755, size: 5n, modTime: 1_500_000_000_000_000_000n, content: "hello" },
    { path: "empty", mode: 0o600 },
    { path: "link", mode: SYMLINK, linkname: "../../etc/passwd" },
    { path: "same", mode: 0o755, linkname: "a/run.sh", size: 5n },
    { path: "socket", mode: SOCKET },
  ]);
  expect(asked).toEqual(["a/run.sh", "empty"]);
  expect(readdirSync(path, { recursive: true }).sort()).toEqual(["a", "a/run.sh", "empty", "link", "same"]);
  expect(readFileSync(join(path, "a/run.sh"), "utf8")).toBe("hello");
  expect(statSync(join(path, "a/run.sh"))).toMatchObject({ mode: 0o100755, mtimeMs: 1_500_000_000_000 });
  expect(statSync(join(path, "a"))).toMatchObject({ mtimeMs: 5_000 });
  expect(statSync(join(path, "same")).ino).toBe(statSync(join(path, "a/run.sh")).ino);
  expect(readlinkSync(join(path, "link"))).toBe("../../etc/passwd");
});

test("the second time only what has changed is asked for, and what is gone goes", async () => {
  const unchanged = { path: "kept", mode: 0o644, size: 1n, modTime: 1n, content: "k" };
  const first = await receive(
    [
      { path: "d", mode: DIRECTORY },
      { path: "d/gone", mode: 0o644, content: "g", size: 1n },
      { path: "edited", mode: 0o644, content: "a", size: 1n, modTime: 1n },
      unchanged,
      { path: "kind", mode: DIRECTORY },
      { path: "kind/of", mode: 0o644, content: "x", size: 1n },
    ].sort(byPath),
  );
  await first.release();
  const second = await receive([
    { path: "edited", mode: 0o644, content: "b", size: 1n, modTime: 2n },
    unchanged,
    { path: "kind", mode: 0o644, content: "file", size: 4n },
  ]);
  expect(second.asked).toEqual(["edited", "kind"]);
  expect(readdirSync(second.path, { recursive: true }).sort()).toEqual(["edited", "kept", "kind"]);
  expect(["edited", "kept", "kind"].map((name) => readFileSync(join(second.path, name), "utf8"))).toEqual([
    "b",
    "k",
    "file",
  ]);
  expect(second.tree).toEqual({ edited: sha256("b"), kept: sha256("k"), kind: sha256("file") });
});

test("two builds from one directory at once do not see each other", async () => {
  const first = await receive([{ path: "f", mode: 0o644, content: "1", size: 1n, modTime: 1n }]);
  const second = await receive([{ path: "f", mode: 0o644, content: "2", size: 1n, modTime: 2n }]);
  expect(readFileSync(join(first.path, "f"), "utf8")).toBe("1");
  expect(readFileSync(join(second.path, "f"), "utf8")).toBe("2");
  await second.release();
  expect(existsSync(second.path)).toBe(false);
});

test("what a killed engine left half done is not believed", async () => {
  const files = [{ path: "f", mode: 0o644, content: "1", size: 1n, modTime: 1n }];
  await receive(files);
  // Never released: no index was written.
  directories = new LocalDirectories(join(root, "kept"), join(root, "tmp"));
  expect((await receive(files)).asked).toEqual(["f"]);
});

test("many small files and a large one come whole", async () => {
  const files = Array.from({ length: 500 }, (_, at) => {
    const content = `${at}`.repeat(at % 7);
    return { path: `f${String(at).padStart(3, "0")}`, mode: 0o644, content, size: BigInt(content.length) };
  });
  const large = "x".repeat(3_000_000);
  const { path, asked } = await receive([...files, { path: "z", mode: 0o644, content: large, size: 3_000_000n }]);
  expect(asked).toHaveLength(501);
  for (const file of files) expect(readFileSync(join(path, file.path), "utf8")).toBe(file.content);
  expect(readFileSync(join(path, "z"), "utf8") === large).toBe(true);
});

const hostile: readonly (readonly [string, readonly Sent[], string])[] = [
  ["climbs out", [{ path: "../out", mode: 0o644, content: "x" }], "no clean relative path"],
  ["is absolute", [{ path: "/etc/passwd", mode: 0o644, content: "x" }], "no clean relative path"],
  ["hides a climb", [{ path: "a/../../x", mode: 0o644 }], "no clean relative path"],
  ["has a zero byte", [{ path: "a\0b", mode: 0o644 }], "no clean relative path"],
  [
    "goes through a link",
    [
      { path: "l", mode: SYMLINK, linkname: "/tmp" },
      { path: "l/x", mode: 0o644, content: "x" },
    ],
    "before its directory",
  ],
  ["comes before its directory", [{ path: "d/x", mode: 0o644, content: "x" }], "before its directory"],
  [
    "comes twice",
    [
      { path: "x", mode: DIRECTORY },
      { path: "x", mode: SYMLINK, linkname: "/" },
    ],
    "twice",
  ],
  ["is a hard link to nothing", [{ path: "h", mode: 0o644, linkname: "no" }], "leads to no file"],
  ["is a hard link out", [{ path: "h", mode: 0o644, linkname: "../../x" }], "no clean relative path"],
];
for (const [what, files, reason] of hostile) {
  test(`a name that ${what} is refused`, async () => {
    const outcome = await receive(files).catch((error: unknown) => error);
    expect(String(outcome)).toContain(reason);
    expect(existsSync(join(root, "out"))).toBe(false);
    // The next build from the same directory works.
    expect((await receive([{ path: "fine", mode: 0o644, content: "f", size: 1n }])).asked).toEqual(["fine"]);
  });
}

test("content that nobody asked for, and an error of the client's, end the transfer", async () => {
  const unasked = await receive([], { data: [{ id: 7, data: "x" }] }).catch((error: unknown) => error);
  expect(String(unasked)).toContain("not asked for (7)");
  const failed = await receive([], { error: "permission denied" }).catch((error: unknown) => error);
  expect(String(failed)).toContain("the client could not send its files: permission denied");
});

type Sent = Stat & { readonly content?: string };
interface Trick {
  readonly data?: readonly { readonly id: number; readonly data: string }[];
  readonly error?: string;
}

/** Receives what a client sends that speaks the protocol as the real one does, up to its tricks. */
async function receive(files: readonly Sent[], trick: Trick = {}) {
  const asked: string[] = [];
  const session = await sessionOf(files, trick, asked);
  const held = await directories.hold("key");
  try {
    await receiveFiles(session, SOURCE, held.directory, () => {}, AbortSignal.timeout(10_000));
  } catch (error) {
    await held[Symbol.asyncDispose]();
    throw error;
  }
  const nodes = [...held.directory.tree().walk()].filter(({ kind }) => kind === "file");
  const release = async () => held[Symbol.asyncDispose]();
  const tree = Object.fromEntries(nodes.map(({ path, contentDigest }) => [path, contentDigest]));
  return { path: held.directory.path, asked, tree, release };
}

async function sessionOf(files: readonly Sent[], trick: Trick, asked: string[]): Promise<Session> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("no address");
  const near = connect(address.port, "127.0.0.1");
  const [far] = (await once(server, "connection")) as [Socket];
  server.close();
  const client = createHttp2Server(
    connectNodeAdapter({
      connect: false,
      grpcWeb: false,
      routes: (router) =>
        router.service(FileSync, {
          async *diffCopy(packets) {
            for (const { content: _, ...stat } of files) yield { type: PacketType.PACKET_STAT, stat };
            if (trick.error) yield { type: PacketType.PACKET_ERR, data: Buffer.from(trick.error) };
            for (const { id, data } of trick.data ?? []) {
              yield { type: PacketType.PACKET_DATA, ID: id, data: Buffer.from(data) };
            }
            yield { type: PacketType.PACKET_STAT };
            for await (const { type, ID } of packets) {
              if (type === PacketType.PACKET_FIN) yield { type: PacketType.PACKET_FIN };
              if (type === PacketType.PACKET_FIN) return;
              const { path = "", content = "" } = files[ID] ?? {};
              asked.push(path);
              for (let at = 0; at < content.length; at += 32_768) {
                const data = Buffer.from(content.slice(at, at + 32_768));
                yield { type: PacketType.PACKET_DATA, ID, data };
              }
              yield { type: PacketType.PACKET_DATA, ID };
            }
          },
        }),
    }),
  );
  client.emit("connection", far);
  const sessions = new Sessions();
  void sessions.serve(near, { id: "s", sharedKey: "", methods: ["/moby.filesync.v1.FileSync/DiffCopy"] });
  open.push(() => near.destroy());
  return sessions.get("s", AbortSignal.timeout(5_000));
}

function sha256(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex");
}

function byPath(a: Sent, b: Sent): number {
  return (a.path ?? "") < (b.path ?? "") ? -1 : 1;
}
