import { readFileSync } from "node:fs";
import { fail } from "../base/errors.ts";
import type { Rlimit } from "./oci-spec.ts";

/** In the Engine API's names; -1 is unlimited. */
export interface Ulimit {
  readonly Name: string;
  readonly Soft: number;
  readonly Hard: number;
}

export const UNLIMITED = -1;

/** getrlimit(2) in the words of `--ulimit`, with the line of proc_pid_limits(5) that shows each. */
const LIMITS_LINE: Readonly<Record<string, string>> = {
  core: "Max core file size",
  cpu: "Max cpu time",
  data: "Max data size",
  fsize: "Max file size",
  locks: "Max file locks",
  memlock: "Max locked memory",
  msgqueue: "Max msgqueue size",
  nice: "Max nice priority",
  nofile: "Max open files",
  nproc: "Max processes",
  rss: "Max resident set",
  rtprio: "Max realtime priority",
  rttime: "Max realtime timeout",
  sigpending: "Max pending signals",
  stack: "Max stack size",
};

/**
 * The resource limits of a container's processes. Of two with one name the later counts.
 * @throws invalid `INVALID_ULIMIT`
 */
export function rlimitsOf(ulimits: readonly Ulimit[]): Rlimit[] {
  const byType = new Map<string, Rlimit>();
  for (const { Name: name, Soft: soft, Hard: hard } of ulimits) {
    if (!Object.hasOwn(LIMITS_LINE, name)) fail("invalid", "INVALID_ULIMIT", `invalid ulimit type: ${name}`);
    if (hard !== UNLIMITED && (soft === UNLIMITED || soft > hard)) {
      fail(
        "invalid",
        "INVALID_ULIMIT",
        `ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`,
      );
    }
    const type = `RLIMIT_${name.toUpperCase()}`;
    byType.set(type, { type, soft, hard });
  }
  return [...byType.values()];
}

/** This process's hard limits by `RLIMIT_` name, which its children cannot raise without CAP_SYS_RESOURCE. */
export function readHardLimits(
  limits: string = readFileSync("/proc/self/limits", "utf8"),
): ReadonlyMap<string, number> {
  return new Map(
    Object.entries(LIMITS_LINE).map(([name, title]) => {
      const [, hard = "unlimited"] = (limits.split("\n").find((line) => line.startsWith(title)) ?? "")
        .slice(title.length)
        .trim()
        .split(/\s+/);
      return [`RLIMIT_${name.toUpperCase()}`, hard === "unlimited" ? UNLIMITED : Number(hard)];
    }),
  );
}

/** Lowers what the machine would refuse to its own hard limit; each lowered one is a warning. */
export function limitToHost(
  rlimits: readonly Rlimit[],
  hardLimits: ReadonlyMap<string, number>,
): { rlimits: Rlimit[]; warnings: string[] } {
  const warnings: string[] = [];
  const lowered = rlimits.map((rlimit) => {
    const ceiling = hardLimits.get(rlimit.type) ?? UNLIMITED;
    if (isAtMost(rlimit.hard, ceiling)) return rlimit;
    warnings.push(
      `${rlimit.type} of ${showLimit(rlimit.hard)} is more than the ${showLimit(ceiling)} that this machine lets Lighter set (no CAP_SYS_RESOURCE). Limited to ${showLimit(ceiling)}.`,
    );
    return { type: rlimit.type, soft: isAtMost(rlimit.soft, ceiling) ? rlimit.soft : ceiling, hard: ceiling };
  });
  return { rlimits: lowered, warnings };
}

function isAtMost(limit: number, ceiling: number): boolean {
  return ceiling === UNLIMITED || (limit !== UNLIMITED && limit <= ceiling);
}

function showLimit(limit: number): string {
  return limit === UNLIMITED ? "unlimited" : String(limit);
}
