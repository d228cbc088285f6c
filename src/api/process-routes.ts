import { z } from "zod";
import { LighterError } from "../base/errors.ts";
import { PhaseTrace } from "../base/phase-trace.ts";
import { ExecConfigSchema } from "../engine/container-config.ts";
import type { Engine } from "../engine/engine.ts";
import { waitCondition } from "./container-routes.ts";
import { queryFlag } from "./query.ts";
import { processStream } from "./reply.ts";
import { jsonBody } from "./request-body.ts";
import { type Route, route } from "./route.ts";

/**
 * Lighter's own endpoints: a process from its start to its end on one connection. What Docker's clients ask in three or
 * four requests (attach, wait, start; exec, start, inspect) costs as many times a millisecond, which is a large part of a
 * short program's time. Output is framed, a terminal's too, and the last frame tells how the process ended.
 */
export const PROCESS_ROUTES: readonly Route[] = [
  route({
    method: "POST",
    path: "/lighter/containers/{id}/run",
    summary: "Attaches, starts and waits on one connection",
    query: z.object({ stdin: queryFlag, stdout: queryFlag, stderr: queryFlag, condition: waitCondition }),
    hijacks: true,
    handle: async ({ services: { engine }, params: { id }, query: { condition, ...streams }, headers, abort }) => {
      const session = engine.containers.attach(id, { ...streams, stream: true, logs: false, abort });
      const result = engine.containers.wait(id, condition, abort);
      result.catch(() => {}); // whoever leaves before the end is told nothing
      const trace = new PhaseTrace();
      await startUnlessRunning(engine, id, trace);
      const told: Record<string, string> =
        headers["lighter-trace"] === "1" ? { "Lighter-Trace": trace.toString() } : {};
      return processStream({ ...session, stdin: streams.stdin, detachKeys: null, result }, told);
    },
  }),
  route({
    method: "POST",
    path: "/lighter/containers/{id}/exec",
    summary: "Prepares, starts and waits for a process on one connection",
    body: jsonBody(ExecConfigSchema),
    hijacks: true,
    handle: ({ services: { engine }, params: { id }, body }) => {
      const { Id } = engine.execs.create(id, body);
      const [rows, columns] = body.ConsoleSize ?? [];
      const consoleSize = rows !== undefined && columns !== undefined ? { rows, columns } : undefined;
      const socket = engine.execs.start(Id, { detach: false, consoleSize });
      const result = engine.execs.ended(Id).then((StatusCode) => ({ StatusCode }));
      const streams = { tty: body.Tty, history: null, socket, stdin: body.AttachStdin, detachKeys: null, result };
      return processStream(streams, { "Lighter-Exec": Id });
    },
  }),
];

/** To whoever wants to see it run, one that runs already is fine. */
async function startUnlessRunning(engine: Engine, id: string, trace: PhaseTrace): Promise<void> {
  try {
    await engine.containers.start(id, trace);
  } catch (error) {
    if (!(error instanceof LighterError && error.kind === "not-modified")) throw error;
  }
}
