import { join } from "node:path";
import type { Duplex } from "node:stream";
import { createGrpcServer } from "../../grpc/server.ts";
import { Builds } from "./builds.ts";
import { controlRoutes } from "./control-service.ts";
import type { DoorParts, DoorState } from "./door-state.ts";
import { errorDetails } from "./error-details.ts";
import { gatewayRoutes } from "./gateway-service.ts";
import { LocalDirectories } from "./local-directories.ts";
import { Sessions } from "./sessions.ts";
import { Uploads } from "./uploads.ts";

export interface Door extends DoorState {
  /** Serves BuildKit's calls on a connection that speaks HTTP/2 from its first byte. */
  readonly serve: (connection: Duplex) => void;
}

/** BuildKit's protocol: made with its first use, one for each engine. */
export function openDoor(parts: DoorParts): Door {
  const state: DoorState = {
    parts,
    sessions: new Sessions(),
    builds: new Builds(),
    directories: new LocalDirectories(join(parts.root, "build-contexts"), parts.temporary),
    uploads: new Uploads(),
  };
  const serve = createGrpcServer([...controlRoutes(state), ...gatewayRoutes(state)], {
    detailsOf: errorDetails,
    onError: (method, error) => parts.log("info", "a build client's call failed", { method, error }),
  });
  return { ...state, serve };
}
