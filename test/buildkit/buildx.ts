import { randomBytes } from "node:crypto";
import { basename } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { type Client, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { Control, type StatusResponse, type Vertex } from "../../src/build/buildkit/proto/control_pb.ts";
import { LLBBridge } from "../../src/build/buildkit/proto/gateway_pb.ts";
import type { Definition } from "../../src/build/buildkit/proto/ops_pb.ts";
import { StatusSchema } from "../../src/build/buildkit/proto/status_pb.ts";
import { METHODS, type Offer, sessionServer, type Traffic } from "./session-services.ts";
import { upgrade } from "./upgrade.ts";

export interface BuildRequest extends Omit<Offer, "directories"> {
  readonly context: string;
  /** Directory of the Dockerfile where it is not the context. */
  readonly dockerfileDirectory?: string;
  /** Further directories, by the names under which they are offered. */
  readonly contexts?: Readonly<Record<string, string>>;
  readonly attrs?: Readonly<Record<string, string>>;
  readonly exporters?: readonly { readonly Type: string; readonly Attrs: Record<string, string> }[];
  readonly entitlements?: readonly string[];
  readonly frontend?: string;
  /** A graph of the client's own instead of a Dockerfile. */
  readonly definition?: Pick<Definition, "def" | "metadata">;
  readonly signal?: AbortSignal;
  /** Looks at the result before it is returned, or returns another. */
  readonly inspect?: (look: Inspection) => Promise<"returned" | undefined>;
  /** Told what came with the result. */
  readonly onAnswer?: (metadata: Readonly<Record<string, Uint8Array>>) => void;
  readonly onProgress?: (status: StatusResponse) => void;
}

/** A result under the client's eyes. */
export interface Inspection {
  readonly bridge: BuilderClient["bridge"];
  readonly headers: Readonly<Record<string, string>>;
  readonly ref: string;
}

export interface BuildOutcome {
  readonly response: Readonly<Record<string, string>>;
  readonly progress: Progress;
  readonly traffic: Traffic;
}

/** All that Status said, as a progress display adds it up. */
export interface Progress {
  /** The last word of each vertex, by name. */
  readonly vertices: ReadonlyMap<string, Vertex>;
  readonly output: string;
  readonly counters: ReadonlySet<string>;
  readonly warnings: readonly string[];
}

/** Calls on one `/grpc` connection, as buildx makes them with its docker driver. */
export interface BuilderClient extends AsyncDisposable {
  readonly control: Client<typeof Control>;
  readonly bridge: Client<typeof LLBBridge>;
}

export async function connectBuilder(socketPath: string): Promise<BuilderClient> {
  const socket = await upgrade(socketPath, "/grpc");
  const transport = createGrpcTransport({
    baseUrl: "http://localhost",
    nodeOptions: { createConnection: () => socket },
  });
  return {
    control: createClient(Control, transport),
    bridge: createClient(LLBBridge, transport),
    [Symbol.asyncDispose]: async () => {
      socket.destroy();
    },
  };
}

/**
 * Builds as `docker buildx build` does: opens a session, asks for a build that it drives itself, has the gateway solve the
 * Dockerfile, and returns the result. @throws ConnectError with what the engine said
 */
export async function buildx(socketPath: string, request: BuildRequest): Promise<BuildOutcome> {
  await using builder = await connectBuilder(socketPath);
  const traffic: Traffic = { asked: [], bytesSent: { total: 0 } };
  await using session = await openSession(socketPath, request, traffic);
  const ref = randomBytes(12).toString("hex");
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, ...(request.signal ? [request.signal] : [])]);
  const solving = builder.control.solve(
    {
      Ref: ref,
      Session: session.id,
      Exporters: [...(request.exporters ?? [{ Type: "moby", Attrs: {} }])],
      Definition: request.definition,
      Entitlements: [...(request.entitlements ?? [])],
      Cache: {},
    },
    { signal },
  );
  // Whichever fails first tells why; the other one then fails as well.
  solving.catch(() => over.abort());
  const watching = watch(builder.control.status({ Ref: ref }), request.onProgress);
  if (!request.definition) await driveBuild(builder, ref, { ...request, signal }).catch(() => {});
  const { ExporterResponse: response } = await solving;
  return { response, progress: await watching, traffic };
}

/** moby/buildkit, client/build.go and frontend/gateway/grpcclient: what is called, in this order. */
async function driveBuild({ bridge }: BuilderClient, ref: string, request: BuildRequest): Promise<void> {
  const headers = { "buildkit-controlapi-buildid": ref };
  const { signal } = request;
  await bridge.ping({}, { headers, signal });
  try {
    const { result } = await bridge.solve(
      {
        Frontend: request.frontend ?? "dockerfile.v0",
        FrontendOpt: { filename: "Dockerfile", "image-resolve-mode": "local", ...request.attrs },
        allowResultReturn: true,
        allowResultArrayRef: true,
      },
      { headers, signal },
    );
    request.onAnswer?.(result?.metadata ?? {});
    const ref = result?.result.case === "ref" ? result.result.value.id : "";
    if ((await request.inspect?.({ bridge, headers, ref })) === "returned") return;
    await bridge.return({ result }, { headers, signal });
  } catch (error) {
    // With its details, as Go's client has them.
    const { rawMessage: message, metadata } = ConnectError.from(error);
    const bin = metadata.get("grpc-status-details-bin");
    const details = bin ? fromBinary(StatusSchema, Buffer.from(bin, "base64")).details : [];
    await bridge.return({ error: { code: 2, message, details } }, { headers });
    throw error;
  }
}

async function openSession(socketPath: string, request: BuildRequest, traffic: Traffic) {
  const id = randomBytes(12).toString("hex");
  const { context, dockerfileDirectory = context, contexts } = request;
  const server = sessionServer(
    { ...request, directories: { ...contexts, context, dockerfile: dockerfileDirectory } },
    traffic,
  );
  const socket = await upgrade(socketPath, "/session", [
    ["X-Docker-Expose-Session-Uuid", id],
    ["X-Docker-Expose-Session-Name", basename(context)],
    ["X-Docker-Expose-Session-Sharedkey", `${basename(context)}:test`],
    ...METHODS.map((method) => ["X-Docker-Expose-Session-Grpc-Method", method] as const),
  ]);
  server.emit("connection", socket);
  socket.resume();
  return {
    id,
    [Symbol.asyncDispose]: async () => {
      socket.destroy();
    },
  };
}

/** Reads the progress to its end. */
export async function watch(
  statuses: AsyncIterable<StatusResponse>,
  onProgress: (status: StatusResponse) => void = () => {},
): Promise<Progress> {
  const vertices = new Map<string, Vertex>();
  const counters = new Set<string>();
  const warnings: string[] = [];
  let output = "";
  try {
    for await (const status of statuses) {
      onProgress(status);
      for (const vertex of status.vertexes) vertices.set(vertex.name, vertex);
      for (const { ID } of status.statuses) counters.add(ID);
      for (const { msg } of status.logs) output += Buffer.from(msg).toString();
      for (const { short } of status.warnings) warnings.push(Buffer.from(short).toString());
    }
  } catch {
    // A build that ended before it began has no progress; why, its own call says.
  }
  return { vertices, output, counters, warnings };
}
