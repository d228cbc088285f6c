import { LighterError, messageOf } from "../base/errors.ts";
import { ENGINE_REFUSED } from "../client/api.ts";

/** The engine's own words are marked as such, as Docker marks its daemon's. */
export function describeFailure(error: unknown): string {
  return isEngineRefusal(error) ? `Error response from daemon: ${messageOf(error)}` : messageOf(error);
}

/** Whether the engine has answered, with a no. */
export function isEngineRefusal(error: unknown): boolean {
  return error instanceof LighterError && error.code === ENGINE_REFUSED;
}
