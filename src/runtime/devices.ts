import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf, fail } from "../base/errors.ts";
import type { Device, DeviceRule } from "./oci-spec.ts";

/** `--device`, in the Engine API's names. */
export interface DeviceMapping {
  readonly PathOnHost: string;
  readonly PathInContainer: string;
  readonly CgroupPermissions: string;
}

/** Nodes to make and what the container's processes may do with which. */
export interface ContainerDevices {
  readonly nodes: readonly Device[];
  /** After {@link DEFAULT_DEVICE_RULES}. */
  readonly rules: readonly DeviceRule[];
}

export const NO_DEVICES: ContainerDevices = { nodes: [], rules: [] };

const ALL_ACCESS = "rwm";

const characterDevice = (major: number, minor?: number): DeviceRule => ({
  allow: true,
  type: "c",
  major,
  minor,
  access: ALL_ACCESS,
});

/** Everything is denied but making nodes and the devices that every container has (OCI runtime spec, "Default Devices"). */
export const DEFAULT_DEVICE_RULES: readonly DeviceRule[] = [
  { allow: false, type: "a", access: ALL_ACCESS },
  { allow: true, type: "c", access: "m" },
  { allow: true, type: "b", access: "m" },
  characterDevice(1, 3), // null
  characterDevice(1, 5), // zero
  characterDevice(1, 7), // full
  characterDevice(1, 8), // random
  characterDevice(1, 9), // urandom
  characterDevice(5, 0), // tty
  characterDevice(5, 1), // console
  characterDevice(5, 2), // ptmx
  characterDevice(136), // pts/*
];

export const ALLOW_ALL_DEVICES: readonly DeviceRule[] = [{ allow: true, type: "a", access: ALL_ACCESS }];

/**
 * Finds the devices that a container is to have. A directory on the host means all devices in it, as in Docker.
 * Privileged containers get every device of the host, and mappings only under other names.
 * @throws invalid `INVALID_DEVICE`, naming the device
 */
export async function resolveDevices(request: {
  readonly privileged: boolean;
  readonly mappings: readonly DeviceMapping[];
  readonly cgroupRules: readonly string[];
}): Promise<ContainerDevices> {
  if (request.privileged) {
    const renamed = request.mappings.filter((mapping) => mapping.PathOnHost !== mapping.PathInContainer);
    const mapped = await Promise.all(renamed.map(mappedDevices));
    return { nodes: [...(await hostDevices()), ...mapped.flat()], rules: [] };
  }
  const perMapping = await Promise.all(
    request.mappings.map(async (mapping) => {
      const access = parseAccess(mapping.CgroupPermissions || ALL_ACCESS);
      const nodes = await mappedDevices(mapping);
      return { nodes, rules: nodes.map((node) => ruleFor(node, access)) };
    }),
  );
  return {
    nodes: perMapping.flatMap(({ nodes }) => nodes),
    rules: [...perMapping.flatMap(({ rules }) => rules), ...request.cgroupRules.map(parseDeviceRule)],
  };
}

function parseAccess(text: string): string {
  if (!/^[rwm]{1,3}$/.test(text) || new Set(text).size !== text.length) {
    fail("invalid", "INVALID_DEVICE", `bad mode specified: ${text}`);
  }
  return text;
}

function ruleFor(node: Device, access: string): DeviceRule {
  return { allow: true, type: node.type === "b" ? "b" : "c", major: node.major, minor: node.minor, access };
}

/** A line as `--device-cgroup-rule` takes it: `c 42:* rwm`. @throws invalid `INVALID_DEVICE_RULE` */
export function parseDeviceRule(text: string): DeviceRule {
  const match = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text);
  const [, type, major, minor, access = ""] = match ?? [];
  if (type !== "a" && type !== "b" && type !== "c") {
    fail("invalid", "INVALID_DEVICE_RULE", `invalid device cgroup rule format: '${text}'`);
  }
  return { allow: true, type, major: deviceNumber(major, text), minor: deviceNumber(minor, text), access };
}

function deviceNumber(digits: string | undefined, rule: string): number | undefined {
  if (digits === undefined || digits === "*") return undefined;
  const number = Number(digits);
  if (number > 0xffffffff) fail("invalid", "INVALID_DEVICE_RULE", `invalid device cgroup rule format: '${rule}'`);
  return number;
}

async function mappedDevices(mapping: DeviceMapping): Promise<Device[]> {
  const target = mapping.PathInContainer || mapping.PathOnHost;
  try {
    const source = await realpath(mapping.PathOnHost);
    const device = await deviceAt(source, target);
    if (device) return [device];
    const inside = await devicesBelow(source, target);
    if (inside.length > 0) return inside;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") failDevice(mapping.PathOnHost, "no such file or directory", error);
    if (errnoOf(error) !== "ENOTDIR") failDevice(mapping.PathOnHost, errnoOf(error) ?? "unknown error", error);
  }
  return failDevice(mapping.PathOnHost, "not a device node");
}

function failDevice(path: string, reason: string, cause?: unknown): never {
  return fail(
    "invalid",
    "INVALID_DEVICE",
    `error gathering device information while adding custom device "${path}": ${reason}`,
    { cause },
  );
}

/** What lies in /dev without being the host's own: containers make these themselves, or they belong to other programs. */
const NOT_FOR_CONTAINERS = new Set(["pts", "shm", "fd", "mqueue", "console", ".lxc", ".lxd-mounts", ".udev"]);

/** Every device node below /dev, for privileged containers. */
export function hostDevices(): Promise<Device[]> {
  return devicesBelow("/dev", "/dev");
}

async function devicesBelow(source: string, target: string): Promise<Device[]> {
  const entries = await readdir(source, { withFileTypes: true });
  const found = await Promise.all(
    entries
      .filter((entry) => !NOT_FOR_CONTAINERS.has(entry.name))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(async (entry) => {
        const from = join(source, entry.name);
        const to = join(target, entry.name);
        if (entry.isDirectory()) return devicesBelow(from, to);
        if (!entry.isBlockDevice() && !entry.isCharacterDevice()) return [];
        const device = await deviceAt(from, to);
        return device ? [device] : [];
      }),
  );
  return found.flat();
}

/** The node to make at `target` for the device at `source`; undefined if that is no device, or went away just now. */
async function deviceAt(source: string, target: string): Promise<Device | undefined> {
  const found = await stat(source, { bigint: true });
  if (!found.isBlockDevice() && !found.isCharacterDevice()) return undefined;
  return {
    path: target,
    type: found.isBlockDevice() ? "b" : "c",
    ...splitDeviceNumber(found.rdev),
    fileMode: Number(found.mode) & 0o777,
    uid: Number(found.uid),
    gid: Number(found.gid),
  };
}

/** The encoding of makedev(3): the low 8 bits of the minor and 12 of the major below the rest of each. */
export function splitDeviceNumber(rdev: bigint): { major: number; minor: number } {
  return {
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)),
  };
}

/**
 * The number of the block device behind a path, for limits of block I/O.
 * @throws invalid `INVALID_DEVICE` with the words of Go's stat, as Docker says it
 */
export async function blockDeviceNumber(path: string): Promise<{ major: number; minor: number }> {
  try {
    return splitDeviceNumber((await stat(path, { bigint: true })).rdev);
  } catch (error) {
    const reason = errnoOf(error) === "ENOENT" ? "no such file or directory" : (errnoOf(error) ?? "unknown error");
    return fail("invalid", "INVALID_DEVICE", `stat ${path}: ${reason}`, { cause: error });
  }
}
