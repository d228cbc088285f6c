import { z } from "zod";
import { ExecConfigSchema } from "../engine/container-config.ts";
import { parseDetachKeys } from "../engine/detach-keys.ts";
import { since } from "./api-version.ts";
import { afterHead } from "./client-quirks.ts";
import { terminalSizeQuery } from "./container-routes.ts";
import { empty, hijack, json } from "./reply.ts";
import { jsonBody, optionalJsonBody } from "./request-body.ts";
import { type Route, route } from "./route.ts";

const ExecStartSchema = z.object({
  Detach: z.boolean().nullish(),
  Tty: z.boolean().nullish(),
  /** Rows, columns. */
  ConsoleSize: z.tuple([z.int().min(0).max(65_535), z.int().min(0).max(65_535)]).nullish(),
});

export const EXEC_ROUTES: readonly Route[] = [
  route({
    method: "POST",
    path: "/containers/{id}/exec",
    summary: "Prepares a further process in a container",
    body: jsonBody(ExecConfigSchema),
    handle: async ({ services: { engine }, params: { id }, body, version }) =>
      json(await engine.execs.create(id, since(version, 42) ? body : { ...body, ConsoleSize: null }), 201),
  }),
  route({
    method: "POST",
    path: "/exec/{id}/start",
    summary: "Starts it, with its streams on the connection",
    body: optionalJsonBody(ExecStartSchema),
    hijacks: true,
    handle: async ({ services: { engine }, params: { id }, body, headers }) => {
      const { ProcessConfig, OpenStdin, DetachKeys } = engine.execs.inspect(id);
      const [rows, columns] = body.ConsoleSize ?? [];
      const consoleSize = rows !== undefined && columns !== undefined ? { rows, columns } : undefined;
      const detach = body.Detach ?? false;
      const socket = engine.execs.start(id, { detach, consoleSize });
      if (detach) {
        await socket;
        return empty(200);
      }
      return hijack({
        tty: ProcessConfig.tty,
        history: null,
        socket: afterHead(headers["user-agent"], socket),
        stdin: OpenStdin,
        detachKeys: parseDetachKeys(DetachKeys),
      });
    },
  }),
  route({
    method: "POST",
    path: "/exec/{id}/resize",
    summary: "Sets the size of its terminal",
    query: terminalSizeQuery,
    handle: async ({ services: { engine }, params: { id }, query: { rows, columns } }) => {
      await engine.execs.resize(id, rows, columns);
      return empty(200);
    },
  }),
  route({
    method: "GET",
    path: "/exec/{id}/json",
    summary: "All about it",
    handle: ({ services: { engine }, params: { id } }) => json(engine.execs.inspect(id)),
  }),
];
