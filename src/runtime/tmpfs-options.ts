import { fail } from "../base/errors.ts";

/** What a `--mount type=tmpfs` may ask for. */
export interface TmpfsRequest {
  readonly readonly: boolean;
  /** 0 is the kernel's default, half of the memory. */
  readonly sizeBytes: number;
  /** 0 is 1777. */
  readonly mode: number;
  /** Flags, or names with values. */
  readonly options: readonly (readonly string[])[];
}

/** A request as the comma-separated text that `--tmpfs` takes. */
export function tmpfsOptionText(request: TmpfsRequest): string {
  const options = request.readonly ? ["ro"] : [];
  if (request.mode !== 0) options.push(`mode=${request.mode.toString(8)}`);
  if (request.sizeBytes !== 0) options.push(`size=${shortSize(request.sizeBytes)}`);
  options.push(...request.options.map((option) => option.join("=")));
  return options.join(",");
}

function shortSize(bytes: number): string {
  for (const [suffix, unit] of [
    ["g", 2 ** 30],
    ["m", 2 ** 20],
    ["k", 2 ** 10],
  ] as const) {
    if (bytes % unit === 0) return `${bytes / unit}${suffix}`;
  }
  return String(bytes);
}

/** Flags of mount(8) with what each decides; of two that decide the same the later counts. */
const FLAGS: Readonly<Record<string, string>> = {
  defaults: "defaults",
  ro: "write",
  rw: "write",
  suid: "suid",
  nosuid: "suid",
  dev: "dev",
  nodev: "dev",
  exec: "exec",
  noexec: "exec",
  sync: "sync",
  async: "sync",
  dirsync: "dirsync",
  mand: "mand",
  nomand: "mand",
  atime: "atime",
  noatime: "atime",
  diratime: "diratime",
  nodiratime: "diratime",
  relatime: "relatime",
  norelatime: "relatime",
  strictatime: "strictatime",
  nostrictatime: "strictatime",
  private: "propagation",
  rprivate: "propagation",
  shared: "propagation",
  rshared: "propagation",
  slave: "propagation",
  rslave: "propagation",
  unbindable: "propagation",
  runbindable: "propagation",
};

/** Options with a value, tmpfs(5). */
const VALUES = new Set(["mode", "uid", "gid", "size", "nr_inodes", "nr_blocks", "mpol"]);

const DEFAULTS = ["noexec", "nosuid", "nodev", "rprivate"];

/**
 * The mount options of a tmpfs: Docker's careful defaults, then those of the text.
 * @throws invalid `INVALID_TMPFS_OPTION` in Docker's words
 */
export function tmpfsMountOptions(text: string): string[] {
  const requested = text === "" ? [] : text.split(",");
  const bySubject = new Map<string, string>();
  for (const option of [...DEFAULTS, ...requested]) {
    const subject = subjectOf(option) ?? fail("invalid", "INVALID_TMPFS_OPTION", `invalid tmpfs option ["${option}"]`);
    bySubject.delete(subject); // keeps the place of the later one
    bySubject.set(subject, option);
  }
  return [...bySubject.values()];
}

function subjectOf(option: string): string | undefined {
  if (Object.hasOwn(FLAGS, option)) return FLAGS[option];
  const [name = "", value = ""] = option.split("=", 2);
  return VALUES.has(name) && value !== "" && !value.includes("\0") ? name : undefined;
}
