import { once } from "node:events";
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, unlinkSync } from "node:fs";
import type { Server } from "node:http";
import { dirname } from "node:path";
import { errnoOf, fail, messageOf } from "../base/errors.ts";

/** sun_path without its final zero (unix(7)). */
const MAX_SOCKET_PATH_BYTES = 107;
/** Docker's; where there is none, the socket is root's alone. */
const DEFAULT_GROUP = "docker";

/**
 * Makes a server listen at a path, for root and a group. The socket is bound under
 * another name and renamed when it listens and its rights are set: whoever sees the name can connect, and a dead engine's
 * socket is replaced in one step. Only the holder of the root's lock may call this.
 * @param group name or number; undefined: `docker`, or root's where there is none
 * @returns how to remove the name again
 * @throws invalid `SOCKET_PATH_TOO_LONG`, `NO_SUCH_GROUP`; unavailable `CANNOT_LISTEN`
 */
export async function listenOnUnixSocket(server: Server, path: string, group?: string): Promise<() => void> {
  const gid = group === undefined ? (groupId(DEFAULT_GROUP) ?? 0) : requireGroup(group);
  const temporary = `${path}.${process.pid}`;
  if (Buffer.byteLength(temporary) > MAX_SOCKET_PATH_BYTES) {
    fail("invalid", "SOCKET_PATH_TOO_LONG", `the socket's path is too long for the system: ${path}: use a shorter one`);
  }
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    removeIfThere(temporary);
    server.listen(temporary);
    await once(server, "listening");
    chownSync(temporary, 0, gid);
    chmodSync(temporary, 0o660);
    renameSync(temporary, path);
  } catch (cause) {
    server.close();
    fail("unavailable", "CANNOT_LISTEN", `cannot listen at ${path}: ${messageOf(cause)}`, { cause });
  }
  return () => removeIfThere(path);
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
}

function requireGroup(group: string): number {
  if (/^\d{1,9}$/.test(group)) return Number(group);
  return groupId(group) ?? fail("invalid", "NO_SUCH_GROUP", `there is no group ${group}: make it, or name another`);
}

/** From /etc/group (group(5)), which a small system may not have. */
function groupId(name: string): number | null {
  if (!existsSync("/etc/group")) return null;
  const line = readFileSync("/etc/group", "utf8")
    .split("\n")
    .find((entry) => entry.startsWith(`${name}:`));
  return line === undefined ? null : Number(line.split(":")[2]);
}
