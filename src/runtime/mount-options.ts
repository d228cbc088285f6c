import { constants } from "node:os";

/** mount_setattr(2)'s attributes; the numbers are the kernel's (include/uapi/linux/mount.h). */
const ATTRIBUTES = {
  RDONLY: 0x1,
  NOSUID: 0x2,
  NODEV: 0x4,
  NOEXEC: 0x8,
  ATIME_MASK: 0x70,
  NOATIME: 0x10,
  STRICTATIME: 0x20,
  NODIRATIME: 0x80,
  NOSYMFOLLOW: 0x200000,
} as const;

const MS_REC = 1 << 14;
const PROPAGATION: Readonly<Record<string, number>> = {
  unbindable: 1 << 17,
  private: 1 << 18,
  slave: 1 << 19,
  shared: 1 << 20,
};

/**
 * Options of mount(8) that decide an attribute: what each sets and what it clears first. Times of access are one field, of
 * which mount_setattr(2) wants all cleared where any is set.
 */
const FLAGS: Readonly<Record<string, { readonly set?: number; readonly clear?: number }>> = {
  defaults: {},
  ro: { set: ATTRIBUTES.RDONLY },
  rw: { clear: ATTRIBUTES.RDONLY },
  nosuid: { set: ATTRIBUTES.NOSUID },
  suid: { clear: ATTRIBUTES.NOSUID },
  nodev: { set: ATTRIBUTES.NODEV },
  dev: { clear: ATTRIBUTES.NODEV },
  noexec: { set: ATTRIBUTES.NOEXEC },
  exec: { clear: ATTRIBUTES.NOEXEC },
  noatime: { set: ATTRIBUTES.NOATIME, clear: ATTRIBUTES.ATIME_MASK },
  relatime: { clear: ATTRIBUTES.ATIME_MASK },
  strictatime: { set: ATTRIBUTES.STRICTATIME, clear: ATTRIBUTES.ATIME_MASK },
  atime: { clear: ATTRIBUTES.ATIME_MASK },
  nodiratime: { set: ATTRIBUTES.NODIRATIME },
  diratime: { clear: ATTRIBUTES.NODIRATIME },
  nosymfollow: { set: ATTRIBUTES.NOSYMFOLLOW },
  symfollow: { clear: ATTRIBUTES.NOSYMFOLLOW },
  // The superblock's, which a container's mounts leave as they are.
  sync: {},
  async: {},
  silent: {},
  loud: {},
  mand: {},
  nomand: {},
};

export interface MountOptions {
  readonly set: number;
  readonly clear: number;
  /** Set on the mount and on all below it. */
  readonly recursiveSet: number;
  /** MS_* of mount(2), 0: as it is. */
  readonly propagation: number;
  readonly bind: "none" | "single" | "recursive";
  /** What is no flag, for the file system. */
  readonly data: string;
}

/** The runtime specification's mount options (config.md, "Linux mount options") as the kernel's numbers; the later counts. */
export function parseMountOptions(options: readonly string[]): MountOptions {
  let set = 0;
  let clear = 0;
  let recursiveSet = 0;
  let propagation = 0;
  let bind: MountOptions["bind"] = "none";
  const data: string[] = [];
  for (const option of options) {
    const flag = FLAGS[option];
    const recursive = option.startsWith("r") ? option.slice(1) : "";
    if (flag) {
      set = (set & ~(flag.clear ?? 0)) | (flag.set ?? 0);
      clear = (clear & ~(flag.set ?? 0)) | (flag.clear ?? 0);
    } else if (PROPAGATION[option]) propagation = PROPAGATION[option];
    else if (PROPAGATION[recursive]) propagation = PROPAGATION[recursive] | MS_REC;
    else if (option === "bind") bind = "single";
    else if (option === "rbind") bind = "recursive";
    else if (FLAGS[recursive]?.set) recursiveSet |= FLAGS[recursive].set;
    else data.push(option);
  }
  return { set, clear, recursiveSet, propagation, bind, data: data.join(",") };
}

/** The root's propagation in either spelling: `slave` and `rslave` both mean the whole tree. */
export function parsePropagation(name: string | undefined): number {
  const single = name?.replace(/^r(?=private|slave|shared|unbindable)/, "");
  return single && PROPAGATION[single] ? PROPAGATION[single] | MS_REC : 0;
}

/** The name of an errno, for branching on it: 2 is `ENOENT`. */
export function errnoName(number: number): string {
  return Object.entries(constants.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
}
