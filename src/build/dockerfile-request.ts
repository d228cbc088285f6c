import type { ImageConfig } from "../image/config.ts";
import type { ChainId } from "../image/digest.ts";
import type { Entitlement, ExecLimits, Solved, SolveSources } from "./graph/solver.ts";
import type { StatusSink } from "./graph/status.ts";

/**
 * What a door asks of the Dockerfile front end (`buildDockerfile` in build-dockerfile.ts). The files are read through
 * `sources.local`: `dockerfile` for the Dockerfile and its ignore file, `context` for what is copied.
 */
export interface DockerfileRequest {
  /** Path of the Dockerfile in its directory; empty is `Dockerfile`. */
  readonly fileName: string;
  /** The main context: empty is the local one, else a URL of an archive, of a Dockerfile or of a git repository. */
  readonly contextUrl: string;
  /** `--build-context`, by name: `local:<name>`, `docker-image://…`, `oci-layout://…`, `https://…`, a git URL. */
  readonly namedContexts: ReadonlyMap<string, string>;
  /** Name or number of the stage to end with; empty is the last. */
  readonly target: string;
  /** null: a name without a value, which the client's environment did not have. */
  readonly buildArgs: ReadonlyMap<string, string | null>;
  readonly labels: Readonly<Record<string, string>>;
  /** `linux/amd64`; empty is this machine's. */
  readonly platform: string;
  /** Stages whose steps run again; `"all"`: every one. */
  readonly noCache: "all" | readonly string[];
  /** Images that say of their layers which steps made them (`--cache-from`). */
  readonly cacheFrom?: readonly string[];
  /** Let the image say so itself (`--cache-to type=inline`). */
  readonly inlineCache?: boolean;
  /** Look for newer base images. */
  readonly pull: boolean;
  /** `default`, `none`, `host`, or a network of the engine. */
  readonly networkMode: string;
  /** `name:address` */
  readonly extraHosts: readonly string[];
  readonly hostname: string;
  /** The classic builder's rules where they differ: a wildcard has to match, no path may lead out. */
  readonly isClassic?: boolean;
  readonly sources: SolveSources;
  readonly status: StatusSink;
  readonly abort: AbortSignal;
  readonly entitlements: ReadonlySet<Entitlement>;
  readonly limits: ExecLimits;
}

/** An image that is made but not stored: for whichever output was asked for. Its layers stay until it is disposed of. */
export interface BuiltImage extends AsyncDisposable {
  readonly config: ImageConfig;
  /** null: an image without layers. */
  readonly chainId: ChainId | null;
  /** Of the image that the target began with; null for none. */
  readonly base: ImageConfig | null;
  readonly solved: Solved;
}
