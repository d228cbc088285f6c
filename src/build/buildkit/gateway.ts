import { randomUUID } from "node:crypto";
import { fail } from "../../base/errors.ts";
import type { ImageConfig } from "../../image/config.ts";
import { parseImageConfig } from "../../image/config.ts";
import { parseDigest } from "../../image/digest.ts";
import type { StatusSink } from "../graph/status.ts";
import type { BuiltResult } from "./built-result.ts";
import type { Result, SolveRequest, WarnRequest } from "./proto/gateway_pb.ts";

/** The metadata under which a result has its image's document. */
export const CONFIG_KEY = "containerimage.config";

/** What the client returned as its build's result. */
export interface Returned {
  /** null: the client wanted nothing built. */
  readonly result: BuiltResult | null;
  readonly config: ImageConfig | null;
}

/**
 * A build that its client drives: it asks for solves, looks at what they gave, and returns one of them. buildx builds every
 * Dockerfile this way. Disposing of it lets go of all results.
 */
export class Gateway implements AsyncDisposable {
  readonly #results = new Map<string, BuiltResult>();
  readonly #returned = Promise.withResolvers<Returned>();
  readonly #held = new AsyncDisposableStack();
  #isOver = false;

  constructor(
    private readonly build: (request: SolveRequest) => Promise<BuiltResult | null>,
    private readonly status: StatusSink,
  ) {
    // Whoever waits for it hears of it; a client that goes away may leave nobody who does.
    this.#returned.promise.catch(() => {});
  }

  /** @returns the result's id, empty for an empty one */
  async solve(request: SolveRequest): Promise<{ readonly id: string; readonly result: BuiltResult | null }> {
    const result = await this.build(request);
    // An answer is told in full: there is nothing to come back to.
    if (!result || result.answer) return { id: "", result };
    if (this.#isOver) {
      await result[Symbol.asyncDispose]();
      fail("cancelled", "BUILD_OVER", "the build is over");
    }
    const id = randomUUID();
    this.#results.set(id, this.#held.use(result));
    return { id, result };
  }

  /** @throws not-found */
  get(id: string): BuiltResult {
    return this.#results.get(id) ?? fail("not-found", "NO_RESULT", `no such ref ${id}`);
  }

  /** The client's last word. */
  return(result: Result): void {
    const id = refOf(result);
    const bytes = result.metadata[CONFIG_KEY];
    const found = id === "" ? null : this.get(id);
    this.#returned.resolve({ result: found, config: configOf(bytes, found) });
  }

  /** A warning of the client's own, on its way to all who watch. */
  async warn(warning: WarnRequest): Promise<void> {
    const [range] = warning.ranges;
    await this.status({
      warnings: [
        {
          vertex: parseDigest(warning.digest),
          level: Number(warning.level),
          short: Buffer.from(warning.short).toString(),
          detail: warning.detail.map((line) => Buffer.from(line).toString()),
          url: warning.url,
          file: warning.info?.filename ?? "",
          firstLine: range?.start?.line ?? 0,
          lastLine: range?.end?.line ?? 0,
        },
      ],
    });
  }

  fail(error: unknown): void {
    this.#returned.reject(error);
  }

  /** Resolves when the client returns a result; rejects with its error, or when `signal` aborts. */
  async result(signal: AbortSignal): Promise<Returned> {
    const leave = () => this.fail(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    try {
      return await this.#returned.promise;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#held.disposeAsync();
  }
}

/** An image's document as clients get it, and mostly return it. */
export function configBytes(config: ImageConfig): Uint8Array {
  return Buffer.from(JSON.stringify(config));
}

/** Ours where it comes back as it was, so that the image is the same as without the way through the client. */
function configOf(bytes: Uint8Array | undefined, found: BuiltResult | null): ImageConfig | null {
  const ours = found?.config ?? null;
  if (!bytes?.length || (ours && Buffer.compare(configBytes(ours), bytes) === 0)) return ours;
  return parseImageConfig(bytes);
}

/** @throws not-implemented for more than one */
function refOf({ result }: Result): string {
  switch (result.case) {
    case undefined:
      return "";
    case "ref":
      return result.value.id;
    case "refDeprecated":
      return result.value;
    case "refs":
      return onlyOne(Object.values(result.value.refs).map(({ id }) => id));
    case "refsDeprecated":
      return onlyOne(Object.values(result.value.refs));
    default:
      return result satisfies never;
  }
}

function onlyOne(ids: readonly string[]): string {
  if (ids.length > 1) fail("not-implemented", "PLATFORMS", "a result for several platforms is not supported");
  return ids[0] ?? "";
}
