import { createReadStream, createWriteStream, linkSync, mkdirSync, writeFileSync } from "node:fs";
import { chmod, lstat, readdir, readlink, symlink } from "node:fs/promises";
import { createServer, type Http2Server } from "node:http2";
import { connect } from "node:net";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { compileIgnore } from "../../src/base/dockerignore.ts";
import { Auth } from "../../src/build/buildkit/proto/auth_pb.ts";
import { FileSend, FileSync } from "../../src/build/buildkit/proto/filesync_pb.ts";
import {
  type Packet,
  PacketSchema,
  Packet_PacketType as PacketType,
  type StatSchema,
} from "../../src/build/buildkit/proto/fsutil_pb.ts";
import { Secrets } from "../../src/build/buildkit/proto/secrets_pb.ts";
import { SSH } from "../../src/build/buildkit/proto/ssh_pb.ts";

/** What a client offers to its builds. */
export interface Offer {
  /** Directories by name: `context`, `dockerfile`. */
  readonly directories: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  /** Agents' sockets by id. */
  readonly agents?: Readonly<Record<string, string>>;
  /** Where outputs go, by their place in the request: a file or a directory. */
  readonly outputs?: readonly (null | { readonly file: string } | { readonly directory: string })[];
}

/** What went over a session, to look at afterwards. */
export interface Traffic {
  /** Names of the files whose content was asked for, by directory's name. */
  readonly asked: { readonly directory: string; readonly path: string }[];
  readonly bytesSent: { total: number };
}

/** The services of a client's session, written after buildx's (moby/buildkit, session/). */
export function sessionServer(offer: Offer, traffic: Traffic): Http2Server {
  return createServer(
    connectNodeAdapter({
      connect: false,
      grpcWeb: false,
      grpc: true,
      routes: (router) => serve(router, offer, traffic),
    }),
  );
}

/** As the client says it in the session's headers. */
export const METHODS: readonly string[] = [
  "/moby.filesync.v1.FileSync/DiffCopy",
  "/moby.filesync.v1.FileSync/TarStream",
  "/moby.filesync.v1.FileSend/DiffCopy",
  "/moby.filesync.v1.Auth/Credentials",
  "/moby.buildkit.secrets.v1.Secrets/GetSecret",
  "/moby.sshforward.v1.SSH/CheckAgent",
  "/moby.sshforward.v1.SSH/ForwardAgent",
];

function serve(router: ConnectRouter, offer: Offer, traffic: Traffic): void {
  router.service(FileSync, { diffCopy: (packets, context) => sendDirectory(offer, traffic, packets, context) });
  const output = (context: HandlerContext) => {
    const id = Number(context.requestHeader.get("buildkit-attachable-exporter-id") ?? 0);
    return offer.outputs?.[id] ?? null;
  };
  const isDirectory = offer.outputs?.some((target) => target && "directory" in target) ?? false;
  if (isDirectory) {
    // One method for both: what flows in it depends on what the client asked for.
    const method = { ...FileSend.method.diffCopy, input: PacketSchema, output: PacketSchema };
    router.rpc(method, (packets: AsyncIterable<Packet>, context: HandlerContext) => {
      const target = output(context);
      if (!target || !("directory" in target)) throw new ConnectError("no such output", Code.NotFound);
      return receiveDirectory(target.directory, packets);
    });
  } else {
    router.service(FileSend, {
      async *diffCopy(messages, context) {
        const target = output(context);
        if (!target || !("file" in target)) throw new ConnectError("no such output", Code.NotFound);
        const file = createWriteStream(target.file);
        for await (const { data } of messages) file.write(data);
        await new Promise((resolve) => file.end(resolve));
        yield* [];
      },
    });
  }
  router.service(Secrets, {
    getSecret({ ID }) {
      const value = offer.secrets?.[ID];
      if (value === undefined) throw new ConnectError(`secret ${ID} not found`, Code.NotFound);
      return { data: Buffer.from(value) };
    },
  });
  router.service(SSH, {
    checkAgent({ ID }) {
      if (!offer.agents?.[ID]) throw new ConnectError(`unset ssh forward key ${ID}`, Code.Unknown);
      return {};
    },
    async *forwardAgent(messages, context) {
      const path = offer.agents?.[context.requestHeader.get("buildkit.ssh.id") ?? ""];
      if (!path) throw new ConnectError("no such agent", Code.NotFound);
      const agent = connect({ path, allowHalfOpen: true });
      void (async () => {
        for await (const { data } of messages) agent.write(data);
        agent.end();
      })();
      for await (const data of agent.iterator({ destroyOnReturn: false })) yield { data };
    },
  });
  router.service(Auth, { credentials: () => ({ Username: "", Secret: "" }) });
}

async function* sendDirectory(
  offer: Offer,
  traffic: Traffic,
  packets: AsyncIterable<Packet>,
  { requestHeader }: HandlerContext,
): AsyncGenerator<MessageInitShape<typeof PacketSchema>> {
  const name = requestHeader.get("dir-name") ?? "";
  const root = offer.directories[name];
  if (!root) throw new ConnectError(`no access allowed to dir "${name}"`, Code.NotFound);
  const list = (header: string) => requestHeader.get(header)?.split(", ") ?? [];
  const [excludes, follow] = [compileIgnore(list("exclude-patterns")), list("followpaths")];
  const stats: MessageInitShape<typeof StatSchema>[] = [];
  for (const stat of await statsOf(root, "")) {
    const path = stat.path ?? "";
    const isFollowed =
      follow.length === 0 ||
      follow.some(
        (wanted) =>
          wanted === path ||
          path.startsWith(`${wanted}/`) ||
          wanted.startsWith(`${path}/`) ||
          new Bun.Glob(wanted).match(path),
      );
    if (isFollowed && !excludes(path)) stats.push(stat);
  }
  for (const stat of stats) yield { type: PacketType.PACKET_STAT, stat };
  yield { type: PacketType.PACKET_STAT };
  for await (const { type, ID } of packets) {
    if (type === PacketType.PACKET_FIN) {
      yield { type: PacketType.PACKET_FIN };
      return;
    }
    const path = stats[ID]?.path ?? "";
    traffic.asked.push({ directory: name, path });
    for await (const data of createReadStream(join(root, path), { highWaterMark: 32 * 1024 })) {
      traffic.bytesSent.total += data.length;
      yield { type: PacketType.PACKET_DATA, ID, data };
    }
    yield { type: PacketType.PACKET_DATA, ID };
  }
}

/** In fsutil's order: by the parts of the path. Owners are root's, as Docker's clients send them. */
async function statsOf(root: string, above: string): Promise<MessageInitShape<typeof StatSchema>[]> {
  const found: MessageInitShape<typeof StatSchema>[] = [];
  for (const name of (await readdir(join(root, above))).sort()) {
    const path = above === "" ? name : `${above}/${name}`;
    const stats = await lstat(join(root, path), { bigint: true });
    const type = stats.isDirectory() ? 2 ** 31 : stats.isSymbolicLink() ? 2 ** 27 : 0;
    found.push({
      path,
      mode: type + (Number(stats.mode) & 0o777),
      size: stats.isFile() ? stats.size : 0n,
      modTime: stats.mtimeNs,
      linkname: stats.isSymbolicLink() ? await readlink(join(root, path)) : "",
    });
    if (stats.isDirectory()) found.push(...(await statsOf(root, path)));
  }
  return found;
}

async function* receiveDirectory(
  directory: string,
  packets: AsyncIterable<Packet>,
): AsyncGenerator<MessageInitShape<typeof PacketSchema>> {
  const names: { path: string; mode: number; content: Buffer[] }[] = [];
  const links: [string, string][] = [];
  let missing = 0;
  let isComplete = false;
  for await (const { type, stat, ID, data } of packets) {
    const file = names[ID];
    if (type === PacketType.PACKET_FIN) return;
    if (type === PacketType.PACKET_STAT && stat) {
      const id = names.length;
      names.push({ path: join(directory, stat.path), mode: stat.mode, content: [] });
      if (stat.mode & (2 ** 31)) mkdirSync(join(directory, stat.path));
      else if (stat.mode & (2 ** 27)) await symlink(stat.linkname, join(directory, stat.path));
      else if (stat.linkname !== "") links.push([join(directory, stat.linkname), join(directory, stat.path)]);
      else {
        missing++;
        yield { type: PacketType.PACKET_REQ, ID: id };
      }
    } else if (type === PacketType.PACKET_STAT) isComplete = true;
    else if (type === PacketType.PACKET_DATA && file && data.length > 0) file.content.push(Buffer.from(data));
    else if (type === PacketType.PACKET_DATA && file) {
      writeFileSync(file.path, Buffer.concat(file.content));
      await chmod(file.path, file.mode & 0o777);
      missing--;
    }
    if (isComplete && missing === 0) {
      isComplete = false;
      for (const [target, path] of links) linkSync(target, path);
      yield { type: PacketType.PACKET_FIN };
    }
  }
}
