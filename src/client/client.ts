/**
 * The published library: an engine in a few lines.
 *
 *     import { Engine } from "lighter";
 *     await using engine = await Engine.start();
 *     const { stdout } = await engine.run("busybox", ["echo", "hi"]);
 */

import { PLAIN_PORT, parseAddress, TLS_PORT } from "../base/engine-address.ts";
import { LighterError } from "../base/errors.ts";
import { resolvePaths } from "../base/paths.ts";
import { type Api, openApi, type Query } from "./api.ts";
import { type DockerfileSource, openDirectoryContext } from "./build-context.ts";
import { collectResult, type Result } from "./collect-output.ts";
import { Container, type ExecOptions } from "./container.ts";
import type { ContainerSummary, CreateAnswer, CreateBody, HostConfig } from "./container-documents.ts";
import { findExecutable } from "./executable.ts";
import type { ImageSummary } from "./image-documents.ts";
import { ImageHistory } from "./image-history.ts";
import type { VersionDocument } from "./resource-documents.ts";
import { startEngine } from "./start-engine.ts";
import { readTlsCredentials, type TlsCredentials } from "./tls-credentials.ts";
import { openTransport } from "./transport.ts";

export type { ErrorKind } from "../base/errors.ts";
export type { DockerfileSource } from "./build-context.ts";
export type { Output, Result } from "./collect-output.ts";
export type { ExecOptions } from "./container.ts";
export type {
  ContainerDocument,
  ContainerSummary,
  CreateBody,
  EndpointSettings,
  Healthcheck,
  HostConfig,
  Mount,
  PortBinding,
} from "./container-documents.ts";
export type {
  FileChange,
  ImageLayer,
  ImageStep,
  LayerNode,
  RebasedContainer,
  ReflogEntry,
  RolledBackContainer,
  RolledBackImage,
} from "./history-documents.ts";
export type { ImageSummary } from "./image-documents.ts";
export type { VersionDocument } from "./resource-documents.ts";
export type { TlsCredentials } from "./tls-credentials.ts";
export { Container, ImageHistory, LighterError };

export interface StartOptions {
  /** Directory of the engine's state: engines with different roots share nothing. Default: LIGHTER_ROOT, /var/lib/lighter. */
  readonly root?: string;
  /** The `lighter` program; default is the one of this package. */
  readonly executable?: string;
}

export interface RunOptions extends ExecOptions {
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Mounts, limits, ports and the rest, in the Engine API's words. */
  readonly hostConfig?: HostConfig;
}

export interface BuildOptions {
  /** Default: `Dockerfile` in the directory. */
  readonly dockerfile?: DockerfileSource;
  readonly tags?: readonly string[];
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** Stage to end with. */
  readonly target?: string;
  readonly noCache?: boolean;
  /** Called with what the builder says, as it says it. */
  readonly onProgress?: (text: string) => void;
}

/** A connection to an engine. Disposing closes the connection; the engine and its containers go on. */
export class Engine implements AsyncDisposable {
  /** Images as a history: log, diff, rollback. */
  readonly history: ImageHistory;

  private constructor(private readonly api: Api) {
    this.history = new ImageHistory(api);
  }

  /**
   * Joins the engine of a root, after starting one in the background where none listens.
   * @throws forbidden `NOT_ROOT`; unavailable `ENGINE_DID_NOT_START`
   */
  static async start(options: StartOptions = {}): Promise<Engine> {
    const paths = resolvePaths(options.root);
    const transport = await openTransport({ kind: "unix", path: paths.socket });
    const connects = () =>
      transport.connect().then(
        () => true,
        () => false,
      );
    if (!(await connects())) await startEngine([options.executable ?? findExecutable()], paths, connects);
    return new Engine(openApi(transport));
  }

  /**
   * Joins the engine that listens at `unix:///path`, `tcp://host:port` or `ssh://user@host`; starts nothing.
   * @param tls for TCP; by default what DOCKER_TLS_VERIFY and DOCKER_CERT_PATH say, and null: without
   * @throws invalid `INVALID_HOST`, `TLS_FILE`; unavailable `ENGINE_UNREACHABLE`
   */
  static async connect(host: string, tls: TlsCredentials | null = readTlsCredentials()): Promise<Engine> {
    const transport = await openTransport(parseAddress(host, tls ? TLS_PORT : PLAIN_PORT), tls);
    await transport.connect();
    return new Engine(openApi(transport));
  }

  async ping(): Promise<void> {
    await this.api.send("GET", "/_ping");
  }

  version(): Promise<VersionDocument> {
    return this.api.json<VersionDocument>("GET", "/version");
  }

  images(): Promise<ImageSummary[]> {
    return this.api.json<ImageSummary[]>("GET", "/images/json");
  }

  containers(options: { readonly all?: boolean } = {}): Promise<ContainerSummary[]> {
    return this.api.json<ContainerSummary[]>("GET", "/containers/json", {
      query: { all: options.all ? 1 : undefined },
    });
  }

  /** A new container, not started. */
  async create(
    body: CreateBody & { readonly Image: string },
    options: { readonly name?: string } = {},
  ): Promise<Container> {
    const query = { name: options.name };
    const { Id } = await this.api.json<CreateAnswer>("POST", "/containers/create", { query, json: body });
    return new Container(this.api, Id);
  }

  /** Fetches an image from its registry. @throws internal `PULL_FAILED` with the engine's text */
  async pull(image: string): Promise<void> {
    await this.follow("/images/create", { fromImage: image }, "PULL_FAILED");
  }

  /**
   * Runs a program in a container of its own, which is gone when this returns, whatever happened. An image that is absent
   * and that the engine can make without a registry, as `busybox`, is made first; others are pulled by {@link Engine.pull}.
   */
  async run(image: string, command: readonly string[] = [], options: RunOptions = {}): Promise<Result> {
    try {
      return await this.runIn(image, command, options);
    } catch (error) {
      if (!(error instanceof LighterError) || error.kind !== "not-found" || !(await this.isTemplate(image)))
        throw error;
      await this.follow(`/lighter/templates/${image}`, {}, "TEMPLATE_FAILED");
      return this.runIn(image, command, options);
    }
  }

  private async isTemplate(image: string): Promise<boolean> {
    const templates = await this.api.json<readonly { readonly Name: string; readonly ImageId: string }[]>(
      "GET",
      "/lighter/templates",
    );
    return templates.some(({ Name, ImageId }) => Name === image && ImageId === "");
  }

  /** Lets the engine do what it tells in a stream of progress. */
  private async follow(path: string, query: Query, code: string): Promise<void> {
    for await (const { errorDetail } of this.api.documents<Progress>("POST", path, { query })) {
      if (errorDetail) throw new LighterError("internal", code, errorDetail.message);
    }
  }

  private async runIn(image: string, command: readonly string[], options: RunOptions): Promise<Result> {
    const container = await this.create(
      {
        Image: image,
        Cmd: command.length > 0 ? command : undefined,
        AttachStdout: true,
        AttachStderr: true,
        Env: Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`),
        User: options.user,
        WorkingDir: options.workingDirectory,
        Labels: options.labels,
        HostConfig: options.hostConfig,
      },
      { name: options.name },
    );
    await using _ = container;
    const query = { stdout: 1, stderr: 1, condition: "next-exit" };
    const { stream } = await this.api.upgrade("POST", `/lighter/containers/${container.id}/run`, { query });
    try {
      return await collectResult(stream.output, options.maxOutputBytes);
    } finally {
      stream.close();
    }
  }

  /**
   * Builds a directory with a Dockerfile and returns the image's ID.
   * @throws internal `BUILD_FAILED` with the builder's text; as openDirectoryContext
   */
  async build(directory: string, options: BuildOptions = {}): Promise<string> {
    const { archive, dockerfile } = await openDirectoryContext(directory, options.dockerfile);
    const documents = this.api.documents<BuildMessage>("POST", "/build", {
      query: {
        version: 1,
        dockerfile,
        t: options.tags,
        buildargs: options.buildArgs && JSON.stringify(options.buildArgs),
        target: options.target,
        nocache: options.noCache ? 1 : undefined,
      },
      stream: archive,
      headers: { "Content-Type": "application/x-tar" },
    });
    let id: string | undefined;
    for await (const { stream, aux, errorDetail } of documents) {
      if (errorDetail) throw new LighterError("internal", "BUILD_FAILED", errorDetail.message);
      if (stream) options.onProgress?.(stream);
      id = aux?.ID ?? id;
    }
    if (id === undefined) throw new LighterError("internal", "BUILD_FAILED", "the builder ended without an image");
    return id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.api.close();
  }
}

interface Progress {
  readonly errorDetail?: { readonly message: string };
}

interface BuildMessage extends Progress {
  readonly stream?: string;
  readonly aux?: { readonly ID?: string };
}
