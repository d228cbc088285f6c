import { fail } from "../base/errors.ts";
import type { HostConfig } from "./container-config.ts";

/**
 * Refuses what only a driver could give that is not here: GPUs and other requested devices, sizes of root file systems.
 * @throws invalid `NO_DRIVER` in Docker's words.
 */
export function requireDrivers({ DeviceRequests: requests, StorageOpt: storage }: HostConfig): void {
  for (const { Driver: driver, Capabilities: capabilities } of requests ?? []) {
    // As Go prints a list of lists.
    const listed = (capabilities ?? []).map((words) => `[${words.join(" ")}]`).join(" ");
    refuse(`could not select device driver "${driver}" with capabilities: [${listed}]`);
  }
  for (const option of Object.keys(storage)) {
    if (option !== "size") refuse(`Unknown option ${option}`);
    refuse("--storage-opt is supported only for overlay over xfs with 'pquota' mount option");
  }
}

function refuse(message: string): never {
  return fail("invalid", "NO_DRIVER", message);
}
