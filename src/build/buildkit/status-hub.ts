import type { MessageInitShape } from "@bufbuild/protobuf";
import type { TimestampSchema } from "@bufbuild/protobuf/wkt";
import type { SolveStatus, VertexLog, VertexStatus, VertexWarning } from "../graph/status.ts";
import type { StatusResponseSchema } from "./proto/control_pb.ts";

type StatusResponse = MessageInitShape<typeof StatusResponseSchema>;

/** How much may wait for a client that reads slowly; then the build waits. */
const MAX_WAITING = 512;

/** What is kept of the output for a client that asks for the progress later than it asked for the build. */
const MAX_KEPT_LOG_BYTES = 4 * 1024 * 1024;

/** A build's progress, for however many readers, each from the beginning on. */
export class StatusHub {
  readonly #said: SolveStatus[] = [];
  readonly #readers = new Set<Reader>();
  #loggedBytes = 0;
  #hasEnded = false;

  /** Resolves when every reader has room for more. */
  readonly publish = async (status: SolveStatus): Promise<void> => {
    const kept = this.#bounded(status);
    this.#said.push(kept);
    for (const reader of this.#readers) reader.push(status);
    await Promise.all([...this.#readers].map((reader) => reader.room()));
  };

  /** No more will come. */
  end(): void {
    this.#hasEnded = true;
    for (const reader of this.#readers) reader.end();
  }

  /** All that was said and will be, until the build ends. Leaving the iteration, or `signal`, ends it for this reader. */
  async *read(signal: AbortSignal): AsyncGenerator<StatusResponse> {
    const reader = new Reader(this.#said);
    const leave = () => reader.end();
    signal.addEventListener("abort", leave, { once: true });
    this.#readers.add(reader);
    if (this.#hasEnded) reader.end();
    try {
      for await (const status of reader) {
        if (signal.aborted) return;
        yield statusResponse(status);
      }
    } finally {
      signal.removeEventListener("abort", leave);
      this.#readers.delete(reader);
      reader.leave();
    }
  }

  #bounded(status: SolveStatus): SolveStatus {
    const bytes = (status.logs ?? []).reduce((sum, { data }) => sum + data.length, 0);
    if (bytes === 0) return status;
    this.#loggedBytes += bytes;
    return this.#loggedBytes > MAX_KEPT_LOG_BYTES ? { ...status, logs: [] } : status;
  }
}

class Reader implements AsyncIterable<SolveStatus> {
  readonly #waiting: SolveStatus[];
  #hasEnded = false;
  #wake: () => void = () => {};
  #room: PromiseWithResolvers<void> | null = null;

  constructor(said: readonly SolveStatus[]) {
    this.#waiting = [...said];
  }

  push(status: SolveStatus): void {
    this.#waiting.push(status);
    this.#wake();
  }

  room(): Promise<void> | undefined {
    if (this.#hasEnded || this.#waiting.length < MAX_WAITING) return undefined;
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  leave(): void {
    this.end();
    this.#makeRoom();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SolveStatus> {
    for (;;) {
      const status = this.#waiting.shift();
      if (status) {
        if (this.#waiting.length < MAX_WAITING / 2) this.#makeRoom();
        yield status;
      } else if (this.#hasEnded) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = null;
  }
}

function statusResponse({ vertexes, statuses, logs, warnings }: SolveStatus): StatusResponse {
  return {
    vertexes: vertexes?.map(vertex),
    statuses: statuses?.map((counter) => ({
      ID: counter.id,
      vertex: counter.vertex,
      name: counter.name,
      current: BigInt(Math.round(counter.current)),
      total: BigInt(Math.round(counter.total)),
      timestamp: timestampOf(counter.timestamp),
      started: timestampOf(counter.started),
      completed: timestampOf(counter.completed),
    })),
    logs: logs?.map(log),
    warnings: warnings?.map(warning),
  };
}

function vertex({ digest, inputs, name, cached, started, completed, error }: VertexStatus) {
  return {
    digest,
    inputs: [...inputs],
    name,
    cached,
    started: timestampOf(started),
    completed: timestampOf(completed),
    error,
  };
}

function log({ vertex, stream, data, timestamp }: VertexLog) {
  return { vertex, stream: stream === "stdout" ? 1n : 2n, msg: data, timestamp: timestampOf(timestamp) };
}

function warning({ vertex, level, short, detail, url, file, firstLine, lastLine }: VertexWarning) {
  return {
    vertex,
    level: BigInt(level),
    short: Buffer.from(short),
    detail: detail.map((line) => Buffer.from(line)),
    url,
    info: { filename: file },
    ranges: [{ start: { line: firstLine }, end: { line: lastLine } }],
  };
}

/** Of RFC 3339 with up to nine digits. */
export function timestampOf(text: string | null): MessageInitShape<typeof TimestampSchema> | undefined {
  if (text === null) return undefined;
  const fraction = /\.(\d{1,9})/.exec(text)?.[1] ?? "";
  return {
    seconds: BigInt(Math.floor(Date.parse(text.replace(/\.\d+/, "")) / 1000)),
    nanos: Number(fraction.padEnd(9, "0")),
  };
}
