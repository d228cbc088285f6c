import { LighterError, messageOf } from "../base/errors.ts";
import { ENGINE_REFUSED } from "../client/api.ts";

/** The engine's own words are marked as such, as Docker marks its daemon's. */
export function describeFailure(error: unknown): string {
  const refused = error instanceof LighterError && error.code === ENGINE_REFUSED;
  return refused ? `Error response from daemon: ${error.message}` : messageOf(error);
}
