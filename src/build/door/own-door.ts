import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import { fail, LighterError, messageOf } from "../../base/errors.ts";
import { STDCOPY_STREAM, stdcopyFrame } from "../../base/stdcopy.ts";
import { buildDockerfile, prepareDockerfile } from "../build-dockerfile.ts";
import type { BuildParts } from "../build-parts.ts";
import { LocalDirectories } from "../buildkit/local-directories.ts";
import { BuildContext } from "../context/build-context.ts";
import type { DockerfileRequest } from "../dockerfile-request.ts";
import { openDockerfile } from "../frontend/open-dockerfile.ts";
import { exitCodeOf } from "../graph/exec-vertex.ts";
import { borrowed, type SourceFiles } from "../graph/source-files.ts";
import type { StatusSink } from "../graph/status.ts";
import type { BuildOrder, Line } from "./build-order.ts";
import { exportBuilt } from "./export-built.ts";
import { IncomingContext } from "./incoming-context.ts";
import { PieceReader } from "./pieces.ts";
import { textFiles } from "./text-files.ts";

/** How long a client may take from its order to its files. */
const ORDER_LIFE_MS = 60_000;

interface Pending extends AsyncDisposable {
  readonly order: BuildOrder;
  readonly contexts: readonly IncomingContext[];
}

/** What a client is told that has sent its order: the build's id, and which files are wanted of each directory. */
export interface Accepted {
  readonly Id: string;
  readonly Missing: readonly (readonly string[])[];
}

/**
 * Lighter's own door: an order with the names of all files, then the contents of those that are not here from the last time,
 * and everything that the build says and gives on one stream.
 */
export class OwnDoor {
  readonly #pending = new Map<string, Pending>();
  readonly #directories: LocalDirectories;

  constructor(private readonly parts: BuildParts) {
    this.#directories = new LocalDirectories(join(parts.root, "build-contexts-own"), parts.temporary);
  }

  /** @throws invalid for lines out of order, and for names that cannot be. */
  async accept(lines: AsyncIterable<Line>): Promise<Accepted> {
    await using resources = new AsyncDisposableStack();
    let order: BuildOrder | null = null;
    const contexts: IncomingContext[] = [];
    for await (const line of lines) {
      if (Array.isArray(line)) {
        const [path, kind, mode, size, modTime, linkName] = line;
        const context = contexts.at(-1) ?? fail("invalid", "BUILD_ORDER", "a file's name came before its directory's");
        await context.add({ path, kind, mode, size, modTime: BigInt(modTime), linkName, uid: 0, gid: 0 });
      } else if ("order" in line) order = line.order;
      else
        contexts.push(
          resources.use(new IncomingContext(line.context, await this.#directories.hold(`own:${line.key}`))),
        );
    }
    if (order === null) fail("invalid", "BUILD_ORDER", "the order of the build is missing");
    const id = randomUUID();
    const kept = resources.move();
    const forget = setTimeout(() => void this.#take(id)?.[Symbol.asyncDispose](), ORDER_LIFE_MS);
    forget.unref();
    kept.defer(() => clearTimeout(forget));
    this.#pending.set(id, { order, contexts, [Symbol.asyncDispose]: () => kept.disposeAsync() });
    return { Id: id, Missing: contexts.map(({ missing }) => missing) };
  }

  /**
   * Receives the files and builds. The stream has frames as an attached container's: 1 is progress, a JSON document each; 2
   * is the output's bytes; 4, the last, is how it ended.
   * @throws not-found for an id that there is not (any more).
   */
  run(id: string, source: Readable, abort: AbortSignal): Readable {
    const pending = this.#take(id) ?? fail("not-found", "NO_BUILD", `no build with the id ${id} waits for its files`);
    const stream = new PassThrough({ highWaterMark: 256 * 1024 });
    void this.#work(pending, source, stream, abort);
    return stream;
  }

  #take(id: string): Pending | null {
    const pending = this.#pending.get(id) ?? null;
    this.#pending.delete(id);
    return pending;
  }

  async #work(pending: Pending, source: Readable, stream: PassThrough, abort: AbortSignal): Promise<void> {
    const leaving = new AbortController();
    stream.once("close", () => leaving.abort());
    const signal = AbortSignal.any([abort, leaving.signal]);
    const write = (channel: 1 | 2 | 4, payload: Uint8Array | string) => {
      const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
      return new Promise<void>((resolve) => {
        if (stream.destroyed || stream.write(stdcopyFrame(channel, bytes))) resolve();
        else for (const event of ["drain", "close"]) stream.once(event, resolve);
      });
    };
    try {
      const result = await this.#build(pending, source, signal, {
        status: (status) => write(1, `${JSON.stringify(status, printBytes)}\n`),
        output: (bytes) => write(2, bytes),
      });
      await write(STDCOPY_STREAM.result, JSON.stringify(result));
    } catch (error) {
      const facts = error instanceof LighterError ? { exitCode: exitCodeOf(error), ...placeOf(error) } : {};
      await write(STDCOPY_STREAM.result, JSON.stringify({ error: messageOf(error), ...facts }));
    } finally {
      stream.end();
    }
  }

  async #build(
    pending: Pending,
    source: Readable,
    abort: AbortSignal,
    { status, output }: { readonly status: StatusSink; readonly output: (bytes: Uint8Array) => Promise<void> },
  ) {
    await using resources = new AsyncDisposableStack();
    resources.use(pending);
    const { order } = pending;
    const locals = await this.#receive(pending, source, abort, resources);
    const request = requestOf(order, locals, status, abort);
    if (order.check) {
      const opened = resources.use(await openDockerfile(this.parts, request));
      resources.use(await prepareDockerfile(this.parts, opened));
      return { imageId: null, tags: [] };
    }
    const built = resources.use(await buildDockerfile(this.parts, request));
    return await exportBuilt(this.parts, built, order, { status, output, abort });
  }

  /** The directories by name. A context that is an archive is the body itself. */
  async #receive(
    { order, contexts }: Pending,
    source: Readable,
    abort: AbortSignal,
    resources: AsyncDisposableStack,
  ): Promise<ReadonlyMap<string, SourceFiles>> {
    const locals = new Map<string, SourceFiles>();
    const reader = new PieceReader(source);
    for (const context of contexts) {
      await context.receive(reader);
      locals.set(context.name, context.files());
    }
    if (contexts.length === 0 && order.contextUrl === "" && order.dockerfile === null) {
      const directory = join(this.parts.temporary, `build-${randomUUID()}`);
      resources.defer(() => rm(directory, { recursive: true, force: true }));
      const files = resources.use(await BuildContext.receive(source, join(directory, "context"), abort));
      locals.set("context", files);
      locals.set("dockerfile", files);
    }
    if (order.dockerfile !== null) {
      const { text, ignore } = order.dockerfile;
      const name = order.fileName || "Dockerfile";
      locals.set("dockerfile", textFiles({ [name]: text, ...(ignore !== null && { ".dockerignore": ignore }) }));
    }
    // A Dockerfile from standard input has a context without files, which is looked into like any other.
    if (order.contextUrl === "" && !locals.has("context")) locals.set("context", textFiles({}));
    return locals;
  }
}

function requestOf(
  order: BuildOrder,
  locals: ReadonlyMap<string, SourceFiles>,
  status: StatusSink,
  abort: AbortSignal,
): DockerfileRequest {
  return {
    ...order,
    namedContexts: new Map(Object.entries(order.namedContexts)),
    buildArgs: new Map(Object.entries(order.buildArgs)),
    noCache: order.noCache ? "all" : order.noCacheStages,
    hostname: "",
    sources: {
      local: async ({ name }) => {
        const files = locals.get(name);
        return files ? borrowed(files) : fail("not-found", "NO_CONTEXT", `the client has sent no directory ${name}`);
      },
      secret: async (id) => {
        const value = order.secrets[id];
        return value === undefined ? null : Buffer.from(value, "base64");
      },
      ssh: async (id) => order.ssh[id] ?? null,
      registryLogin: async (host) => order.registryLogins[host] ?? null,
    },
    status,
    abort,
    entitlements: new Set([
      ...order.entitlements,
      ...(order.networkMode === "host" ? (["network.host"] as const) : []),
    ]),
    limits: order,
  };
}

function printBytes(_: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}

function placeOf({ cause }: LighterError): { place?: unknown } {
  return typeof cause === "object" && cause !== null && "place" in cause && cause.place ? { place: cause.place } : {};
}
