import type { Log } from "../../base/log.ts";
import type { BuiltImage, DockerfileRequest } from "../dockerfile-request.ts";
import type { Solved, SolveRequest } from "../graph/solver.ts";
import type { CacheDocument, PruneOptions } from "../prune.ts";
import type { Builds } from "./builds.ts";
import type { ExportParts } from "./export-result.ts";
import type { Checked } from "./lint.ts";
import type { LocalDirectories } from "./local-directories.ts";
import type { Sessions } from "./sessions.ts";
import type { Uploads } from "./uploads.ts";

/** What BuildKit's protocol needs of the builder and the engine. */
export interface DoorParts extends ExportParts {
  readonly buildDockerfile: (request: DockerfileRequest) => Promise<BuiltImage>;
  /** Reads and checks a Dockerfile; nothing is built. */
  readonly checkDockerfile: (request: DockerfileRequest) => Promise<Checked>;
  readonly solve: (request: SolveRequest) => Promise<Solved>;
  readonly listCache: () => Promise<CacheDocument[]>;
  readonly pruneCache: (options: PruneOptions) => Promise<{ readonly ids: readonly string[] }>;
  /** Directory of all that the engine keeps. */
  readonly root: string;
  /** Directory for sockets. */
  readonly run: string;
  readonly log: Log;
}

/** What the calls of all clients of an engine share. */
export interface DoorState {
  readonly parts: DoorParts;
  readonly sessions: Sessions;
  readonly builds: Builds;
  readonly directories: LocalDirectories;
  readonly uploads: Uploads;
}
