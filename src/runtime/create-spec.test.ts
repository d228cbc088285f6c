import { describe, expect, test } from "bun:test";
import { readBoundingSet } from "./capabilities.ts";
import { createExecProcess, createSpec, type RuntimeSettings } from "./create-spec.ts";
import { NO_DEVICES } from "./devices.ts";
import type { Host } from "./host.ts";
import type { Spec } from "./oci-spec.ts";
import { parseSecurityOptions } from "./security-options.ts";

/** Expectations marked "dockerd" were read from the config.json that dockerd gave to runc for the same request. */

const host: Host = {
  capabilities: readBoundingSet("CapBnd:\t000001ffffffffff"),
  kernel: { major: 6, minor: 1 },
  architecture: "amd64",
  maskedPaths: ["/proc/kcore", "/sys/firmware"],
  hardLimits: new Map(),
  apparmor: false,
};

const plain: RuntimeSettings = {
  id: "5dc7ac4e4beeee39",
  args: ["sleep", "100"],
  env: [],
  cwd: "",
  user: "",
  groupAdd: [],
  tty: false,
  hostname: "5dc7ac4e4bee",
  domainname: "",
  rootPath: "/rootfs",
  readonlyRootfs: false,
  privileged: false,
  capAdd: [],
  capDrop: [],
  security: parseSecurityOptions([]),
  maskedPaths: null,
  readonlyPaths: null,
  namespaces: { pid: "private", network: "private", ipc: "private", uts: "private", cgroup: "host" },
  mounts: [],
  etcFiles: { hosts: "/c/hosts", hostname: "/c/hostname", resolvConf: "/c/resolv.conf" },
  shmSize: 0,
  devices: NO_DEVICES,
  resources: {},
  cgroupParent: "",
  ulimits: [],
  sysctls: {},
  oomScoreAdj: 0,
  annotations: {},
};

const specOf = (changes: Partial<RuntimeSettings>): Spec => createSpec({ ...plain, ...changes }, host).spec;

/** `destination type source options` of each mount. */
const mountsOf = (changes: Partial<RuntimeSettings>): string[] =>
  specOf(changes).mounts.map(({ destination, type, source, options }) =>
    [destination, type, source, options.join(",")].join(" "),
  );

const KERNEL_MOUNTS = [
  "/proc proc proc nosuid,noexec,nodev",
  "/dev tmpfs tmpfs nosuid,strictatime,mode=755,size=65536k",
  "/dev/pts devpts devpts nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5",
  "/sys sysfs sysfs nosuid,noexec,nodev,ro",
  "/sys/fs/cgroup cgroup cgroup ro,nosuid,noexec,nodev",
  "/dev/mqueue mqueue mqueue nosuid,noexec,nodev",
];
const SHM = "/dev/shm tmpfs shm nosuid,noexec,nodev,mode=1777,size=67108864";
const ETC_MOUNTS = [
  "/etc/resolv.conf bind /c/resolv.conf rbind,rprivate",
  "/etc/hostname bind /c/hostname rbind,rprivate",
  "/etc/hosts bind /c/hosts rbind,rprivate",
];

describe("a container that asks for nothing", () => {
  const spec = specOf({});

  test("has dockerd's mounts", () => {
    expect(mountsOf({})).toEqual([...KERNEL_MOUNTS, SHM, ...ETC_MOUNTS]);
  });

  test("has dockerd's process", () => {
    expect(spec.process).toMatchObject({
      terminal: false,
      args: ["sleep", "100"],
      env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=5dc7ac4e4bee"],
      cwd: "/",
      user: { userName: "", additionalGroupNames: [] },
      noNewPrivileges: false,
      oomScoreAdj: 0,
      rlimits: [],
    });
    expect(spec.process.capabilities?.bounding).toHaveLength(14);
    expect(spec.process.capabilities?.inheritable).toEqual([]);
    expect(spec.process.capabilities?.ambient).toEqual([]);
  });

  test("has dockerd's namespaces, settings and paths", () => {
    expect(spec.linux.namespaces.map(({ type }) => type)).toEqual(["mount", "network", "uts", "pid", "ipc"]);
    expect(spec.linux.sysctl).toEqual({
      "net.ipv4.ip_unprivileged_port_start": "0",
      "net.ipv4.ping_group_range": "0 2147483647",
    });
    expect(spec.linux.maskedPaths).toEqual(host.maskedPaths);
    expect(spec.linux.readonlyPaths).toEqual([
      "/proc/bus",
      "/proc/fs",
      "/proc/irq",
      "/proc/sys",
      "/proc/sysrq-trigger",
    ]);
    expect(spec.linux.cgroupsPath).toBe("/lighter/5dc7ac4e4beeee39");
    expect(spec.hostname).toBe("5dc7ac4e4bee");
    expect(spec.root).toEqual({ path: "/rootfs", readonly: false });
    expect(spec.linux.rootfsPropagation).toBe("rprivate");
  });

  test("may use no device but the common ones", () => {
    expect(spec.linux.devices).toEqual([]);
    expect(spec.linux.resources.devices?.[0]).toEqual({ allow: false, type: "a", access: "rwm" });
    expect(spec.linux.resources.devices).toContainEqual({ allow: true, type: "c", major: 1, minor: 3, access: "rwm" });
  });
});

describe("a privileged container", () => {
  const spec = specOf({ privileged: true, readonlyRootfs: true });

  test("has all capabilities and devices, nothing masked", () => {
    expect(spec.process.capabilities?.effective).toHaveLength(41);
    expect(spec.linux.maskedPaths).toEqual([]);
    expect(spec.linux.readonlyPaths).toEqual([]);
    expect(spec.linux.resources.devices).toEqual([{ allow: true, type: "a", access: "rwm" }]);
  });

  test("may write to /sys and to its control groups, as under dockerd", () => {
    const mounts = mountsOf({ privileged: true, readonlyRootfs: true });
    expect(mounts).toContain("/sys sysfs sysfs nosuid,noexec,nodev");
    expect(mounts).toContain("/sys/fs/cgroup cgroup cgroup nosuid,noexec,nodev");
  });
});

describe("mounts", () => {
  test("are dockerd's with binds, volumes, tmpfs, and a read-only root", () => {
    const mounts = mountsOf({
      readonlyRootfs: true,
      shmSize: 1048576,
      mounts: [
        { kind: "bind", source: "/src", target: "/dev/shm/x", readonly: true, propagation: "rprivate" },
        { kind: "bind", source: "/volumes/vol/_data", target: "/data", readonly: false, propagation: null },
        { kind: "tmpfs", target: "/t", options: "" },
        { kind: "tmpfs", target: "/t2", options: "size=5m,exec" },
      ],
    });
    expect(mounts).toEqual([
      ...KERNEL_MOUNTS,
      "/dev/shm tmpfs shm nosuid,noexec,nodev,mode=1777,size=1048576",
      "/data bind /volumes/vol/_data rbind",
      "/t tmpfs tmpfs noexec,nosuid,nodev,rprivate",
      "/t2 tmpfs tmpfs nosuid,nodev,rprivate,size=5m,exec",
      "/etc/resolv.conf bind /c/resolv.conf rbind,ro,rprivate",
      "/etc/hostname bind /c/hostname rbind,ro,rprivate",
      "/etc/hosts bind /c/hosts rbind,ro,rprivate",
      "/dev/shm/x bind /src rbind,rro,rprivate",
    ]);
  });

  test("replace defaults at their places, and the parent comes before the child", () => {
    const bind = (source: string, target: string) =>
      ({ kind: "bind", source, target, readonly: false, propagation: "rprivate" }) as const;
    const mounts = mountsOf({
      mounts: [bind("/b", "/a/b/c"), bind("/img", "/a"), bind("/proc", "/proc"), bind("/img", "/sys/fs/cgroup")],
      namespaces: { ...plain.namespaces, ipc: "host", pid: "host", uts: "host", cgroup: "private" },
    });
    expect(mounts).toEqual([
      ...KERNEL_MOUNTS.filter((line) => !line.startsWith("/proc ") && !line.startsWith("/sys/fs/cgroup ")),
      "/a bind /img rbind,rprivate",
      "/proc bind /proc rbind,rprivate",
      "/dev/shm bind /dev/shm rbind,rprivate",
      ...ETC_MOUNTS,
      "/a/b/c bind /b rbind,rprivate",
      "/sys/fs/cgroup bind /img rbind,rprivate",
    ]);
  });

  test("a bind over /dev takes everything under it away", () => {
    const mounts = mountsOf({
      mounts: [{ kind: "bind", source: "/dev", target: "/dev/", readonly: false, propagation: null }],
    });
    expect(mounts.filter((line) => line.startsWith("/dev"))).toEqual(["/dev bind /dev rbind"]);
  });

  test("a bind over an /etc file of ours wins", () => {
    const mounts = mountsOf({
      mounts: [{ kind: "bind", source: "/my", target: "/etc/hosts", readonly: false, propagation: "rprivate" }],
    });
    expect(mounts.filter((line) => line.startsWith("/etc/hosts"))).toEqual(["/etc/hosts bind /my rbind,rprivate"]);
  });

  test("read-only is not recursive where it is not wanted, or the kernel cannot", () => {
    const mounts: RuntimeSettings["mounts"] = [
      { kind: "bind", source: "/s", target: "/x", readonly: true, propagation: null, readonlyNonRecursive: true },
      { kind: "bind", source: "/s", target: "/y", readonly: true, propagation: null, nonRecursive: true },
    ];
    expect(mountsOf({ mounts })).toEqual(expect.arrayContaining(["/x bind /s rbind,ro", "/y bind /s bind,rro"]));
    const old = createSpec({ ...plain, mounts }, { ...host, kernel: { major: 5, minor: 10 } });
    expect(old.spec.mounts.find(({ destination }) => destination === "/y")?.options).toEqual(["bind", "ro"]);
  });

  test("a slave bind makes the root receive the host's mounts", () => {
    const spec = specOf({
      mounts: [{ kind: "bind", source: "/s", target: "/x", readonly: false, propagation: "rslave" }],
    });
    expect(spec.linux.rootfsPropagation).toBe("rslave");
  });

  test.each([
    ["rel", "invalid mount path: 'rel' mount path must be absolute"],
    ["/", "invalid specification: destination can't be '/'"],
    ["/a/..", "invalid specification: destination can't be '/'"],
  ])("the target %p is refused", (target, message) => {
    expect(() => specOf({ mounts: [{ kind: "tmpfs", target, options: "" }] })).toThrow(message);
  });

  test("two at one place are refused", () => {
    const twice: RuntimeSettings["mounts"] = [
      { kind: "tmpfs", target: "/a", options: "" },
      { kind: "tmpfs", target: "/b/../a/", options: "" },
    ];
    expect(() => specOf({ mounts: twice })).toThrow("Duplicate mount point: /a");
  });
});

describe("namespaces", () => {
  test("of another container are joined, with its shared memory", () => {
    const spec = specOf({
      namespaces: { pid: { pid: 7 }, network: { pid: 7 }, ipc: { pid: 7 }, uts: "private", cgroup: "private" },
    });
    expect(spec.linux.namespaces).toEqual([
      { type: "mount" },
      { type: "network", path: "/proc/7/ns/net" },
      { type: "uts" },
      { type: "pid", path: "/proc/7/ns/pid" },
      { type: "ipc", path: "/proc/7/ns/ipc" },
      { type: "cgroup" },
    ]);
    expect(spec.mounts.find(({ destination }) => destination === "/dev/shm")?.source).toBe("/proc/7/root/dev/shm");
    expect(spec.linux.sysctl).toEqual({});
    expect(spec.process.args[0]).toBe("sleep");
  });

  test("the host's are not listed, and its host name stays", () => {
    const spec = specOf({
      namespaces: { pid: "host", network: "host", ipc: "host", uts: "host", cgroup: "host" },
      domainname: "example.org",
    });
    expect(spec.linux.namespaces).toEqual([{ type: "mount" }]);
    expect(spec.hostname).toBeUndefined();
    expect(spec.linux.sysctl).toEqual({});
  });

  test("without shared memory there is no /dev/shm", () => {
    expect(mountsOf({ namespaces: { ...plain.namespaces, ipc: "none" } })).toEqual([...KERNEL_MOUNTS, ...ETC_MOUNTS]);
  });
});

describe("the process", () => {
  test("is dockerd's with user, terminal, limits and options", () => {
    const { process } = specOf({
      user: "5:6",
      groupAdd: ["55", "audio"],
      tty: true,
      hostname: "hh",
      cwd: "/w/",
      oomScoreAdj: 33,
      ulimits: [{ Name: "nofile", Soft: 100, Hard: 200 }],
      security: parseSecurityOptions(["no-new-privileges"]),
      env: ["A=1", "PATH=/bin", "A=2", "EMPTY=", "HOSTNAME"],
    });
    expect(process).toMatchObject({
      terminal: true,
      user: { userName: "5:6", additionalGroupNames: ["55", "audio"] },
      args: ["sleep", "100"],
      env: ["PATH=/bin", "TERM=xterm", "A=2", "EMPTY="],
      cwd: "/w",
      rlimits: [{ type: "RLIMIT_NOFILE", soft: 100, hard: 200 }],
      noNewPrivileges: true,
      oomScoreAdj: 33,
    });
  });

  test.each([
    [{ args: [] }, "no command specified"],
    [{ args: ["a\0b"] }, 'an argument contains a NUL byte: "a\\u0000b"'],
    [{ cwd: "rel" }, "the working directory 'rel' is invalid, it needs to be an absolute path"],
    [{ env: ["=x"] }, "invalid environment variable: =x"],
    [{ env: ["A=\0"] }, "invalid environment variable: A=\\0"],
  ])("%p is refused", (changes, message) => {
    expect(() => specOf(changes)).toThrow(message);
  });

  test("of an exec is the container's with its own command, environment, user and terminal", () => {
    const settings = { ...plain, env: ["A=1"], user: "web", cwd: "/srv" };
    const exec = { args: ["id"], env: ["B=2"], cwd: "", user: "", tty: true, privileged: false };
    expect(createExecProcess(settings, exec, host)).toMatchObject({
      terminal: true,
      args: ["id"],
      cwd: "/srv",
      user: { userName: "web" },
      env: [expect.stringContaining("PATH="), "HOSTNAME=5dc7ac4e4bee", "TERM=xterm", "A=1", "B=2"],
    });
    const privileged = createExecProcess(settings, { ...exec, user: "root", privileged: true }, host);
    expect(privileged.user.userName).toBe("root");
    expect(privileged.capabilities?.effective).toHaveLength(41);
  });
});

test("an AppArmor profile is asked for where the kernel knows any", () => {
  const settings = { ...plain, security: parseSecurityOptions(["apparmor=mine"]) };
  expect(createSpec(settings, host).spec.process).not.toHaveProperty("apparmorProfile");
  expect(createSpec(settings, { ...host, apparmor: true }).spec.process.apparmorProfile).toBe("mine");
});

test("security options decide what is masked", () => {
  const security = parseSecurityOptions(["systempaths=unconfined"]);
  expect(specOf({ security }).linux.maskedPaths).toEqual([]);
  expect(specOf({ maskedPaths: ["/x"], readonlyPaths: [] }).linux).toMatchObject({
    maskedPaths: ["/x"],
    readonlyPaths: [],
  });
});

test("a control group's parent cannot lead out of the tree", () => {
  expect(specOf({ cgroupParent: "../../etc" }).linux.cgroupsPath).toBe("/etc/5dc7ac4e4beeee39");
  expect(specOf({ cgroupParent: "/a//b/" }).linux.cgroupsPath).toBe("/a/b/5dc7ac4e4beeee39");
});

test("making a spec is no noticeable part of a start: under 0.3 ms", () => {
  const fastest = Math.min(
    ...Array.from({ length: 200 }, () => {
      const before = performance.now();
      specOf({});
      return performance.now() - before;
    }),
  );
  expect(fastest).toBeLessThan(0.3);
});
