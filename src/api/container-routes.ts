import type { IncomingHttpHeaders } from "node:http";
import { z } from "zod";
import { fail } from "../base/errors.ts";
import { goObject, optionalField } from "../base/go-object.ts";
import { PhaseTrace } from "../base/phase-trace.ts";
import { CreateBodySchema, RESOURCES, type Resources, RestartPolicySchema } from "../engine/container-config.ts";
import { parseDetachKeys } from "../engine/detach-keys.ts";
import type { WaitCondition } from "../engine/exit-waiters.ts";
import { since } from "./api-version.ts";
import { containerDocumentFor, containerSummaryFor } from "./container-versions.ts";
import { createBodyFor } from "./create-versions.ts";
import {
  queryFilters,
  queryFlag,
  queryFlagOr,
  queryInteger,
  queryLogTime,
  queryOptionalText,
  queryText,
} from "./query.ts";
import { bytes, empty, feed, hijack, json, later } from "./reply.ts";
import { jsonBody, streamBody } from "./request-body.ts";
import { type Route, route } from "./route.ts";
import { MULTIPLEXED_STREAM, RAW_STREAM } from "./send-reply.ts";

const TAR = "application/x-tar";

/** Config and HostConfig arrive side by side; a body without any of Config's fields is a mistake that Docker names. */
const createBody = jsonBody(
  z
    .looseObject({})
    .transform((document) => {
      const { HostConfig: _host, NetworkingConfig: _network, ...config } = document;
      if (Object.keys(config).length > 0) return document;
      return fail("invalid", "EMPTY_CONFIG", "config cannot be empty in order to create a container");
    })
    .pipe(CreateBodySchema),
);

const UpdateBodySchema = goObject({ ...RESOURCES, RestartPolicy: optionalField(RestartPolicySchema) });

const stopQuery = z.object({ signal: queryOptionalText, t: queryInteger });

export const waitCondition = queryText.transform((text): WaitCondition => {
  if (text === "" || text === "not-running") return "not-running";
  if (text === "next-exit" || text === "removed") return text;
  return fail("invalid", "INVALID_CONDITION", `invalid condition: ${JSON.stringify(text)}`);
});

/** A number of lines; anything else - `all` above all - is every line, as in Docker. */
const tail = queryText.transform((text) => (/^\d{1,15}$/.test(text) ? Number(text) : undefined));

const path = queryText.transform((text) => text || fail("invalid", "NO_PATH", "bad parameter: path cannot be empty"));

const attachQuery = z.object({
  detachKeys: queryText.transform(parseDetachKeys),
  logs: queryFlag,
  stream: queryFlag,
  stdin: queryFlag,
  stdout: queryFlag,
  stderr: queryFlag,
});

/** Rows and columns of a terminal; both must be given. */
export const terminalSizeQuery = z.object({ h: queryInteger, w: queryInteger }).transform(({ h, w }) => {
  const fits = (size: number | undefined): size is number => size !== undefined && size >= 0 && size <= 65_535;
  if (fits(h) && fits(w)) return { rows: h, columns: w };
  return fail("invalid", "TERMINAL_SIZE", "h and w must be a terminal's height and width: numbers from 0 to 65535");
});

export const CONTAINER_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/containers/json",
    summary: "Lists containers",
    query: z.object({ all: queryFlag, limit: queryInteger, size: queryFlag, filters: queryFilters }),
    handle: async ({ services: { engine }, query: { limit = 0, ...query }, version }) => {
      const summaries = await engine.containers.list({ ...query, limit });
      return json(summaries.map((summary) => containerSummaryFor(version, summary)));
    },
  }),
  route({
    method: "POST",
    path: "/containers/create",
    summary: "Makes a container",
    limits: "GPUs and what else cannot be done here is refused by name",
    query: z.object({ name: queryText, platform: queryText }),
    body: createBody,
    handle: async ({ services: { engine }, query: { name, platform }, body, version }) =>
      json(await engine.containers.create({ name, platform, body: createBodyFor(version, body) }), 201),
  }),
  route({
    method: "GET",
    path: "/containers/{id}/json",
    summary: "All about a container",
    query: z.object({ size: queryFlag }),
    handle: async ({ services: { engine }, params: { id }, query, version }) =>
      json(containerDocumentFor(version, await engine.containers.inspect(id, query))),
  }),
  route({
    method: "GET",
    path: "/containers/{id}/top",
    summary: "A container's processes",
    query: z.object({ ps_args: queryText }),
    handle: async ({ services: { engine }, params: { id }, query }) =>
      json(await engine.containers.top(id, query.ps_args)),
  }),
  route({
    method: "GET",
    path: "/containers/{id}/logs",
    summary: "What a container wrote, and with `follow` what it writes",
    query: z.object({
      follow: queryFlag,
      stdout: queryFlag,
      stderr: queryFlag,
      since: queryLogTime,
      until: queryLogTime,
      timestamps: queryFlag,
      details: queryFlag,
      tail,
    }),
    handle: ({ services: { engine }, params: { id }, query, version, abort }) => {
      const { tty, stream } = engine.containers.logs(id, { ...query, abort });
      return bytes(!tty && since(version, 42) ? MULTIPLEXED_STREAM : RAW_STREAM, stream);
    },
  }),
  route({
    method: "GET",
    path: "/containers/{id}/changes",
    summary: "Which files differ from the image's",
    handle: async ({ services: { engine }, params: { id }, abort }) => json(await engine.containers.changes(id, abort)),
  }),
  route({
    method: "GET",
    path: "/containers/{id}/export",
    summary: "A container's file system as an archive",
    handle: async ({ services: { engine }, params: { id }, abort }) =>
      bytes("application/octet-stream", await engine.containers.export(id, abort)),
  }),
  route({
    method: "GET",
    path: "/containers/{id}/stats",
    summary: "What a container uses, once or every second",
    query: z.object({ stream: queryFlagOr(true), "one-shot": queryFlag }),
    handle: ({ services: { engine }, params: { id }, query, version, abort }) => {
      const { stream } = query;
      const oneShot = query["one-shot"] && since(version, 41);
      if (stream && oneShot) fail("invalid", "STATS_OPTIONS", "cannot have stream=true and one-shot=true");
      return feed(engine.containers.stats(id, { stream, oneShot, abort }));
    },
  }),
  route({
    method: "POST",
    path: "/containers/{id}/resize",
    summary: "Sets the size of a container's terminal",
    query: terminalSizeQuery,
    handle: async ({ services: { engine }, params: { id }, query: { rows, columns } }) => {
      await engine.containers.resize(id, rows, columns);
      return empty(200);
    },
  }),
  route({
    method: "POST",
    path: "/containers/{id}/start",
    summary: "Starts a container",
    limits: "`checkpoint` is not known: processes cannot be frozen to disk",
    handle: async ({ services: { engine }, params: { id }, headers }) => {
      if (hasStartBody(headers)) {
        fail(
          "invalid",
          "START_BODY",
          "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24",
        );
      }
      const trace = new PhaseTrace();
      await engine.containers.start(id, trace);
      return empty(204, headers["lighter-trace"] === "1" ? { "Lighter-Trace": trace.toString() } : {});
    },
  }),
  route({
    method: "POST",
    path: "/containers/{id}/stop",
    summary: "Stops a container: its signal, then SIGKILL",
    query: stopQuery,
    handle: async ({ services: { engine }, params: { id }, query: { signal, t } }) => {
      await engine.containers.stop(id, { signal, timeoutSeconds: t });
      return empty();
    },
  }),
  route({
    method: "POST",
    path: "/containers/{id}/restart",
    summary: "Stops and starts a container",
    query: stopQuery,
    handle: async ({ services: { engine }, params: { id }, query: { signal, t } }) => {
      await engine.containers.restart(id, { signal, timeoutSeconds: t });
      return empty();
    },
  }),
  route({
    method: "POST",
    path: "/containers/{id}/kill",
    summary: "Sends a signal to a container",
    query: z.object({ signal: queryText }),
    handle: async ({ services: { engine }, params: { id }, query }) => {
      await engine.containers.kill(id, query.signal);
      return empty();
    },
  }),
  route({
    method: "POST",
    path: "/containers/{id}/update",
    summary: "Changes a container's limits and restart policy",
    limits: "Limits of Windows alone change nothing",
    body: jsonBody(UpdateBodySchema),
    handle: async ({ services: { engine }, params: { id }, body: { RestartPolicy, ...resources } }) =>
      json(
        await engine.containers.update(id, {
          resources: onlyChanged(resources),
          restartPolicy: RestartPolicy ?? undefined,
        }),
      ),
  }),
  route({
    method: "POST",
    path: "/containers/{id}/rename",
    summary: "Gives a container another name",
    query: z.object({ name: queryText }),
    handle: async ({ services: { engine }, params: { id }, query: { name } }) => {
      if (name === "") fail("invalid", "NO_NAME", "Neither old nor new names may be empty");
      await engine.containers.rename(id, name);
      return empty();
    },
  }),
  route({
    method: "POST",
    path: "/containers/{id}/pause",
    summary: "Freezes a container's processes",
    handle: async ({ services: { engine }, params: { id } }) => {
      await engine.containers.pause(id);
      return empty();
    },
  }),
  route({
    method: "POST",
    path: "/containers/{id}/unpause",
    summary: "Lets them go on",
    handle: async ({ services: { engine }, params: { id } }) => {
      await engine.containers.unpause(id);
      return empty();
    },
  }),
  route({
    method: "POST",
    path: "/containers/{id}/attach",
    summary: "Streams of a container's first process, on the upgraded connection or in the bodies",
    query: attachQuery,
    hijacks: true,
    handle: ({ services: { engine }, params: { id }, query: { detachKeys, ...options }, abort }) => {
      const session = engine.containers.attach(id, { ...options, abort });
      return hijack({ ...session, stdin: options.stream && options.stdin, detachKeys });
    },
  }),
  route({
    method: "GET",
    path: "/containers/{id}/attach/ws",
    summary: "The same over a WebSocket",
    query: attachQuery,
    hijacks: true,
    handle: ({ services: { engine }, params: { id }, query: { detachKeys, ...given }, version, abort }) => {
      // Until 1.42 all streams were attached, whatever was asked for.
      const options = since(version, 42) ? given : { ...given, stdin: true, stdout: true, stderr: true };
      const session = engine.containers.attach(id, { ...options, abort });
      return hijack({ ...session, stdin: options.stream && options.stdin, detachKeys }, "websocket");
    },
  }),
  route({
    method: "POST",
    path: "/containers/{id}/wait",
    summary: "Answers when a container has ended, or is removed",
    query: z.object({ condition: waitCondition }),
    handle: ({ services: { engine }, params: { id }, query: { condition }, abort }) =>
      later(engine.containers.wait(id, condition, abort)),
  }),
  route({
    method: "DELETE",
    path: "/containers/{id}",
    summary: "Removes a container",
    query: z.object({ v: queryFlag, force: queryFlag, link: queryFlag }),
    handle: async ({ services: { engine }, params: { id }, query: { v, force, link } }) => {
      if (link) {
        fail(
          "not-implemented",
          "LINKS",
          "removing a link alone is not supported: it goes with the container that has it",
        );
      }
      await engine.containers.remove(id, { volumes: v, force });
      return empty();
    },
  }),
  route({
    method: "HEAD",
    path: "/containers/{id}/archive",
    summary: "What a path in a container is",
    query: z.object({ path }),
    handle: async ({ services: { engine }, params: { id }, query }) =>
      empty(200, pathStatHeader(await engine.containers.archiveStat(id, query.path))),
  }),
  route({
    method: "GET",
    path: "/containers/{id}/archive",
    summary: "A path in a container as an archive",
    query: z.object({ path }),
    handle: async ({ services: { engine }, params: { id }, query, abort }) => {
      const { stat, tar } = await engine.containers.archiveGet(id, query.path, abort);
      return bytes(TAR, tar, pathStatHeader(stat));
    },
  }),
  route({
    method: "PUT",
    path: "/containers/{id}/archive",
    summary: "Unpacks an archive into a container",
    query: z.object({ path, noOverwriteDirNonDir: queryFlag, copyUIDGID: queryFlag }),
    body: streamBody,
    handle: async ({ services: { engine }, params: { id }, query, body, abort }) => {
      const { noOverwriteDirNonDir, copyUIDGID: copyUidGid } = query;
      await engine.containers.archivePut(id, query.path, body, { noOverwriteDirNonDir, copyUidGid, abort });
      return empty(200);
    },
  }),
  route({
    method: "POST",
    path: "/containers/prune",
    summary: "Removes containers that do not run",
    query: z.object({ filters: queryFilters }),
    handle: async ({ services: { engine }, query }) => json(await engine.containers.prune(query.filters)),
  }),
];

/** Whether it brings settings, as before 1.24; `{}` and `null` were always sent by some. */
function hasStartBody(headers: IncomingHttpHeaders): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 7;
}

/** `docker update` sends every field; those at their type's zero are meant to stay as they are. */
function onlyChanged(resources: Resources): Partial<Resources> {
  const isZero = (value: unknown) =>
    value === null || value === 0 || value === "" || (Array.isArray(value) && value.length === 0);
  // A limit of processes that is there and zero takes the limit away; missing it is null.
  const changes = Object.entries(resources).filter(([key, value]) =>
    key === "PidsLimit" ? value !== null : !isZero(value),
  );
  return Object.fromEntries(changes);
}

function pathStatHeader(stat: unknown): Record<string, string> {
  return { "X-Docker-Container-Path-Stat": Buffer.from(JSON.stringify(stat)).toString("base64") };
}
