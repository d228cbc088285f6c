import type { Api, CallOptions } from "../../client/api.ts";
import { endUntold } from "../../client/collect-output.ts";
import type { WaitAnswer } from "../../client/container-documents.ts";
import { printError } from "../output.ts";
import { forwardSignals } from "../streams/forward-signals.ts";
import { pump } from "../streams/pump.ts";
import { printTrace, tracePhase, tracing } from "../trace.ts";

export interface Attachment {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
  readonly detachKeys: string | undefined;
  readonly signalProxy: boolean;
  /** What counts as the end: with `--rm` the container's name must be free again. */
  readonly until: "next-exit" | "removed";
}

/** Starts a container with our streams connected to it and returns its exit status, or 0 when the user detached. */
export async function startAttached(api: Api, id: string, attachment: Attachment): Promise<number> {
  const { stdin, stdout, stderr, tty, until: condition } = attachment;
  if (attachment.signalProxy && !tty) forwardSignals(api, id);
  return runAttached(api, `/lighter/containers/${id}/run`, attachment, {
    query: { stdin: num(stdin), stdout: num(stdout), stderr: num(stderr), condition },
    headers: tracing ? { "Lighter-Trace": "1" } : undefined,
    resizePath: () => `/containers/${id}/resize`,
  });
}

type ProcessRequest = CallOptions & {
  /** Where the terminal's size goes, once the process is there. */
  readonly resizePath: (headers: ReadonlyMap<string, string>) => string;
};

/**
 * Starts a process by one of the endpoints that run it on one connection, with our streams connected to it, and returns
 * its exit status, or 0 when the user detached.
 */
export async function runAttached(
  api: Api,
  path: string,
  { stdin, tty, detachKeys }: Pick<Attachment, "stdin" | "tty" | "detachKeys">,
  { resizePath, ...request }: ProcessRequest,
): Promise<number> {
  const { stream, headers } = await api.upgrade("POST", path, request);
  tracePhase("started");
  let answer: WaitAnswer | undefined;
  const onResult = (text: string) => {
    answer = JSON.parse(text) as WaitAnswer;
  };
  const output = pump({ stream, tty, framed: true, stdin, detachKeys, onResult });
  if (tty) await followTerminalSize(api, resizePath(headers));
  if ((await output) === "detached") {
    await printError("read escape sequence");
    return 0;
  }
  const { StatusCode, Error: failure } = answer ?? endUntold();
  tracePhase("exit status");
  await printTrace(headers.get("lighter-trace"));
  if (failure?.Message) await printError(`Error waiting for container: ${failure.Message}`);
  return StatusCode;
}

/** Starts it; returns the engine's own account of the time, when tracing is on. */
export async function startContainer(api: Api, id: string): Promise<string | undefined> {
  const headers = tracing ? { "Lighter-Trace": "1" } : undefined;
  const started = await api.send("POST", `/containers/${id}/start`, { headers });
  tracePhase("started");
  return started.headers.get("lighter-trace");
}

/** Our terminal's rows and columns, so that the first thing the program draws already fits. */
export async function consoleSize(): Promise<readonly [number, number] | undefined> {
  const { terminalSize } = await import("../streams/terminal.ts");
  const size = terminalSize();
  return size ? [size.rows, size.columns] : undefined;
}

/** Gives the container's terminal the size of ours, now and whenever it changes. */
export async function followTerminalSize(api: Api, path: string): Promise<void> {
  const { onTerminalResize, terminalSize } = await import("../streams/terminal.ts");
  const resize = ({ rows, columns }: { rows: number; columns: number }) =>
    // A program that has just ended has no terminal left; its end is reported elsewhere.
    api.send("POST", path, { query: { h: rows, w: columns } }).then(
      () => {},
      () => {},
    );
  // Listening before looking: a change in between would be lost.
  onTerminalResize(resize);
  const size = terminalSize();
  if (size) await resize(size);
}

function num(flag: boolean): 1 | 0 {
  return flag ? 1 : 0;
}
