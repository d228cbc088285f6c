import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { nativePath } from "../../src/base/native.ts";
import { readCgroupLayout } from "../../src/runtime/cgroup.ts";
import type { Namespace } from "../../src/runtime/oci-spec.ts";
import { StartFailure } from "../../src/runtime/start-failure.ts";
import { demultiplex, execRequest, makeBusyboxRoot, readAll, ShimFixture } from "./shim-fixture.ts";

const fixture = new ShimFixture(1);
afterAll(() => fixture[Symbol.asyncDispose]());

const sh = (script: string) => ["sh", "-c", script];
const ALL = ["mount", "pid", "ipc", "uts", "network", "cgroup"] as const;
const without = (type: string): Namespace[] => ALL.filter((kind) => kind !== type).map((kind) => ({ type: kind }));

describe("namespaces", () => {
  const cases = [
    ["network", "net"],
    ["ipc", "ipc"],
    ["uts", "uts"],
    ["cgroup", "cgroup"],
  ] as const;
  test.each(cases)("the host's %s where it is shared, its own otherwise", async (type, file) => {
    const host = readlinkSync(`/proc/self/ns/${file}`);
    const link = sh(`readlink /proc/self/ns/${file}`);
    const hostname = type === "uts" ? { hostname: undefined } : {};
    const shared = fixture.request({ args: link, linux: { namespaces: without(type) } });
    const request = { spec: { ...shared.spec, ...hostname } };
    expect((await fixture.run({ args: link, request })).stdout.trim()).toBe(host);
    expect((await fixture.run({ args: link })).stdout.trim()).not.toBe(host);
  });

  test("the host's processes where pid is shared, and all children end with the first", async () => {
    const { stdout } = await fixture.run({
      args: sh("sleep 1000 & echo $! $$"),
      linux: { namespaces: without("pid") },
    });
    const [child = "", self] = stdout.trim().split(" ");
    expect(self).not.toBe("1");
    // It is in the container's cgroup and nowhere else to be found; the shim's leaving ends it.
    await fixture.releaseAll();
    expect(existsSync(`/proc/${child}/exe`)).toBe(false);
  });

  test("another container's network is joined by path", async () => {
    const first = await fixture.start({ args: ["sleep", "1000"] });
    const pid = first.shim.state.status === "running" ? first.shim.state.pid : 0;
    const path = `/proc/${pid}/ns/net`;
    const { stdout } = await fixture.run({
      args: ["readlink", "/proc/self/ns/net"],
      linux: { namespaces: [...without("network"), { type: "network", path }] },
    });
    expect(stdout.trim()).toBe(readlinkSync(path));
    await first.shim.kill(9);
    await first.exited;
  });

  test("a user namespace maps root to somebody else, and an exec joins it", async () => {
    const root = fixture.path("shifted");
    makeBusyboxRoot(root);
    chmodSync(fixture.directory, 0o755);
    spawnSync("chown", ["-R", "100000:100000", root]);
    const map = [{ containerID: 0, hostID: 100000, size: 65536 }];
    const running = await fixture.start({
      args: sh("id -u; cat /proc/self/uid_map; touch /made; ls -ln /dev/null | cut -c1; sleep 1000"),
      linux: { namespaces: [...ALL.map((type) => ({ type })), { type: "user" }], uidMappings: map, gidMappings: map },
      request: { root: { kind: "directory", path: root } },
    });
    const { stream } = await running.shim.exec(
      execRequest("inside", sh("while [ ! -e /made ]; do :; done; id -u; tr -s ' ' < /proc/self/uid_map")),
    );
    expect(stream && demultiplex(await readAll(stream)).stdout).toBe("0\n 0 100000 65536\n");
    const pid = running.shim.state.status === "running" ? running.shim.state.pid : 0;
    expect(readFileSync(`/proc/${pid}/status`, "utf8")).toMatch(/^Uid:\t100000\t/m);
    await running.shim.kill(9);
    await running.exited;
    expect(statSync(`${root}/made`).uid).toBe(100000);
  });
});

describe("network", () => {
  test("a link has its address, route and mac, reaches the bridge, and goes", async () => {
    const bridge = "ltshimtest0";
    const ip = (...args: string[]) => {
      const { status, stderr } = spawnSync("ip", args, { encoding: "utf8" });
      if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr}`);
    };
    ip("link", "add", bridge, "type", "bridge");
    try {
      ip("addr", "add", "10.213.77.1/24", "dev", bridge);
      ip("link", "set", bridge, "up");
      const running = await fixture.create({
        args: sh(
          "ip -4 addr show eth0; ip route; cat /sys/class/net/eth0/address /sys/class/net/eth0/mtu; ping -c1 -W2 10.213.77.1; ping -c1 -W2 127.0.0.1",
        ),
        request: {
          links: [
            {
              bridge,
              hostName: "ltshimtest1",
              containerName: "eth0",
              mac: "02:42:0a:d5:4d:02",
              address: "10.213.77.2",
              prefixLength: 24,
              gateway: "10.213.77.1",
              ipv6: null,
              child: null,
              mtu: 1400,
            },
          ],
        },
      });
      expect(readlinkSync("/sys/class/net/ltshimtest1/master")).toEndWith(bridge);
      const socket = await running.shim.attach({ process: "init", stdin: false, stdout: true, stderr: true });
      const output = readAll(socket);
      await running.shim.start();
      const { stdout } = demultiplex(await output);
      expect(stdout).toContain("inet 10.213.77.2/24 brd 10.213.77.255");
      expect(stdout).toContain("default via 10.213.77.1 dev eth0");
      expect(stdout).toContain("02:42:0a:d5:4d:02\n1400\n");
      expect(stdout.match(/1 packets received/g)).toHaveLength(2);
      await running.exited;
      await running.shim.release();
      expect(existsSync("/sys/class/net/ltshimtest1")).toBe(false);
    } finally {
      ip("link", "del", bridge);
    }
  });

  test("a bridge that is not there fails the start and leaves no link", async () => {
    const link = {
      bridge: "ltnosuch0",
      hostName: "ltshimtest2",
      containerName: "eth0",
      mac: "",
      address: "10.213.78.2",
      prefixLength: 24,
      gateway: null,
      ipv6: null,
      child: null,
      mtu: 1500,
    };
    expect(fixture.run({ args: ["true"], request: { links: [link] } })).rejects.toThrow("ltshimtest2 on ltnosuch0");
    expect(existsSync("/sys/class/net/ltshimtest2")).toBe(false);
  });

  test("held ports are nobody else's while the container lives", async () => {
    const request = fixture.request({
      args: ["sleep", "1000"],
      request: { heldPorts: [{ protocol: "tcp", ip: "127.0.0.1", port: 0 }] },
    });
    const shim = await fixture.take();
    const { ports } = await shim.create(request);
    const [port = 0] = ports;
    expect(port).toBeGreaterThan(0);
    const listen = () =>
      new Promise<string>((resolve) => {
        const server = createServer();
        server.on("error", (error) => resolve(String("code" in error ? error.code : error)));
        server.listen(port, "127.0.0.1", () => server.close(() => resolve("free")));
      });
    expect(await listen()).toBe("EADDRINUSE");
    await shim.release();
    expect(await listen()).toBe("free");
  });
});

describe("limits", () => {
  test("a container that takes more memory than it may is killed, and that is said", async () => {
    const layout = readCgroupLayout();
    const file = layout.version === 1 ? "memory.limit_in_bytes" : "memory.max";
    const controller = layout.version === 1 ? "memory" : "unified";
    const { exit } = await fixture.run({
      args: sh("head -c 64m /dev/zero | tail"),
      request: { cgroupWrites: [{ controller, file, value: "16777216" }] },
    });
    expect(exit.oomKilled).toBe(true);
  });

  test("an rlimit beyond the engine's own is cut down and warned of", async () => {
    const { hard } = { hard: Number(spawnSync("sh", ["-c", "ulimit -H -n"], { encoding: "utf8" }).stdout) };
    const request = fixture.request({
      args: sh("ulimit -n; ulimit -u"),
      process: {
        rlimits: [
          { type: "RLIMIT_NOFILE", soft: 100, hard: 200 },
          { type: "RLIMIT_NPROC", soft: -1, hard: -1 },
        ],
      },
    });
    const shim = await fixture.take();
    const { warnings } = await shim.create(request);
    const capable = (BigInt(`0x${/CapEff:\s*(\w+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]}`) >> 24n) & 1n;
    expect(warnings.length).toBe(capable ? 0 : 1);
    expect(hard).toBeGreaterThan(200);
    await shim.release();
  });
});

describe("what a hostile image or process tries", () => {
  const target = () => {
    rmSync(fixture.path("host"), { recursive: true, force: true });
    mkdirSync(fixture.path("host"));
    writeFileSync(fixture.path("host/secret"), "host\n");
    return fixture.path("host");
  };
  const hostileRoot = (prepare: (root: string) => void) => {
    const root = fixture.path("hostile");
    rmSync(root, { recursive: true, force: true });
    makeBusyboxRoot(root);
    prepare(root);
    return { root: { kind: "directory", path: root } } as const;
  };
  const bind = (destination: string) => ({
    destination,
    type: "bind",
    source: fixture.path("host"),
    options: ["rbind"],
  });

  test("CVE-2021-30465: a mount's target through a link stays in the container", async () => {
    const host = target();
    const request = hostileRoot((root) => symlinkSync("/", `${root}/escape`));
    const { stdout } = await fixture.run({
      args: sh(`ls -d ${host}; cat ${host}/secret`),
      request,
      mounts: [bind(`/escape${host}`)],
    });
    expect(stdout).toBe(`${host}\nhost\n`);
    expect(existsSync(`${request.root.path}${host}`)).toBe(true);
  });

  test("a target of many `..` ends at the container's root", async () => {
    target();
    const request = hostileRoot((root) => symlinkSync("../../../../../../../../dots", `${root}/up`));
    const { stdout } = await fixture
      .run({ args: ["cat", "/dots/secret"], request, mounts: [bind("/up")] })
      .catch(() => ({
        stdout: "refused",
      }));
    expect(stdout).toMatch(/^(host\n|refused)$/);
    expect(existsSync("/dots")).toBe(false);
  });

  test("CVE-2019-19921: /proc as a link into a volume is refused", async () => {
    const request = hostileRoot((root) => {
      mkdirSync(`${root}/volume`);
      symlinkSync("/volume", `${root}/proc`);
    });
    expect(fixture.run({ args: ["true"], request })).rejects.toBeInstanceOf(StartFailure);
  });

  test("CVE-2025-31133: a false /dev/null masks nothing, and is refused", async () => {
    const plain = fixture.request({ args: ["true"] });
    const request = hostileRoot((root) => {
      mkdirSync(`${root}/dev`);
      symlinkSync("/etc/passwd", `${root}/dev/null`);
    });
    const mounts = plain.spec.mounts.filter(({ destination }) => !destination.startsWith("/dev"));
    const spec = { ...plain.spec, mounts };
    expect(fixture.run({ args: ["true"], request: { ...request, spec } })).rejects.toThrow(
      /hidden path \(\/proc\/k\w+\): (symbolic link loop|too many levels)/,
    );
  });

  test("CVE-2019-5736: the shim's file cannot be written through /proc/<pid>/exe", async () => {
    const program = nativePath("lighter-shim");
    const hash = () => createHash("sha256").update(readFileSync(program)).digest("hex");
    const before = hash();
    const running = await fixture.start({ args: ["sleep", "1000"], request: { reaper: true } });
    const { stream } = await running.shim.exec(
      execRequest(
        "overwrite",
        sh(
          "(echo bad > /proc/1/exe) 2>&1 | sed 's/.*: //'; (exec 3< /proc/1/exe; echo bad > /proc/self/fd/3) 2>&1 | sed 's/.*: //'",
        ),
      ),
    );
    const said = stream ? demultiplex(await readAll(stream)).stdout : "";
    expect(said).toMatch(/Read-only file system|Permission denied/);
    expect(said).not.toContain("Text file busy");
    expect(hash()).toBe(before);
    await running.shim.kill(9);
    await running.exited;
  });

  test("CVE-2024-21626: a working directory outside of the root is refused", async () => {
    for (let number = 3; number < 12; number++) {
      expect(fixture.run({ args: ["pwd"], process: { cwd: `/proc/self/fd/${number}` } })).rejects.toBeInstanceOf(
        StartFailure,
      );
    }
  });

  test("a pipe in passwd's place does not hold up the start", async () => {
    const request = hostileRoot((root) => {
      rmSync(`${root}/etc/passwd`);
      spawnSync("mkfifo", [`${root}/etc/passwd`]);
    });
    const { stdout } = await fixture.run({ args: ["echo", "started"], request });
    expect(stdout).toBe("started\n");
  });

  test("CVE-2022-36109: the primary group is among the supplementary ones", async () => {
    const { stdout } = await fixture.run({
      args: sh("grep Groups /proc/self/status"),
      process: { user: { uid: 0, gid: 0, userName: "1234:4321" } },
    });
    expect(stdout.trim()).toBe("Groups:\t4321");
  });

  test("CVE-2022-29162: no capability is inheritable", async () => {
    const { stdout } = await fixture.run({ args: sh("grep CapInh /proc/self/status") });
    expect(stdout).toBe("CapInh:\t0000000000000000\n");
  });

  test("a sysctl's path cannot leave /proc/sys", async () => {
    const sysctl = { "../../etc/passwd": "x" };
    expect(fixture.run({ args: ["true"], linux: { sysctl } })).rejects.toThrow("not a name below /proc/sys");
  });
});
