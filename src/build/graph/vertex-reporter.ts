import { timestampNow } from "../../base/timestamp.ts";
import type { Vertex } from "./operation.ts";
import type { ReportCounter } from "./solver.ts";
import type { StatusSink, VertexStatus } from "./status.ts";

/** BuildKit's own bound (BUILDKIT_STEP_LOG_MAX_SIZE): what a step prints beyond it is dropped. */
const MAX_LOG_BYTES = 2 * 1024 * 1024;

/** Says how one vertex goes. */
export class VertexReporter {
  #status: VertexStatus;
  #loggedBytes = 0;

  constructor(
    private readonly vertex: Vertex,
    private readonly sink: StatusSink,
  ) {
    this.#status = waiting(vertex);
  }

  /** All that will be done, before anything is. */
  static async announce(vertices: readonly Vertex[], sink: StatusSink): Promise<void> {
    await sink({ vertexes: vertices.map(waiting) });
  }

  started(): Promise<void> {
    return this.#say({ started: this.#status.started ?? timestampNow() });
  }

  /** Why the cache does not have it. */
  explain(reason: string): void {
    this.#status = { ...this.#status, reason };
  }

  completed(cached: boolean): Promise<void> {
    const now = timestampNow();
    const reason = cached ? { reason: "nothing that it reads has changed" } : {};
    return this.#say({ started: this.#status.started ?? now, completed: now, cached, ...reason });
  }

  failed(error: string): Promise<void> {
    const now = timestampNow();
    return this.#say({ started: this.#status.started ?? now, completed: now, error });
  }

  async log(stream: "stdout" | "stderr", bytes: Uint8Array): Promise<void> {
    const room = MAX_LOG_BYTES - this.#loggedBytes;
    if (room <= 0) return;
    this.#loggedBytes += bytes.length;
    const clipped = bytes.length > room ? "\n[output clipped, log limit 2MiB reached]\n" : "";
    const data = clipped ? Buffer.concat([bytes.subarray(0, room), Buffer.from(clipped)]) : bytes;
    await this.sink({ logs: [{ vertex: this.vertex.digest, stream, data, timestamp: timestampNow() }] });
  }

  readonly count: ReportCounter = (counter) => {
    void this.sink({ statuses: [{ ...counter, vertex: this.vertex.digest, timestamp: timestampNow() }] });
  };

  async #say(change: Partial<VertexStatus>): Promise<void> {
    this.#status = { ...this.#status, ...change };
    await this.sink({ vertexes: [this.#status] });
  }
}

function waiting({ digest, inputs, description }: Vertex): VertexStatus {
  return {
    digest,
    inputs: [...new Set(inputs.map(({ vertex }) => vertex.digest))],
    name: description.name,
    started: null,
    completed: null,
    cached: false,
    error: "",
  };
}
