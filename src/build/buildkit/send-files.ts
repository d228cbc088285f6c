import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { fail } from "../../base/errors.ts";
import type { GrpcStream, Metadata } from "../../grpc/client.ts";
import { pathOf } from "../../grpc/server.ts";
import { goMode } from "./file-stat.ts";
import { FileSend } from "./proto/filesync_pb.ts";
import { type Packet, PacketSchema, Packet_PacketType as PacketType, type StatSchema } from "./proto/fsutil_pb.ts";
import type { Session } from "./sessions.ts";

/** The method that takes a file also takes a directory: clients know by what they asked for. */
const SEND_DIRECTORY = { ...FileSend.method.diffCopy, name: "DiffCopy", input: PacketSchema, output: PacketSchema };

/** Below gRPC's usual limit of 4 MiB. */
const PIECE_BYTES = 1024 * 1024;

/** Which of the outputs that a client asked for something is for. */
export interface Destination {
  readonly session: Session;
  readonly exporter: number;
}

/** Sends one file: an archive. @param facts told to the client ahead of it. */
export async function sendFile(
  destination: Destination,
  content: Readable,
  facts: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const headers = Object.fromEntries(Object.entries(facts).map(([name, value]) => [`exporter-md-${name}`, value]));
  await using stream = connectionOf(destination).stream(FileSend.method.diffCopy, {
    metadata: { ...metadataOf(destination), ...headers },
    signal,
  });
  const answer = (async () => {
    // The client has nothing to say but how it ended.
    for await (const _ of stream);
  })();
  const sending = (async () => {
    for await (const chunk of content) for (const data of pieces(chunk)) await stream.send({ data });
    stream.end();
  })();
  // A client that ends the call early, its disk being full, says why.
  await Promise.race([answer, sending.then(() => answer)]);
}

/** Sends a directory's content; the client takes of it what it does not have (fsutil's protocol). */
export async function sendDirectory(destination: Destination, directory: string, signal: AbortSignal): Promise<void> {
  await using stream = connectionOf(destination).stream(SEND_DIRECTORY, {
    metadata: metadataOf(destination),
    signal,
  });
  const files: (string | null)[] = [];
  const naming = (async () => {
    for await (const { stat, content } of namesIn(directory, "", new Map())) {
      files.push(content);
      await stream.send({ type: PacketType.PACKET_STAT, stat });
    }
    await stream.send({ type: PacketType.PACKET_STAT });
  })();
  naming.catch(() => {});
  for await (const packet of stream) {
    if (packet.type === PacketType.PACKET_FIN) {
      await naming;
      await stream.send({ type: PacketType.PACKET_FIN });
      stream.end();
    } else await answer(stream, packet, files);
  }
  await naming;
}

async function answer(
  stream: GrpcStream<typeof PacketSchema, typeof PacketSchema>,
  packet: Packet,
  files: readonly (string | null)[],
): Promise<void> {
  if (packet.type === PacketType.PACKET_ERR) {
    fail("invalid", "EXPORT_RECEIVER", `the client could not write the result: ${Buffer.from(packet.data)}`);
  }
  const path = files[packet.ID];
  if (packet.type !== PacketType.PACKET_REQ || !path) {
    fail("invalid", "EXPORT_PACKET", `the client asked for a file that there is not (${packet.ID})`);
  }
  for await (const data of createReadStream(path, { highWaterMark: 32 * 1024 })) {
    await stream.send({ type: PacketType.PACKET_DATA, ID: packet.ID, data });
  }
  await stream.send({ type: PacketType.PACKET_DATA, ID: packet.ID });
}

interface Named {
  readonly stat: MessageInitShape<typeof StatSchema>;
  /** Where its content is read; null where it has none. */
  readonly content: string | null;
}

/**
 * Depth first, each directory before what is in it, names in order.
 * @param linked paths of files with several names by inode: the second name is sent as a hard link of the first.
 */
async function* namesIn(root: string, above: string, linked: Map<bigint, string>): AsyncGenerator<Named> {
  for (const name of (await readdir(join(root, above))).sort()) {
    const path = above === "" ? name : `${above}/${name}`;
    const at = join(root, path);
    const stats = await lstat(at, { bigint: true });
    const kind = stats.isDirectory()
      ? "directory"
      : stats.isSymbolicLink()
        ? "symlink"
        : stats.isFile()
          ? "file"
          : null;
    // Devices and pipes are no part of a result that a client writes as files.
    if (kind === null) continue;
    const first = kind === "file" && stats.nlink > 1n ? linked.get(stats.ino) : undefined;
    if (kind === "file" && stats.nlink > 1n && first === undefined) linked.set(stats.ino, path);
    yield {
      stat: {
        path,
        mode: goMode(kind, Number(stats.mode) & 0o7777),
        uid: Number(stats.uid),
        gid: Number(stats.gid),
        size: kind === "file" ? stats.size : 0n,
        modTime: stats.mtimeNs,
        linkname: kind === "symlink" ? await readlink(at) : (first ?? ""),
      },
      content: kind === "file" ? at : null,
    };
    if (kind === "directory") yield* namesIn(root, path, linked);
  }
}

function connectionOf({ session }: Destination): Session["connection"] {
  if (!session.supports(pathOf(FileSend.method.diffCopy))) {
    fail("invalid", "NO_EXPORT_TARGET", "the client takes no files: it offers nowhere to write the result");
  }
  return session.connection;
}

function metadataOf({ exporter }: Destination): Metadata {
  return { "buildkit-attachable-exporter-id": String(exporter) };
}

function* pieces(chunk: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < chunk.length; at += PIECE_BYTES) yield chunk.subarray(at, at + PIECE_BYTES);
}
