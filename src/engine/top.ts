import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { fail, messageOf } from "../base/errors.ts";
import { pidsIn } from "../runtime/cgroup.ts";
import type { EngineParts } from "./engine-parts.ts";
import { requireRunning } from "./require-running.ts";

const run = promisify(execFile);

/**
 * The processes of a container as the host's ps(1) shows them.
 * @param psArguments as `docker top` takes them; "" is `-ef`.
 * @throws conflict where it does not run; invalid where ps refuses or leaves the PID column out.
 */
export async function containerProcesses(parts: EngineParts, reference: string, psArguments: string) {
  const record = parts.containers.resolve(reference);
  const state = requireRunning(record);
  const args = psArguments === "" ? ["-ef"] : psArguments.split(/\s+/).filter(Boolean);
  // ps reads only what it is told: an argument that names a file for it to write is none of its options.
  if (args.some((argument) => !/^[\w,=:%+-]+$/.test(argument))) {
    fail("invalid", "PS_ARGUMENTS", `ps arguments may only have letters, digits and ,=:%+-: ${psArguments}`);
  }
  const pids = new Set(pidsIn(parts.cgroups, state.cgroupPath));
  // The shim's own process in the container's groups is none of the container's.
  pids.delete(parts.live.get(record.id)?.keeperPid ?? 0);
  // Without -q, `-o pid,args` selects those of the engine's terminal alone. Some options, such as f, refuse it.
  const output = await run("ps", [...args, `-q${[...pids].join(",")}`])
    .catch(() => run("ps", args))
    .catch((error) => fail("invalid", "PS_FAILED", `Error running ps: ${messageOf(error)}`));
  return selectProcesses(output.stdout, pids);
}

/** Picks the lines of ps whose PID is one of ours; the last column keeps its spaces. */
export function selectProcesses(output: string, pids: ReadonlySet<number>) {
  const [header = "", ...lines] = output.trimEnd().split("\n");
  const titles = header.trim().split(/\s+/);
  const pidColumn = titles.indexOf("PID");
  if (pidColumn < 0) fail("invalid", "PS_NO_PID", "Couldn't find PID field in ps output");
  const processes = lines
    .map((line) => splitColumns(line, titles.length))
    .filter((columns) => pids.has(Number(columns[pidColumn])));
  return { Titles: titles, Processes: processes };
}

function splitColumns(line: string, count: number): string[] {
  const words = line.trim().split(/\s+/);
  return [...words.slice(0, count - 1), words.slice(count - 1).join(" ")];
}
