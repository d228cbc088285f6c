import { isIP, isIPv6 } from "node:net";
import { constants } from "node:os";
import { fail } from "../base/errors.ts";
import { CAPABILITY_NUMBERS } from "./capabilities.ts";
import type { CgroupWrite } from "./cgroup.ts";
import { parseMountOptions, parsePropagation } from "./mount-options.ts";
import type { Device, DeviceRule, IdMapping, Mount, Namespace, Process, Spec } from "./oci-spec.ts";
import { Field, Records, Stdin, Tag } from "./wire.ts";

/** Overlay of snapshots, or a directory that is a root already. */
export type ShimRoot =
  | {
      readonly kind: "overlay";
      /** `<root>/snapshots`; keys below are directories in it. */
      readonly snapshots: string;
      /** Top first. */
      readonly lower: readonly number[];
      readonly upper: number | null;
    }
  | { readonly kind: "directory"; readonly path: string };

export interface ShimStdio {
  readonly tty: boolean;
  /** false: /dev/null. */
  readonly stdin: boolean;
  /** The end of the first client's input is the end of stdin. */
  readonly stdinOnce: boolean;
  /** Of the terminal; 0 leaves it to a later resize. */
  readonly rows: number;
  readonly columns: number;
}

/** A veth pair with its host end on a bridge, or a link on one of the host's. */
export interface ShimLink {
  /** Instead of a pair, one link of this kind on the host's; null: a pair. */
  readonly child: { readonly kind: "macvlan" | "ipvlan"; readonly parent: string; readonly mode: number } | null;
  /** "": on no bridge. */
  readonly bridge: string;
  /** At most 15 bytes. */
  readonly hostName: string;
  readonly containerName: string;
  readonly mac: string;
  readonly address: string;
  readonly prefixLength: number;
  /** null: no default route. */
  readonly gateway: string | null;
  /** A second address; null: no IPv6. */
  readonly ipv6: { readonly address: string; readonly prefixLength: number; readonly gateway: string | null } | null;
  /** Bytes. */
  readonly mtu: number;
}

/** A change of a running container's links. */
export interface LinkChange {
  readonly link: ShimLink;
  /** Where the default route leads afterwards, if that is another link than it was. */
  readonly route: { readonly containerName: string; readonly gateways: readonly string[] } | null;
}

export interface HeldPort {
  readonly protocol: "tcp" | "udp" | "sctp";
  /** "" is all of IPv4. */
  readonly ip: string;
  /** 0: the kernel picks one. */
  readonly port: number;
  /** TCP connections to ::1 on its number are relayed to 127.0.0.1, where rules can lead them on. */
  readonly relayed?: boolean;
}

/** All that a shim needs to make its berth into a container. */
export interface StartRequest {
  readonly spec: Spec;
  /** Compiled for the kernel, `struct sock_filter[]`; null: unconfined. */
  readonly seccompFilter: Uint8Array | null;
  /** In the order of writing. A limit on pids means slower execs: nobody of ours may wait inside then. */
  readonly cgroupWrites: readonly CgroupWrite[];
  readonly root: ShimRoot;
  readonly stdio: ShimStdio;
  /** json-file; maxBytes 0 grows for ever. null: output goes to attached clients alone. */
  readonly log: { readonly path: string; readonly maxBytes: number; readonly maxFiles: number } | null;
  /** Where the end is written down, by rename, before anyone is told. */
  readonly exitFile: string;
  /** Made in the container's own network namespace; none with a shared one. */
  readonly links: readonly ShimLink[];
  /** The engine answers DNS queries to 127.0.0.11. */
  readonly resolver?: boolean;
  /** Bound but not served, so that nobody else takes them while the container lives. */
  readonly heldPorts: readonly HeldPort[];
  /** Pid 1 is a reaper of the shim's own and the program its child (`--init`). */
  readonly reaper?: boolean;
}

export interface ExecRequest {
  /** Unique among the container's processes; "init" is taken. */
  readonly id: string;
  readonly process: Process;
  readonly seccompFilter: Uint8Array | null;
  readonly stdio: ShimStdio;
  readonly attach: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
}

/** What the specification has every runtime make, asked for or not ("Default Devices"). */
const DEFAULT_DEVICES: readonly Device[] = [
  { path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 0o666 },
  { path: "/dev/zero", type: "c", major: 1, minor: 5, fileMode: 0o666 },
  { path: "/dev/full", type: "c", major: 1, minor: 7, fileMode: 0o666 },
  { path: "/dev/random", type: "c", major: 1, minor: 8, fileMode: 0o666 },
  { path: "/dev/urandom", type: "c", major: 1, minor: 9, fileMode: 0o666 },
  { path: "/dev/tty", type: "c", major: 5, minor: 0, fileMode: 0o666 },
];

export function encodeStart(request: StartRequest): Records {
  const { spec } = request;
  const records = new Records();
  records.text(Tag.CGROUP_PATH, spec.linux.cgroupsPath);
  encodeNamespaces(records, spec.linux.namespaces);
  encodeIdMap(records, Tag.UID_MAP, spec.linux.uidMappings);
  encodeIdMap(records, Tag.GID_MAP, spec.linux.gidMappings);
  encodeRoot(records, request.root);
  records.flag(Tag.ROOT_READONLY, spec.root.readonly);
  const propagation = parsePropagation(spec.linux.rootfsPropagation);
  if (propagation) records.u32(Tag.ROOT_PROPAGATION, propagation);
  for (const mount of spec.mounts) records.group(Tag.MOUNT, mountGroup(mount));
  for (const device of [...DEFAULT_DEVICES, ...spec.linux.devices]) records.group(Tag.DEVICE, deviceGroup(device));
  for (const path of spec.linux.maskedPaths ?? []) records.text(Tag.MASKED_PATH, path);
  for (const path of spec.linux.readonlyPaths ?? []) records.text(Tag.READONLY_PATH, path);
  for (const [name, value] of Object.entries(spec.linux.sysctl ?? {})) {
    records.group(Tag.SYSCTL, new Records().text(Field.TARGET, sysctlPath(name)).text(Field.DATA, value));
  }
  if (spec.hostname) records.text(Tag.HOSTNAME, spec.hostname);
  if (spec.domainname) records.text(Tag.DOMAINNAME, spec.domainname);
  for (const { controller, file, value } of request.cgroupWrites) {
    const group = new Records().text(Field.TYPE, controller).text(Field.TARGET, file).text(Field.DATA, value);
    records.group(Tag.CGROUP_WRITE, group);
  }
  for (const rule of spec.linux.resources.devices ?? []) records.bytes(Tag.DEVICE_RULE, deviceRule(rule));
  for (const link of request.links) records.group(Tag.LINK, linkGroup(link));
  records.flag(Tag.RESOLVER, request.resolver ?? false);
  for (const port of request.heldPorts) records.bytes(Tag.HELD_PORT, heldPort(port));
  if (request.log) records.group(Tag.LOG, logGroup(request.log));
  records.text(Tag.EXIT_FILE, request.exitFile);
  records.flag(Tag.REAPER, request.reaper ?? false);
  encodeProcess(records, spec.process, request.seccompFilter);
  encodeStdio(records, request.stdio);
  return records;
}

/** For CONNECT and DISCONNECT. */
export function encodeLinkChange({ link, route }: LinkChange): Records {
  const records = new Records().group(Tag.LINK, linkGroup(link));
  if (!route) return records;
  const group = new Records().text(Field.CONTAINER_NAME, route.containerName);
  for (const gateway of route.gateways) group.bytes(Field.GATEWAY, addressBytes(gateway));
  return records.group(Tag.DEFAULT_ROUTE, group);
}

export function encodeExec(request: ExecRequest): Records {
  const { attach, stdio } = request;
  const records = new Records().text(Tag.PROCESS, request.id);
  encodeProcess(records, request.process, request.seccompFilter);
  // The one client of an exec is its whole life: the end of its input is the end of stdin.
  encodeStdio(records, { ...stdio, stdin: attach.stdin && stdio.stdin, stdinOnce: true });
  if (!attach.stdout && !attach.stderr && !stdio.tty) records.u32(Tag.OUTPUT, 0);
  return records;
}

/** CLONE_NEW* (sched.h). */
const CLONE: Readonly<Record<Namespace["type"], number>> = {
  time: 0x80,
  mount: 0x20000,
  cgroup: 0x2000000,
  uts: 0x4000000,
  ipc: 0x8000000,
  user: 0x10000000,
  pid: 0x20000000,
  network: 0x40000000,
};

function encodeNamespaces(records: Records, namespaces: readonly Namespace[]): void {
  let flags = 0;
  for (const { type, path } of namespaces) {
    if (path === undefined) flags |= CLONE[type];
    else records.group(Tag.NAMESPACE_JOIN, new Records().u32(Field.FLAGS, CLONE[type]).text(Field.SOURCE, path));
  }
  records.u32(Tag.NAMESPACES, flags);
}

function encodeIdMap(records: Records, tag: number, mappings: readonly IdMapping[] | undefined): void {
  if (!mappings || mappings.length === 0) return;
  records.text(tag, mappings.map((map) => `${map.containerID} ${map.hostID} ${map.size}\n`).join(""));
}

function encodeRoot(records: Records, root: ShimRoot): void {
  if (root.kind === "directory") {
    records.text(Tag.ROOT_DIRECTORY, root.path);
    return;
  }
  const lower = root.lower.map((key) => `${key}/fs`);
  const [only] = lower;
  if (root.upper === null && lower.length <= 1) {
    // Overlay wants two layers where none can be written.
    records.text(Tag.ROOT_DIRECTORY, `${root.snapshots}/${only ?? "."}`);
    return;
  }
  if (lower.length === 0) {
    records.text(Tag.ROOT_DIRECTORY, `${root.snapshots}/${root.upper}/fs`);
    return;
  }
  // A layer is made of what lies in `upper`, so nothing there may lean on attributes that only this overlay understands.
  const options = ["index=off", "redirect_dir=off", "metacopy=off", `lowerdir=${lower.join(":")}`];
  if (root.upper !== null) options.push(`upperdir=${root.upper}/fs`, `workdir=${root.upper}/work`);
  const group = new Records().text(Field.SOURCE, root.snapshots).text(Field.DATA, options.join(","));
  records.group(Tag.ROOT_OVERLAY, group);
}

function mountGroup(mount: Mount): Records {
  const options = parseMountOptions(mount.options);
  const bind = mount.ofHost ? "new" : mount.type === "bind" && options.bind === "none" ? "single" : options.bind;
  const attributes = Buffer.alloc(32);
  attributes.writeBigUInt64LE(BigInt(options.set), 0);
  attributes.writeBigUInt64LE(BigInt(options.clear), 8);
  attributes.writeBigUInt64LE(BigInt(options.recursiveSet), 16);
  attributes.writeUInt32LE(options.propagation, 24);
  attributes.writeUInt32LE({ none: 0, single: 1, recursive: 2, new: 3 }[bind], 28);
  const group = new Records()
    .text(Field.TYPE, mount.type)
    .text(Field.SOURCE, mount.source)
    .text(Field.TARGET, mount.destination)
    .text(Field.DATA, bind === "none" || bind === "new" ? options.data : "")
    .bytes(Field.MOUNT, attributes);
  if (mount.subpath !== undefined) group.text(Field.SUBPATH, mount.subpath);
  return group;
}

const FILE_TYPE = { b: 0o060000, c: 0o020000, u: 0o020000, p: 0o010000 } as const;

function deviceGroup(device: Device): Records {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt32LE(FILE_TYPE[device.type] | (device.fileMode ?? 0o666), 0);
  bytes.writeUInt32LE(device.major, 4);
  bytes.writeUInt32LE(device.minor, 8);
  bytes.writeUInt32LE(device.uid ?? 0, 12);
  bytes.writeUInt32LE(device.gid ?? 0, 16);
  return new Records().text(Field.TARGET, device.path).bytes(Field.DEVICE, bytes);
}

/** BPF_DEVCG_DEV_* and BPF_DEVCG_ACC_* of linux/bpf.h. */
function deviceRule(rule: DeviceRule): Uint8Array {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt32LE(rule.allow ? 1 : 0, 0);
  bytes.writeUInt32LE({ a: 0, b: 1, c: 2 }[rule.type], 4);
  bytes.writeInt32LE(rule.major ?? -1, 8);
  bytes.writeInt32LE(rule.minor ?? -1, 12);
  const access = (letter: string, bit: number) => (rule.access.includes(letter) ? bit : 0);
  bytes.writeUInt32LE(access("m", 1) | access("r", 2) | access("w", 4), 16);
  return bytes;
}

/** Dots are slashes, and slashes dots, as sysctl(8) has it: names of links may contain dots. */
function sysctlPath(name: string): string {
  const path = name.replace(/[./]/g, (separator) => (separator === "." ? "/" : "."));
  if (path.split("/").some((part) => part === "" || part === "." || part === "..")) {
    fail("invalid", "INVALID_SYSCTL", `sysctl ${JSON.stringify(name)} is not a name below /proc/sys`);
  }
  return path;
}

function linkGroup(link: ShimLink): Records {
  const group = new Records()
    .text(Field.HOST_NAME, link.hostName)
    .text(Field.CONTAINER_NAME, link.containerName)
    .text(Field.BRIDGE, link.bridge)
    .u32(Field.MTU, link.mtu);
  if (link.child) {
    const { kind, parent, mode } = link.child;
    group.text(Field.TYPE, kind).text(Field.SOURCE, parent).u32(Field.FLAGS, mode);
  }
  if (link.mac) group.bytes(Field.MAC, Buffer.from(link.mac.replaceAll(":", ""), "hex"));
  group.bytes(Field.ADDRESS, addressBytes(link.address)).u32(Field.PREFIX, link.prefixLength);
  if (link.ipv6) group.bytes(Field.ADDRESS, addressBytes(link.ipv6.address)).u32(Field.PREFIX, link.ipv6.prefixLength);
  if (link.gateway !== null) group.bytes(Field.GATEWAY, addressBytes(link.gateway));
  if (link.ipv6?.gateway) group.bytes(Field.GATEWAY, addressBytes(link.ipv6.gateway));
  return group;
}

const PROTOCOL = { tcp: 6, udp: 17, sctp: 132 } as const;
const AF_INET = 2;
const AF_INET6 = 10;

function heldPort({ protocol, ip, port, relayed = false }: HeldPort): Uint8Array {
  const bytes = Buffer.alloc(28);
  const address = ip || "0.0.0.0";
  bytes.set(addressBytes(address));
  bytes.writeUInt16LE(isIPv6(address) ? AF_INET6 : AF_INET, 16);
  bytes.writeUInt16LE(port, 18);
  bytes.writeUInt32LE(PROTOCOL[protocol], 20);
  bytes.writeUInt32LE(relayed ? 1 : 0, 24);
  return bytes;
}

/** 4 or 16 bytes in network order. */
export function addressBytes(address: string): Uint8Array {
  switch (isIP(address)) {
    case 4:
      return Uint8Array.from(address.split("."), Number);
    case 6:
      return ipv6Bytes(address);
    default:
      return fail("invalid", "INVALID_ADDRESS", `${JSON.stringify(address)} is not an IP address`);
  }
}

function ipv6Bytes(address: string): Uint8Array {
  // The last 32 bits may be written as IPv4 (RFC 4291, 2.2).
  const plain = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => {
    const hex = (high: string, low: string) => ((Number(high) << 8) | Number(low)).toString(16);
    return `${hex(a, b)}:${hex(c, d)}`;
  });
  const [head = "", tail] = plain.split("::");
  const words = (text: string) => (text ? text.split(":").map((word) => Number.parseInt(word, 16)) : []);
  const left = words(head);
  const right = words(tail ?? "");
  const all = [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
  return Uint8Array.from(all.flatMap((word) => [word >> 8, word & 0xff]));
}

function logGroup(log: { path: string; maxBytes: number; maxFiles: number }): Records {
  const bytes = Buffer.alloc(16);
  bytes.writeBigInt64LE(BigInt(Math.max(0, log.maxBytes)));
  bytes.writeUInt32LE(Math.max(1, log.maxFiles), 8);
  return new Records().text(Field.TARGET, log.path).bytes(Field.LOG, bytes);
}

function encodeProcess(records: Records, process: Process, seccompFilter: Uint8Array | null): void {
  for (const argument of process.args) records.text(Tag.ARGUMENT, argument);
  for (const variable of process.env) records.text(Tag.ENVIRONMENT, variable);
  records.text(Tag.DIRECTORY, process.cwd);
  const { user } = process;
  if (user.userName !== undefined) records.text(Tag.USER_NAME, user.userName);
  const ids = Buffer.alloc(8);
  ids.writeUInt32LE(user.uid);
  ids.writeUInt32LE(user.gid, 4);
  records.bytes(Tag.USER, ids);
  for (const gid of user.additionalGids ?? []) records.u32(Tag.GROUP, gid);
  for (const name of user.additionalGroupNames ?? []) records.text(Tag.GROUP_NAME, name);
  if (user.umask !== undefined) records.u32(Tag.UMASK, user.umask);
  records.bytes(Tag.CAPABILITIES, capabilitySets(process));
  records.flag(Tag.NO_NEW_PRIVILEGES, process.noNewPrivileges ?? false);
  for (const { type, soft, hard } of process.rlimits ?? []) records.bytes(Tag.RLIMIT, rlimit(type, soft, hard));
  records.u32(Tag.OOM_SCORE_ADJ, process.oomScoreAdj ?? 0);
  if (seccompFilter) records.bytes(Tag.SECCOMP, seccompFilter);
}

function capabilitySets({ capabilities }: Process): Uint8Array {
  const bytes = Buffer.alloc(40);
  const sets = [
    capabilities?.bounding,
    capabilities?.effective,
    capabilities?.permitted,
    capabilities?.inheritable,
    capabilities?.ambient,
  ];
  sets.forEach((names, index) => {
    const mask = (names ?? []).reduce((bits, name) => {
      const number = CAPABILITY_NUMBERS.get(name);
      if (number === undefined) fail("invalid", "UNKNOWN_CAPABILITY", `unknown capability: "${name}"`);
      return bits | (1n << BigInt(number));
    }, 0n);
    bytes.writeBigUInt64LE(mask, index * 8);
  });
  return bytes;
}

/** RLIMIT_* of asm-generic/resource.h, each at the place of its number. */
const RLIMITS = [
  "RLIMIT_CPU",
  "RLIMIT_FSIZE",
  "RLIMIT_DATA",
  "RLIMIT_STACK",
  "RLIMIT_CORE",
  "RLIMIT_RSS",
  "RLIMIT_NPROC",
  "RLIMIT_NOFILE",
  "RLIMIT_MEMLOCK",
  "RLIMIT_AS",
  "RLIMIT_LOCKS",
  "RLIMIT_SIGPENDING",
  "RLIMIT_MSGQUEUE",
  "RLIMIT_NICE",
  "RLIMIT_RTPRIO",
  "RLIMIT_RTTIME",
];

function rlimit(type: string, soft: number, hard: number): Uint8Array {
  const resource = RLIMITS.indexOf(type);
  if (resource < 0) fail("invalid", "INVALID_ULIMIT", `invalid ulimit type: ${type}`);
  const bytes = Buffer.alloc(24);
  bytes.writeBigUInt64LE(BigInt(resource));
  // -1 becomes RLIM_INFINITY.
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(soft)), 8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(hard)), 16);
  return bytes;
}

function encodeStdio(records: Records, stdio: ShimStdio): void {
  records.u32(Tag.STDIN, stdio.stdin ? (stdio.stdinOnce ? Stdin.ONCE : Stdin.OPEN) : Stdin.NULL);
  if (stdio.tty) records.bytes(Tag.WINDOW, windowBytes(stdio.rows, stdio.columns));
}

export function windowBytes(rows: number, columns: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(Math.min(rows, 0xffff));
  bytes.writeUInt16LE(Math.min(columns, 0xffff), 2);
  return bytes;
}

/** @throws invalid `UNKNOWN_SIGNAL` for a number that no signal has. */
export function checkSignal(signal: number): number {
  const last = constants.signals.SIGSYS + 33; // SIGRTMAX
  return Number.isInteger(signal) && signal >= 0 && signal <= last
    ? signal
    : fail("invalid", "UNKNOWN_SIGNAL", `Invalid signal: ${signal}`);
}
