import { fail } from "../base/errors.ts";
import type { HostConfig } from "./container-config.ts";

/**
 * Refuses what is no mode of a namespace, and runtimes that are not there: taken for the default, a mistyped mode would
 * give a container another isolation than was asked for.
 * @throws invalid in Docker's words.
 */
export function requireModes(hostConfig: HostConfig): void {
  const { PidMode, IpcMode, UTSMode, CgroupnsMode, UsernsMode, Isolation, Runtime } = hostConfig;
  requireMode("PID", PidMode, ["host"], true);
  requireMode("IPC", IpcMode, ["none", "host", "private", "shareable"], true);
  requireMode("UTS", UTSMode, ["host"]);
  requireMode("cgroup namespace", CgroupnsMode, ["host", "private"]);
  requireMode("userns", UsernsMode, ["host"]);
  requireMode("isolation", Isolation, ["default"]);
  // Docker's own default is named in many a script and compose file.
  if (!["", "lighter", "runc"].includes(Runtime)) {
    fail("invalid", "UNKNOWN_RUNTIME", `unknown or invalid runtime name: ${Runtime}`);
  }
}

/** Whose namespace a mode of `container:<name or id>` joins; null for all other modes. */
export function joinedContainer(mode: string): string | null {
  return /^container:(.+)$/.exec(mode)?.[1] ?? null;
}

function requireMode(kind: string, mode: string, known: readonly string[], joins = false): void {
  if (mode === "" || known.includes(mode) || (joins && joinedContainer(mode) !== null)) return;
  fail("invalid", "INVALID_MODE", `invalid ${kind} mode: ${mode}`);
}
