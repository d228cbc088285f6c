import { once } from "node:events";
import type { Readable } from "node:stream";
import { fail } from "../../base/errors.ts";
import { Upload } from "./proto/upload_pb.ts";
import type { Session } from "./sessions.ts";

/** How long either side waits for the other. */
const WAIT_MS = 5_000;

/** A context that comes by a second request of the same client: a build named it, and whoever is first waits. */
export class Uploads {
  readonly #offered = new Map<string, Readable>();
  readonly #wanted = new Map<string, (body: Readable) => void>();

  /** Hands a body to the build that wants it. Resolves when it was read. @throws not-found where no build wants it */
  async offer(id: string, body: Readable, signal: AbortSignal): Promise<void> {
    const read = once(body, "close");
    const take = this.#wanted.get(id);
    if (take) take(body);
    else {
      this.#offered.set(id, body);
      const timer = setTimeout(() => {
        if (this.#offered.get(id) === body) body.destroy();
      }, WAIT_MS);
      signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
    }
    await read;
    if (this.#offered.delete(id)) fail("not-found", "NO_BUILD", `no build waits for the context ${id}`);
  }

  /** @throws not-found where none comes */
  async take(id: string): Promise<Readable> {
    const offered = this.#offered.get(id);
    this.#offered.delete(id);
    if (offered) return offered;
    const { promise, resolve, reject } = Promise.withResolvers<Readable>();
    this.#wanted.set(id, resolve);
    const timer = setTimeout(() => reject(null), WAIT_MS);
    try {
      return await promise;
    } catch {
      return fail("not-found", "NO_UPLOAD", `the context ${id} was not sent`);
    } finally {
      clearTimeout(timer);
      this.#wanted.delete(id);
    }
  }
}

/** What buildx names a context that it has on its standard input by. */
const SESSION_URL = /^https?:\/\/buildkit-session(\/.*)$/;

/** Path of an upload that is named by this URL; null for any other. */
export function uploadPath(url: string): string | null {
  return SESSION_URL.exec(url)?.[1] ?? null;
}

/** An upload's bytes, from the client's session. */
export async function* pullUpload(
  { connection }: Session,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  await using stream = connection.stream(Upload.method.pull, {
    metadata: { urlpath: path, urlhost: "buildkit-session" },
    signal,
  });
  stream.end();
  for await (const { data } of stream) yield data;
}
