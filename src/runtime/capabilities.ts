import { readFileSync } from "node:fs";
import { fail } from "../base/errors.ts";

/** capabilities(7), each at the place of its number. */
const NAMES = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_DAC_READ_SEARCH",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_LINUX_IMMUTABLE",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_BROADCAST",
  "CAP_NET_ADMIN",
  "CAP_NET_RAW",
  "CAP_IPC_LOCK",
  "CAP_IPC_OWNER",
  "CAP_SYS_MODULE",
  "CAP_SYS_RAWIO",
  "CAP_SYS_CHROOT",
  "CAP_SYS_PTRACE",
  "CAP_SYS_PACCT",
  "CAP_SYS_ADMIN",
  "CAP_SYS_BOOT",
  "CAP_SYS_NICE",
  "CAP_SYS_RESOURCE",
  "CAP_SYS_TIME",
  "CAP_SYS_TTY_CONFIG",
  "CAP_MKNOD",
  "CAP_LEASE",
  "CAP_AUDIT_WRITE",
  "CAP_AUDIT_CONTROL",
  "CAP_SETFCAP",
  "CAP_MAC_OVERRIDE",
  "CAP_MAC_ADMIN",
  "CAP_SYSLOG",
  "CAP_WAKE_ALARM",
  "CAP_BLOCK_SUSPEND",
  "CAP_AUDIT_READ",
  "CAP_PERFMON",
  "CAP_BPF",
  "CAP_CHECKPOINT_RESTORE",
] as const;

export type Capability = (typeof NAMES)[number];

export const CAPABILITY_NUMBERS: ReadonlyMap<string, number> = new Map(NAMES.map((name, number) => [name, number]));

/** What a container gets that asks for nothing: Docker's fourteen. */
export const DEFAULT_CAPABILITIES: readonly Capability[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_RAW",
  "CAP_SYS_CHROOT",
  "CAP_MKNOD",
  "CAP_AUDIT_WRITE",
  "CAP_SETFCAP",
];

const ALL = "ALL";

/** What this process may hand on: its bounding set (proc_pid_status(5)), which a virtual machine or a service may have cut. */
export function readBoundingSet(status: string = readFileSync("/proc/self/status", "utf8")): ReadonlySet<Capability> {
  const mask = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return new Set(NAMES.filter((_, number) => (mask >> BigInt(number)) & 1n));
}

/**
 * The names as Docker stores and shows them: capitals with `CAP_`, `ALL` alone without it.
 * @throws invalid `UNKNOWN_CAPABILITY`
 */
export function normalizeCapabilities(names: readonly string[], field: "CapAdd" | "CapDrop"): string[] {
  return names.map((name) => {
    const capitals = name.toUpperCase();
    if (capitals === ALL) return ALL;
    const full = capitals.startsWith("CAP_") ? capitals : `CAP_${capitals}`;
    if (!CAPABILITY_NUMBERS.has(full)) {
      fail("invalid", "UNKNOWN_CAPABILITY", `invalid ${field}: unknown capability: "${full}"`);
    }
    return full;
  });
}

/**
 * The capabilities of a container, in the order of their numbers. `ALL` to add means all that the host has but
 * the dropped ones, `ALL` to drop leaves only those added by name; one that is both added and dropped by name is added.
 * @param available the host's bounding set; what it lacks is left out unless it was asked for by name
 * @throws invalid `UNKNOWN_CAPABILITY`, `CAPABILITY_UNAVAILABLE`
 */
export function containerCapabilities(
  request: { readonly privileged: boolean; readonly add: readonly string[]; readonly drop: readonly string[] },
  available: ReadonlySet<Capability>,
): Capability[] {
  if (request.privileged) return NAMES.filter((name) => available.has(name));
  const add = new Set(normalizeCapabilities(request.add, "CapAdd"));
  const drop = new Set(normalizeCapabilities(request.drop, "CapDrop"));
  const missing = NAMES.find((name) => add.has(name) && !available.has(name));
  if (missing) {
    fail(
      "invalid",
      "CAPABILITY_UNAVAILABLE",
      `invalid CapAdd: capability not supported by your kernel or not available in the current environment: "${missing}"`,
    );
  }
  const granted = (name: Capability): boolean => {
    if (add.has(ALL)) return !drop.has(name);
    if (drop.has(ALL)) return add.has(name);
    return add.has(name) || (DEFAULT_CAPABILITIES.includes(name) && !drop.has(name));
  };
  return NAMES.filter((name) => available.has(name) && granted(name));
}
