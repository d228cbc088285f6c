import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";

/**
 * Bytes that would be free again if the processes ended: the proportional set size, in which a page that several
 * processes map counts in parts (proc_pid_smaps(5)).
 */
export function memoryOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + proportionalBytes(pid), 0);
}

/**
 * Processes of a program whose arguments mention a text, such as a directory of the engine's. The program's name is what
 * they were called by, for the file may be sealed in memory or replaced.
 */
export function processesOf(program: string, mentioning: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => runs(pid, program) && argumentsOf(pid).some((word) => word.includes(mentioning)));
}

/** A process and all that it started, as long as they have not left it. */
export function familyOf(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
  return [pid, ...children.flatMap(familyOf)];
}

function proportionalBytes(pid: number): number {
  const kilobytes = read(`/proc/${pid}/smaps_rollup`).match(/^Pss:\s+(\d+) kB$/m)?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

/** Whether a process runs a program whose name begins so: versions follow. */
export function runs(pid: number, program: string): boolean {
  return basename(argumentsOf(pid)[0] ?? "").startsWith(program);
}

function argumentsOf(pid: number): string[] {
  return read(`/proc/${pid}/cmdline`).split("\0");
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it ended meanwhile
  }
}
