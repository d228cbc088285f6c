import { readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join, relative } from "node:path";
import { errnoOf } from "../base/errors.ts";

/**
 * Where the kernel's control groups are on this machine (cgroups(7)). Version 1 has a tree for each controller, version 2
 * one for all; a hybrid has both, and then the controllers decide: what is mounted as v1 cannot be used through v2.
 */
export interface CgroupLayout {
  /** The version through which limits are set. */
  readonly version: 1 | 2;
  /**
   * The directory of each controller's tree under which containers' groups are made. On v2 all controllers lead to the
   * same directory. `unified` is the v2 tree, wherever there is one, and `systemd` the v1 tree without a controller.
   */
  readonly trees: ReadonlyMap<string, string>;
}

/** One value for one file of a container's group. On v2 the controller is {@link UNIFIED}. */
export interface CgroupWrite {
  readonly controller: string;
  readonly file: string;
  readonly value: string;
}

export const UNIFIED = "unified";

/** The layout of this machine, or of the files' texts in a test. */
export function readCgroupLayout(
  mountinfo: string = readFileSync("/proc/self/mountinfo", "utf8"),
  v2Controllers: (directory: string) => string = (directory) =>
    readFileSync(join(directory, "cgroup.controllers"), "utf8"),
): CgroupLayout {
  const mounts = parseCgroupMounts(mountinfo);
  const trees = new Map<string, string>();
  for (const mount of mounts) {
    for (const controller of mount.controllers) {
      if (!trees.has(controller)) trees.set(controller, mount.directory);
    }
  }
  const hasV1 = [...trees.keys()].some((name) => name !== UNIFIED && name !== "systemd");
  const unified = trees.get(UNIFIED);
  if (hasV1 || unified === undefined) return { version: 1, trees };
  for (const controller of v2Controllers(unified).split(/\s+/)) {
    if (controller) trees.set(controller, unified);
  }
  // Not listed as controllers, yet every v2 group has them (kernel 5.2 for freezing; devices are an eBPF program).
  trees.set("freezer", unified);
  trees.set("devices", unified);
  return { version: 2, trees };
}

interface CgroupMount {
  readonly directory: string;
  readonly controllers: readonly string[];
}

/** The cgroup lines of proc_pid_mountinfo(5); a later mount on the same place hides an earlier one and is listed after it. */
function parseCgroupMounts(mountinfo: string): CgroupMount[] {
  const byDirectory = new Map<string, CgroupMount>();
  for (const line of mountinfo.split("\n")) {
    const [mount, source] = line.split(" - ");
    const directory = unescapeMountPath(mount?.split(" ")[4] ?? "");
    const [type, , superOptions = ""] = source?.split(" ") ?? [];
    if (!directory) continue;
    if (type === "cgroup2") byDirectory.set(directory, { directory, controllers: [UNIFIED] });
    else if (type === "cgroup") byDirectory.set(directory, { directory, controllers: v1Controllers(superOptions) });
  }
  return [...byDirectory.values()];
}

/** Mount options that a v1 tree has beside its controllers' names. */
const NOT_CONTROLLERS = new Set(["rw", "ro", "xattr", "clone_children", "cpuset_v2_mode", "noprefix", "none"]);

function v1Controllers(superOptions: string): string[] {
  return superOptions
    .split(",")
    .filter((option) => !NOT_CONTROLLERS.has(option) && !option.startsWith("release_agent="))
    .map((option) => option.replace(/^name=/, ""));
}

/** Blanks and backslashes stand in octal there. */
function unescapeMountPath(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/**
 * A container's directory in a controller's tree, or undefined where the machine lacks the controller.
 * @param cgroupPath the group's path from the trees' top, as the shim reports it
 */
export function cgroupDirectory(layout: CgroupLayout, controller: string, cgroupPath: string): string | undefined {
  const tree = layout.trees.get(controller);
  if (tree === undefined) return undefined;
  const directory = join(tree, cgroupPath);
  // A path that leaves the tree is a bug of ours or a forged message; such a group is nobody's container.
  return relative(tree, directory).startsWith("..") ? undefined : directory;
}

/** Trees in which every process of a container is, the surest first. */
const PROCESS_TREES = [UNIFIED, "pids", "freezer", "memory", "devices", "cpu", "systemd"];

/** The host's pids of a container's processes, those in groups that the container made for itself too. */
export function pidsIn(layout: CgroupLayout, cgroupPath: string): number[] {
  const usable = layout.version === 2 ? PROCESS_TREES : PROCESS_TREES.filter((name) => name !== UNIFIED);
  const controller = usable.find((name) => layout.trees.has(name));
  const directory = controller && cgroupDirectory(layout, controller, cgroupPath);
  return directory ? pidsBelow(directory) : [];
}

function pidsBelow(directory: string): number[] {
  try {
    const own = readFileSync(join(directory, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
    const children = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [...own, ...children.flatMap((child) => pidsBelow(join(directory, child.name)))];
  } catch (error) {
    // The group went away with its last process: nobody is in it.
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENODEV") return [];
    throw error;
  }
}

/** Removes what a shim that was killed left of its container's groups, once no process is in them. Missing ones are fine. */
export function removeCgroup(layout: CgroupLayout, cgroupPath: string): void {
  for (const tree of new Set(layout.trees.values())) {
    try {
      rmdirSync(join(tree, cgroupPath));
    } catch (error) {
      // EBUSY: its processes are still ending. The group is empty then, and costs a directory.
      if (errnoOf(error) !== "ENOENT" && errnoOf(error) !== "EBUSY") throw error;
    }
  }
}
