import { type Api, readText } from "../../client/api.ts";
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

/**
 * Starts a container with our streams connected to it and returns its exit status, or 0 when the user detached.
 * Attaching and waiting are both acknowledged before the start, so that neither output nor end can be missed.
 */
export async function startAttached(api: Api, id: string, attachment: Attachment): Promise<number> {
  const { stdin, stdout, stderr, tty, detachKeys, until } = attachment;
  const query = { stream: 1, stdin: num(stdin), stdout: num(stdout), stderr: num(stderr), detachKeys };
  const [{ stream }, waiting] = await Promise.all([
    api.upgrade("POST", `/containers/${id}/attach`, { query }),
    api.call("POST", `/containers/${id}/wait`, { query: { condition: until } }),
  ]);
  tracePhase("attached");
  if (attachment.signalProxy && !tty) forwardSignals(api, id);
  const output = pump({ stream, tty, stdin, detachKeys });
  output.catch(() => {}); // Awaited below, unless the start fails first.
  const exit = readText(waiting.body);
  exit.catch(() => {});
  try {
    const engineTrace = await startContainer(api, id);
    if (tty) await followTerminalSize(api, `/containers/${id}/resize`);
    if ((await output) === "detached") {
      await printError("read escape sequence");
      return 0;
    }
    tracePhase("output ended");
    const answer: WaitAnswer = JSON.parse(await exit);
    tracePhase("exit status");
    await printTrace(engineTrace);
    if (answer.Error?.Message) await printError(`Error waiting for container: ${answer.Error.Message}`);
    return answer.StatusCode;
  } catch (error) {
    stream.close();
    throw error;
  }
}

/** Starts it; returns the engine's own account of the time, when tracing is on. */
export async function startContainer(api: Api, id: string): Promise<string | undefined> {
  const headers = tracing ? { "Lighter-Trace": "1" } : undefined;
  const started = await api.send("POST", `/containers/${id}/start`, { headers });
  tracePhase("started");
  return started.headers.get("lighter-trace");
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
