import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errnoOf } from "../../src/base/errors.ts";
import { Berths } from "../../src/runtime/berths.ts";
import { DEFAULT_CAPABILITIES } from "../../src/runtime/capabilities.ts";
import { readCgroupLayout } from "../../src/runtime/cgroup.ts";
import type { Mount, Process, Spec } from "../../src/runtime/oci-spec.ts";
import type { Shim, ShimExit } from "../../src/runtime/shim.ts";
import type { ExecRequest, StartRequest } from "../../src/runtime/shim-request.ts";

/** Docker's default mounts. */
const MOUNTS: readonly Mount[] = [
  { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
  {
    destination: "/dev",
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
  },
  {
    destination: "/dev/pts",
    type: "devpts",
    source: "devpts",
    options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
  },
  { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"] },
  { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro", "nosuid", "noexec", "nodev"] },
  { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
  {
    destination: "/dev/shm",
    type: "tmpfs",
    source: "shm",
    options: ["nosuid", "noexec", "nodev", "mode=1777", "size=67108864"],
  },
];

const DEVICES = (
  [
    ["null", 3],
    ["zero", 5],
    ["full", 7],
    ["random", 8],
    ["urandom", 9],
    ["tty", 0],
  ] as const
).map(
  ([name, minor]) =>
    ({ path: `/dev/${name}`, type: "c", major: name === "tty" ? 5 : 1, minor, fileMode: 0o666 }) as const,
);

export interface RunOptions {
  readonly args: readonly string[];
  readonly process?: Partial<Process>;
  readonly linux?: Partial<Spec["linux"]>;
  readonly mounts?: readonly Mount[];
  readonly request?: Partial<StartRequest>;
  readonly readonlyRoot?: boolean;
}

export interface Running {
  readonly shim: Shim;
  readonly name: string;
  readonly request: StartRequest;
  readonly exited: Promise<ShimExit>;
  /** The end of an exec, past or to come. */
  readonly exitOf: (id: string) => Promise<ShimExit>;
}

/** A private run directory with a busybox root, its berths, and the promise that nothing stays. */
export class ShimFixture {
  readonly directory = mkdtempSync(join(tmpdir(), "lighter-shim-"));
  readonly root = join(this.directory, "root");
  readonly berths: Berths;
  readonly #started: Shim[] = [];
  readonly #cgroups = new Set<string>();
  readonly #mounts = readFileSync("/proc/self/mountinfo", "utf8");
  #count = 0;

  constructor(berths = 0) {
    makeBusyboxRoot(this.root);
    this.berths = new Berths(this.directory, () => {}, berths);
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  request(options: RunOptions): StartRequest {
    this.#count += 1;
    const name = `test-${this.directory.slice(-6)}-${this.#count}`;
    this.#cgroups.add(name);
    return {
      spec: {
        ociVersion: "1.2.1",
        process: testProcess(options.args, options.process),
        root: { path: this.root, readonly: options.readonlyRoot ?? false },
        hostname: "box",
        mounts: [...MOUNTS, ...(options.mounts ?? [])],
        linux: {
          namespaces: (["mount", "pid", "ipc", "uts", "network", "cgroup"] as const).map((type) => ({ type })),
          devices: DEVICES,
          cgroupsPath: `/lighter/${name}`,
          resources: {},
          maskedPaths: ["/proc/kcore", "/proc/keys", "/sys/firmware"],
          readonlyPaths: ["/proc/sys", "/proc/bus"],
          ...options.linux,
        },
      },
      seccompFilter: null,
      cgroupWrites: [],
      root: { kind: "directory", path: this.root },
      stdio: { tty: false, stdin: false, stdinOnce: false, rows: 0, columns: 0 },
      log: { path: this.path(`${name}.log`), maxBytes: 0, maxFiles: 1 },
      exitFile: this.path(`${name}.exit`),
      links: [],
      heldPorts: [],
      ...options.request,
    };
  }

  /** A created container, not started. */
  async create(options: RunOptions): Promise<Running> {
    const request = this.request(options);
    const shim = await this.take();
    await shim.create(request);
    const exits = new Map<string, PromiseWithResolvers<ShimExit>>();
    const entry = (id: string) => {
      const known = exits.get(id) ?? Promise.withResolvers<ShimExit>();
      exits.set(id, known);
      return known;
    };
    shim.onExit = (exit) => entry(exit.process).resolve(exit);
    return {
      shim,
      name: request.spec.linux.cgroupsPath.split("/").at(-1) ?? "",
      request,
      exited: entry("init").promise,
      exitOf: (id) => entry(id).promise,
    };
  }

  async take(): Promise<Shim> {
    const shim = await this.berths.take();
    this.#started.push(shim);
    return shim;
  }

  /** A running container with nobody attached. */
  async start(options: RunOptions): Promise<Running> {
    const running = await this.create(options);
    await running.shim.start();
    return running;
  }

  /** Runs to the end and gives back all that was said. */
  async run(
    options: RunOptions,
    input?: string,
  ): Promise<{ exit: ShimExit; stdout: string; stderr: string; raw: string }> {
    const running = await this.create(options);
    const socket = await running.shim.attach({
      process: "init",
      stdin: input !== undefined,
      stdout: true,
      stderr: true,
    });
    const output = readAll(socket);
    await running.shim.start();
    if (input !== undefined) socket.end(input);
    const exit = await running.exited;
    const raw = await output;
    return { exit, ...demultiplex(raw), raw: raw.toString() };
  }

  /** Ends and lets go of all that was started. */
  async releaseAll(): Promise<void> {
    for (const shim of this.#started.splice(0)) {
      if (shim.connected && shim.state.status === "running") await killAndWait(shim);
      await shim.release();
    }
  }

  /** What a shim that was killed could not take away itself. */
  async removeRemains({ shim, name }: Running): Promise<void> {
    rmSync(shim.socketPath, { force: true });
    for (const tree of new Set(readCgroupLayout().trees.values())) {
      const group = join(tree, "lighter", name);
      while (existsSync(group)) {
        try {
          rmdirSync(group);
        } catch (error) {
          if (errnoOf(error) !== "EBUSY") throw error; // the last of its processes is about to be reaped
          await new Promise(setImmediate);
        }
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.releaseAll();
    await this.berths.dispose();
    // The connection ends with the last thing the shim takes away; its process a moment after.
    while (processesOf(this.directory).length > 0) await new Promise(setImmediate);
    const left = this.#leftovers();
    rmSync(this.directory, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`left behind: ${left.join(", ")}`);
  }

  /** What should have gone: mounts, cgroups, sockets. */
  #leftovers(): string[] {
    const left: string[] = [];
    const mounts = readFileSync("/proc/self/mountinfo", "utf8");
    for (const line of mounts.split("\n")) {
      if (line.includes(this.directory) && !this.#mounts.includes(line)) left.push(`mount ${line}`);
    }
    for (const tree of new Set(readCgroupLayout().trees.values())) {
      for (const name of this.#cgroups) {
        if (existsSync(join(tree, "lighter", name))) left.push(`cgroup ${join(tree, "lighter", name)}`);
      }
    }
    for (const name of readdirSync(join(this.directory, "shims"))) left.push(`socket ${name}`);
    return left;
  }
}

async function killAndWait(shim: Shim): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    shim.onExit = (exit) => exit.process === "init" && resolve();
    shim.onDisconnect = () => resolve();
  });
  await shim.kill(9).catch(() => {}); // it may end at this moment by itself
  await ended;
}

/** Living processes (zombies wait for the machine's init) with the directory in their command line. */
export function processesOf(directory: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith(`lighter-shim\0${directory}`);
    } catch {
      return false; // it ended meanwhile
    }
  });
}

export function testProcess(args: readonly string[], more: Partial<Process> = {}): Process {
  return {
    user: { uid: 0, gid: 0, userName: "" },
    args,
    env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
    cwd: "/",
    capabilities: {
      bounding: DEFAULT_CAPABILITIES,
      effective: DEFAULT_CAPABILITIES,
      permitted: DEFAULT_CAPABILITIES,
      inheritable: [],
      ambient: [],
    },
    ...more,
  };
}

export function execRequest(id: string, args: readonly string[], more: Partial<ExecRequest> = {}): ExecRequest {
  return {
    id,
    process: testProcess(args),
    seccompFilter: null,
    stdio: { tty: false, stdin: true, stdinOnce: true, rows: 0, columns: 0 },
    attach: { stdin: false, stdout: true, stderr: true },
    ...more,
  };
}

/** A root file system out of the package busybox-static. */
export function makeBusyboxRoot(root: string): void {
  for (const name of ["bin", "etc", "tmp", "home/alice"]) mkdirSync(join(root, name), { recursive: true });
  chmodSync(join(root, "tmp"), 0o1777);
  copyFileSync("/bin/busybox", join(root, "bin/busybox"));
  chmodSync(join(root, "bin/busybox"), 0o755);
  const { stdout } = spawnSync("/bin/busybox", ["--list"], { encoding: "utf8" });
  for (const applet of stdout.split("\n")) {
    if (applet && applet !== "busybox") symlinkSync("busybox", join(root, "bin", applet));
  }
  writeFileSync(
    join(root, "etc/passwd"),
    "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1001:Alice:/srv/alice:/bin/sh\n",
  );
  writeFileSync(join(root, "etc/group"), "root:x:0:\nalice:x:1001:\nwheel:x:10:alice\naudio:x:29:bob,alice\n");
}

export async function readAll(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part);
  return Buffer.concat(parts);
}

/** Docker's stdcopy frames taken apart. */
export function demultiplex(bytes: Buffer): { stdout: string; stderr: string } {
  const streams = ["", "", ""];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const stream = bytes.readUInt8(at);
    const length = bytes.readUInt32BE(at + 4);
    streams[stream] = (streams[stream] ?? "") + bytes.toString("utf8", at + 8, at + 8 + length);
    at += 8 + length;
  }
  return { stdout: streams[1] ?? "", stderr: streams[2] ?? "" };
}

/** Resolves with all that was read so far as soon as it contains the text. */
export function waitForText(socket: Socket, text: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let seen = "";
  const listen = (bytes: Buffer) => {
    seen += bytes.toString();
    if (!seen.includes(text)) return;
    socket.off("data", listen);
    resolve(seen);
  };
  socket.on("data", listen);
  socket.once("close", () =>
    reject(new Error(`the stream ended without ${JSON.stringify(text)}: ${JSON.stringify(seen)}`)),
  );
  return promise;
}
