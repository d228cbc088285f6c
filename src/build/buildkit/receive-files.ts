import { createHash } from "node:crypto";
import { fail } from "../../base/errors.ts";
import type { GrpcStream, Metadata } from "../../grpc/client.ts";
import { pathOf } from "../../grpc/server.ts";
import type { LocalSource } from "../graph/operation.ts";
import { type FileEntry, hasContent, parseStat } from "./file-stat.ts";
import type { KeptFile, LocalDirectory, NewFile } from "./local-directory.ts";
import { FileSync } from "./proto/filesync_pb.ts";
import { type PacketSchema, Packet_PacketType as PacketType } from "./proto/fsutil_pb.ts";
import type { Session } from "./sessions.ts";

/** More than the largest monorepo; each entry costs memory of the engine. */
const MAX_ENTRIES = 2_000_000;

/** How many contents are asked for ahead: enough that none waits for the other side, few enough to be open at once. */
const MAX_ASKED = 64;

/**
 * Makes a directory the same as a client's, as far as the patterns name it: the client sends all names, and the contents
 * that are asked for, which are those of files whose size, time, mode or owner are others than last time
 * (tonistiigi/fsutil's protocol).
 * @param report told how many bytes have come.
 * @throws not-found where the client has no directory of this name; invalid for names and contents that cannot be
 */
export async function receiveFiles(
  session: Session,
  source: LocalSource,
  directory: LocalDirectory,
  report: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  if (!session.supports(pathOf(FileSync.method.diffCopy))) {
    fail("not-found", "NO_LOCAL_FILES", "the client offers no local files");
  }
  const stop = new AbortController();
  await using stream = session.connection.stream(FileSync.method.diffCopy, {
    metadata: metadataOf(source),
    signal: AbortSignal.any([signal, stop.signal]),
  });
  const receiver = new Receiver(stream, directory, (error) => stop.abort(error), report);
  await receiver.run();
}

function metadataOf({ name, include, exclude, follow }: LocalSource): Metadata {
  return {
    "dir-name": name,
    ...patterns("include-patterns", include),
    ...patterns("exclude-patterns", exclude),
    ...patterns("followpaths", follow),
  };
}

/** What is not ASCII cannot be in a header: then all values are escaped, and a second name says so. */
function patterns(name: string, values: readonly string[]): Metadata {
  if (values.length === 0) return {};
  const isPlain = values.every((value) => /^[\x20-\x7e]*$/.test(value));
  if (isPlain) return { [name]: values };
  return { [name]: values.map(encodeURIComponent), [`${name}-encoded`]: "1" };
}

/** Clients send 32 KiB at a time. */
const MAX_PIECE_BYTES = 1024 * 1024;

/** A file that was asked for. */
interface Incoming {
  readonly entry: FileEntry;
  readonly hash: ReturnType<typeof createHash>;
  readonly file: Promise<NewFile>;
  size: number;
  /** All that has been done with it so far; the next comes after. */
  work: Promise<void>;
}

/** One transfer. */
class Receiver {
  /** Of the names so far, in order. */
  #count = 0;
  readonly #named = new Map<string, FileEntry["kind"]>();
  readonly #wanted: { readonly id: number; readonly entry: FileEntry }[] = [];
  readonly #asked = new Map<number, Incoming>();
  readonly #links: FileEntry[] = [];
  #hasAllNames = false;
  #isDone = false;
  #bytes = 0;

  constructor(
    private readonly stream: GrpcStream<typeof PacketSchema, typeof PacketSchema>,
    private readonly directory: LocalDirectory,
    private readonly abort: (error: unknown) => void,
    private readonly report: (bytes: number) => void,
  ) {}

  async run(): Promise<void> {
    try {
      for await (const packet of this.stream) {
        switch (packet.type) {
          case PacketType.PACKET_STAT:
            await (packet.stat ? this.#name(parseStat(packet.stat), hasContent(packet.stat)) : this.#allNamed());
            break;
          case PacketType.PACKET_DATA:
            await this.#data(packet.ID, packet.data);
            break;
          case PacketType.PACKET_ERR:
            fail("invalid", "CONTEXT_SENDER", `the client could not send its files: ${Buffer.from(packet.data)}`);
            break;
          case PacketType.PACKET_FIN:
            // Its answer to ours; the status follows.
            this.stream.end();
            break;
          default:
            fail("invalid", "CONTEXT_PACKET", `the client sent a packet of type ${packet.type}`);
        }
      }
      if (!this.#hasAllNames || this.#asked.size > 0)
        fail("invalid", "CONTEXT_CUT", "the client stopped sending files");
    } finally {
      await Promise.allSettled([...this.#asked.values()].map(close));
    }
  }

  async #name(entry: FileEntry, hasId: boolean): Promise<void> {
    const id = this.#count++;
    const { path, kind } = entry;
    if (this.#count > MAX_ENTRIES) {
      fail("invalid", "CONTEXT_TOO_LARGE", `the build context has more than ${MAX_ENTRIES} files`);
    }
    const above = path.lastIndexOf("/");
    // Never through a link, and never below what is no directory: this is what keeps every write inside.
    if (above >= 0 && this.#named.get(path.slice(0, above)) !== "directory") {
      fail("invalid", "CONTEXT_ORDER", `the build context has ${path} before its directory`);
    }
    if (this.#named.has(path)) fail("invalid", "CONTEXT_ORDER", `the build context has ${path} twice`);
    // Devices, pipes and sockets are of no use to a build, and an editor's socket in a context is no reason to fail.
    if (kind === "other") return;
    this.#named.set(path, kind);
    this.#received(path.length);
    if (isSame(this.directory.get(path), entry)) return;
    if (kind === "hardlink") this.#links.push(entry);
    else await this.directory.put(entry);
    if (kind === "file" && hasId) {
      this.#wanted.push({ id, entry });
      await this.#ask();
    }
  }

  async #allNamed(): Promise<void> {
    this.#hasAllNames = true;
    await this.#finishIfDone();
  }

  async #ask(): Promise<void> {
    while (this.#asked.size < MAX_ASKED) {
      const next = this.#wanted.shift();
      if (!next) return;
      const { id, entry } = next;
      const file = this.directory.create(entry);
      file.catch(this.abort);
      this.#asked.set(id, { entry, hash: createHash("sha256"), file, size: 0, work: Promise.resolve() });
      await this.stream.send({ type: PacketType.PACKET_REQ, ID: id });
    }
  }

  async #data(id: number, data: Uint8Array): Promise<void> {
    const incoming = this.#asked.get(id);
    if (!incoming) fail("invalid", "CONTEXT_PACKET", `the client sent content that was not asked for (${id})`);
    if (data.length > MAX_PIECE_BYTES) fail("invalid", "CONTEXT_PACKET", "the client sent too much content at once");
    if (data.length === 0) {
      incoming.work = incoming.work.then(() => this.#finish(id, incoming));
      incoming.work.catch(this.abort);
      return;
    }
    this.#received(data.length);
    incoming.hash.update(data);
    incoming.size += data.length;
    const before = incoming.work;
    incoming.work = before.then(async () => (await incoming.file).write(data));
    incoming.work.catch(this.abort);
    // One piece of each file may wait for the disk; then the client waits.
    await before;
  }

  async #finish(id: number, incoming: Incoming): Promise<void> {
    const file = await incoming.file;
    await file.finish(incoming.size, incoming.size > 0 ? incoming.hash.digest("hex") : "");
    await file.close();
    this.#asked.delete(id);
    await this.#ask();
    await this.#finishIfDone();
  }

  /** When every content is here: hard links, deletions, times, and the word that all is well. */
  async #finishIfDone(): Promise<void> {
    if (this.#isDone || !this.#hasAllNames || this.#asked.size > 0 || this.#wanted.length > 0) return;
    this.#isDone = true;
    for (const entry of this.#links) {
      const target = this.directory.get(entry.linkName);
      if (target?.kind !== "file" || !this.#named.has(entry.linkName)) {
        fail("invalid", "CONTEXT_BROKEN_LINK", `the build context's hard link ${entry.path} leads to no file`);
      }
      await this.directory.link(entry, target);
    }
    await this.directory.settle(this.#named);
    await this.stream.send({ type: PacketType.PACKET_FIN });
  }

  #received(bytes: number): void {
    this.#bytes += bytes;
    this.report(this.#bytes);
  }
}

async function close(incoming: Incoming): Promise<void> {
  await incoming.work.catch(() => {});
  await (await incoming.file).close();
}

/** Whether the file that is here is the one that the client has (fsutil compares the same facts). */
function isSame(kept: KeptFile | undefined, entry: FileEntry): boolean {
  return (
    kept !== undefined &&
    kept.kind === entry.kind &&
    kept.mode === entry.mode &&
    kept.uid === entry.uid &&
    kept.gid === entry.gid &&
    kept.linkName === entry.linkName &&
    kept.modTime === entry.modTime &&
    (entry.kind !== "file" || kept.size === entry.size)
  );
}
