import { type Resources, ResourcesSchema } from "../../engine/container-config.ts";
import type { Reference } from "../../image/reference.ts";

/** What a client asks of a build. */
export interface BuildOptions {
  /** Path in the context. */
  readonly dockerfile: string;
  readonly tags: readonly Reference[];
  /** Name or number of the stage to end with; empty is the last. */
  readonly target: string;
  /** null: a name without a value, which the client's environment did not have. */
  readonly buildArgs: ReadonlyMap<string, string | null>;
  readonly labels: Readonly<Record<string, string>>;
  /** `os/architecture`; empty is this machine's. */
  readonly platform: string;
  /** A URL to take the context from instead of the request's body; empty: there is none. */
  readonly remote: string;
  /** Images that say of their layers which steps made them. */
  readonly cacheFrom: readonly string[];
  /** Look for newer base images. */
  readonly pull: boolean;
  /** Make one layer of all that the Dockerfile adds. */
  readonly squash: boolean;
  readonly noCache: boolean;
  /** Say nothing but the image's id. */
  readonly quiet: boolean;
  /** Docker's `rm`: say which intermediate containers went. They go in any case. */
  readonly announceRemoval: boolean;
  readonly networkMode: string;
  readonly resources: Resources;
  readonly shmSizeBytes: number;
  readonly extraHosts: readonly string[];
  readonly securityOptions: readonly string[];
}

export const DEFAULT_BUILD_OPTIONS: BuildOptions = {
  dockerfile: "Dockerfile",
  tags: [],
  target: "",
  buildArgs: new Map(),
  labels: {},
  platform: "",
  remote: "",
  cacheFrom: [],
  pull: false,
  squash: false,
  noCache: false,
  quiet: false,
  announceRemoval: true,
  networkMode: "default",
  resources: ResourcesSchema.parse({}),
  shmSizeBytes: 0,
  extraHosts: [],
  securityOptions: [],
};
