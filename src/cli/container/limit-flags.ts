import type { RestartPolicy, Ulimit } from "../../client/container-documents.ts";

/** setrlimit(2)'s resources, in the names of Docker's `--ulimit`. */
const RESOURCES = new Set([
  "as",
  "core",
  "cpu",
  "data",
  "fsize",
  "locks",
  "memlock",
  "msgqueue",
  "nice",
  "nofile",
  "nproc",
  "rss",
  "rtprio",
  "rttime",
  "sigpending",
  "stack",
]);

/** Reads `--ulimit name=soft[:hard]`. */
export function parseUlimit(text: string): Ulimit {
  const [, name, soft, hard = soft] = /^([^=]+)=(-?\d+)(?::(-?\d+))?$/.exec(text) ?? [];
  if (name === undefined) throw new Error(`invalid ulimit argument: ${text}`);
  if (!RESOURCES.has(name)) throw new Error(`invalid ulimit type: ${name}`);
  const Soft = Number(soft);
  const Hard = Number(hard);
  if (Hard >= 0 && (Soft > Hard || Soft < 0)) {
    throw new Error(`ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`);
  }
  return { Name: name, Soft, Hard };
}

/** Reads `--cpus 1.5` as billionths of a CPU. */
export function parseCpus(text: string): number {
  if (!/^\d*\.?\d+$|^\d+\.$/.test(text)) throw new Error(`failed to parse ${text} as a rational number`);
  const nanoCpus = Math.round(Number(text) * 1e9);
  if (Math.abs(nanoCpus - Number(text) * 1e9) > 1e-3) throw new Error("value is too precise");
  return nanoCpus;
}

/** Reads `--restart on-failure:3`; the engine decides which names exist. */
export function parseRestartPolicy(text: string): RestartPolicy {
  const [Name = "", count, ...rest] = text.split(":");
  if (count === undefined) return { Name };
  if (rest.length > 0) throw new Error("invalid restart policy format: too many colons");
  if (Name === "") throw new Error("invalid restart policy format: no policy provided before colon");
  if (!/^-?\d+$/.test(count)) throw new Error("invalid restart policy format: maximum retry count must be an integer");
  return { Name, MaximumRetryCount: Number(count) };
}
