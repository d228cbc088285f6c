import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { createDemultiplexer } from "../base/demultiplex.ts";
import { formatDuration } from "../base/duration.ts";
import { messageOf } from "../base/errors.ts";
import { timestampNow } from "../base/timestamp.ts";
import { type ExecConfig, ExecConfigSchema } from "./container-config.ts";
import type { EngineParts } from "./engine-parts.ts";
import { createExec, startExec } from "./execs.ts";
import type { ProbeResult } from "./health.ts";
import type { HealthCheck } from "./health-check.ts";
import { SIGKILL } from "./signal-container.ts";

/** Of a probe's output, both streams together, Docker's limit. */
const KEPT_OUTPUT_BYTES = 4096;

/** In the id of every probe's exec, so that a later engine can tell one that this engine left behind. */
const PROBE_PREFIX = "healthcheck";

/** Whether an exec's id is that of a probe. */
export function isProbe(execId: string): boolean {
  return execId.startsWith(PROBE_PREFIX);
}

/** As long as any other exec's id. */
function newProbeId(): string {
  return PROBE_PREFIX + randomBytes(32).toString("hex").slice(PROBE_PREFIX.length);
}

/**
 * Runs a container's health check once, as an exec of the container's user. Whatever goes wrong is a result; one that takes
 * longer than it may is killed. @param abort ends it at once; its result then means nothing.
 */
export async function runProbe(
  parts: EngineParts,
  containerId: string,
  check: HealthCheck,
  abort: AbortSignal,
): Promise<ProbeResult> {
  const Start = timestampNow();
  const id = newProbeId();
  const output = new LimitedOutput();
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), check.timeoutMs);
  const outcome = (ExitCode: number, Output: string) => ({ Start, End: timestampNow(), ExitCode, Output });
  try {
    const signals = [abort, late.signal];
    const running = execute(parts, containerId, id, check, output, signals);
    const exitCode = await untilAborted(running, signals, () => kill(parts, containerId, id));
    if (exitCode !== undefined) return outcome(exitCode, output.text());
    // Not until it is gone, so that probes which hang do not pile up.
    await untilAborted(running, [abort], () => {});
    const said = output.text();
    const limit = formatDuration(check.timeoutMs * 1e6);
    return outcome(-1, `Health check exceeded timeout (${limit})${said && `: ${said}`}`);
  } catch (error) {
    return outcome(-1, messageOf(error));
  } finally {
    clearTimeout(timer);
    parts.execs.forget(id);
  }
}

/** @returns the exit code. */
async function execute(
  parts: EngineParts,
  containerId: string,
  id: string,
  check: HealthCheck,
  output: LimitedOutput,
  signals: readonly AbortSignal[],
): Promise<number> {
  createExec(parts, containerId, probeExec(check), id);
  const ended = parts.execs.ended(id);
  const stream = await startExec(parts, id, { detach: false });
  // The time was over before there was anything to kill.
  if (isAborted(signals)) kill(parts, containerId, id);
  const [exitCode] = await Promise.all([ended, stream && collect(stream, output)]);
  return exitCode;
}

function probeExec(check: HealthCheck): ExecConfig {
  return ExecConfigSchema.parse({ Cmd: check.command, AttachStdout: true, AttachStderr: true });
}

async function collect(stream: Socket, output: LimitedOutput): Promise<void> {
  const demultiplex = createDemultiplexer((_, piece) => output.add(piece));
  for await (const bytes of stream) await demultiplex(bytes);
}

/** The promise's value, or undefined once a signal has come, when `onAbort` was called. A later rejection is nobody's. */
async function untilAborted<T>(
  promise: Promise<T>,
  signals: readonly AbortSignal[],
  onAbort: () => void,
): Promise<T | undefined> {
  const aborted = Promise.withResolvers<undefined>();
  const stop = () => {
    onAbort();
    promise.catch(() => {});
    aborted.resolve(undefined);
  };
  if (isAborted(signals)) stop();
  for (const signal of signals) signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    for (const signal of signals) signal.removeEventListener("abort", stop);
  }
}

function isAborted(signals: readonly AbortSignal[]): boolean {
  return signals.some(({ aborted }) => aborted);
}

function kill(parts: EngineParts, containerId: string, id: string): void {
  // One that has just ended, or whose container has, takes no signal.
  parts.live
    .get(containerId)
    ?.killGroup(SIGKILL, id)
    .catch(() => {});
}

/** The beginning of what a probe says; the rest is read and dropped. */
class LimitedOutput {
  readonly #bytes = Buffer.alloc(KEPT_OUTPUT_BYTES);
  #length = 0;
  #isCut = false;

  add(piece: Uint8Array): void {
    const kept = piece.subarray(0, KEPT_OUTPUT_BYTES - this.#length);
    this.#bytes.set(kept, this.#length);
    this.#length += kept.length;
    this.#isCut ||= kept.length < piece.length;
  }

  text(): string {
    return this.#bytes.toString("utf8", 0, this.#length) + (this.#isCut ? "..." : "");
  }
}
