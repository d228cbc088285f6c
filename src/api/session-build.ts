import type { Readable } from "node:stream";
import { z } from "zod";
import { fail } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import type { Exporter } from "../build/buildkit/export-result.ts";
import type { BuildRequest } from "../build/buildkit/solve-build.ts";
import type { TraceLine } from "../build/buildkit/trace-build.ts";
import type { Engine } from "../engine/engine.ts";
import { doorOf } from "./buildkit-door.ts";
import { queryJson, queryText } from "./query.ts";
import { empty, progress, type Reply } from "./reply.ts";

const OutputsSchema = z.array(
  z.object({
    Type: z.string(),
    Attrs: z
      .record(z.string(), z.string())
      .nullish()
      .transform((attrs) => attrs ?? {}),
  }),
);

/** What `POST /build?version=2` has besides the classic builder's parameters. */
export const sessionBuildQuery = {
  session: queryText,
  buildid: queryText,
  outputs: queryJson(OutputsSchema.nullable()),
};

/** The parameters of `POST /build` that mean something to BuildKit too. */
export interface SessionBuildQuery {
  readonly session: string;
  readonly buildid: string;
  readonly outputs?: z.infer<typeof OutputsSchema> | null;
  readonly dockerfile: string;
  readonly remote: string;
  readonly t: readonly string[];
  readonly target: string;
  readonly buildargs?: Readonly<Record<string, string | null>> | null;
  readonly labels?: Readonly<Record<string, string>> | null;
  readonly platform: string;
  readonly nocache: boolean;
  readonly q: boolean;
  readonly pull: boolean;
  readonly networkmode: string;
  readonly extrahosts: readonly string[];
  readonly shmsize?: number;
  readonly ulimits?: readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[] | null;
  readonly cgroupparent: string;
}

/** A second request that brings the context of a build which named it. */
const UPLOAD = "upload-request:";

/**
 * BuildKit's builder as clients from 18.09 to 22 ask for it: one request that answers with the progress in BuildKit's
 * messages, and a session for the files (moby, builder/builder-next).
 */
export async function sessionBuild(
  engine: Engine,
  query: SessionBuildQuery,
  body: Readable,
  abort: AbortSignal,
): Promise<Reply> {
  const [door, { traceBuild }] = await Promise.all([doorOf(engine), import("../build/buildkit/trace-build.ts")]);
  if (query.buildid.startsWith(UPLOAD)) {
    await door.uploads.offer(query.buildid.slice(UPLOAD.length), body, abort);
    return empty(200);
  }
  const request = buildRequest(query, body, (id) => door.uploads.take(id));
  const lines = door.builds.cancellable(query.buildid, abort, (signal) => traceBuild(door, request, signal));
  return progress(query.q ? onlyId(lines) : lines);
}

/** Of a quiet build clients print what comes as output: the id. */
async function* onlyId(lines: AsyncIterable<TraceLine>): AsyncGenerator<{ readonly stream: string }> {
  for await (const line of lines) if (line.id === "moby.image.id") yield { stream: `${line.aux.ID}\n` };
}

function buildRequest(
  query: SessionBuildQuery,
  body: Readable,
  upload: (id: string) => Promise<Readable>,
): BuildRequest {
  const { remote } = query;
  const isUrl = remote !== "" && remote !== "client-session" && remote !== "upload-request";
  return {
    ref: newId(),
    sessionId: query.session,
    frontend: "dockerfile.v0",
    attrs: { ...attrsOf(query), ...(isUrl && { context: remote }) },
    definition: undefined,
    exporters: exportersOf(query),
    cacheImports: [],
    cacheExports: [],
    entitlements: query.networkmode === "host" ? ["network.host"] : [],
    archive: remote === "" ? async () => body : remote === "upload-request" ? () => upload(query.buildid) : null,
  };
}

function attrsOf(query: SessionBuildQuery): Record<string, string> {
  const prefixed = (prefix: string, values: Readonly<Record<string, string | null>>) =>
    Object.entries(values).flatMap(([name, value]) => (value === null ? [] : [[`${prefix}:${name}`, value] as const]));
  const set: Record<string, string> = {
    filename: query.dockerfile === "." ? "" : query.dockerfile,
    target: query.target,
    platform: query.platform,
    "force-network-mode": networkMode(query.networkmode),
    "image-resolve-mode": query.pull ? "pull" : "default",
    "add-hosts": query.extrahosts.map((host) => host.replace(":", "=")).join(","),
    "shm-size": query.shmsize ? String(query.shmsize) : "",
    ulimit: (query.ulimits ?? []).map(({ Name, Soft, Hard }) => `${Name}=${Soft}:${Hard}`).join(","),
    "cgroup-parent": query.cgroupparent,
  };
  return {
    ...Object.fromEntries(Object.entries(set).filter(([, value]) => value !== "")),
    ...Object.fromEntries(prefixed("build-arg", query.buildargs ?? {})),
    ...Object.fromEntries(prefixed("label", query.labels ?? {})),
    // Even empty it means something: everything.
    ...(query.nocache && { "no-cache": "" }),
  };
}

function networkMode(mode: string): string {
  if (["", "default", "host", "none"].includes(mode)) return mode === "default" ? "" : mode;
  return fail("invalid", "NETWORK_MODE", `network mode "${mode}" not supported by buildkit`);
}

function exportersOf({ outputs, t: tags }: SessionBuildQuery): Exporter[] {
  const names = tags.filter((name) => name !== "").join(",");
  const image: Exporter = { type: "moby", attrs: names === "" ? {} : { name: names }, number: 0 };
  if (!outputs?.length) return [image];
  return outputs
    .filter(({ Type }) => Type !== "cacheonly")
    .map(({ Type, Attrs }, number) => (Type === "moby" ? image : { type: Type, attrs: Attrs, number }));
}
