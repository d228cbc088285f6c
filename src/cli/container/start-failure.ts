import { messageOf } from "../../base/errors.ts";
import { isEngineRefusal } from "../describe-failure.ts";

/**
 * The exit status of a container that could not be started: 127 for a command that is not there, 126 for one that may
 * not be run, 125 for the rest, as for what this command itself refuses. The Engine API has only a text to tell these apart, and Docker's CLI does the same.
 */
export function startFailureStatus(error: unknown): number {
  if (!isEngineRefusal(error)) return 125;
  const message = messageOf(error);
  if (/executable file not found|no such file or directory|system cannot find the file/.test(message)) return 127;
  if (/permission denied|is a directory/.test(message)) return 126;
  return 125;
}
