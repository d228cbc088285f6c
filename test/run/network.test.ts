import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { eventually } from "../harness/deadline.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine[Symbol.asyncDispose]());

function sh(script: string): string[] {
  return ["busybox", "sh", "-c", script];
}

const HOST_ADDRESS =
  Object.entries(networkInterfaces())
    .filter(([name]) => name !== "lo")
    .flatMap(([, addresses]) => addresses ?? [])
    .find(({ family }) => family === "IPv4")?.address ?? "";

/** What a web server in a container says, or how asking it ended. */
async function get(address: string, port: number): Promise<string> {
  try {
    return (
      await (await fetch(`http://${address}:${port}/`, { keepalive: false, signal: AbortSignal.timeout(500) })).text()
    ).trim();
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}

const SERVER = sh("mkdir -p /w && echo served > /w/index.html && exec httpd -f -p 80 -h /w");

/** The server has been started, not yet listening: nothing tells of that from outside. */
function untilServed(address: string, port: number): Promise<string> {
  return eventually(`${address}:${port} answers`, async () =>
    (await get(address, port)) === "served" ? "served" : undefined,
  );
}

/** A port of the host that is free at this moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "0.0.0.0");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

describe.each(["docker", "lighter"] as const)("%s run", (cli) => {
  const run = (...args: string[]) => engine[cli]("run", "--rm", ...args);
  const output = async (...args: string[]) => {
    const { stdout, stderr, exitCode } = await run(...args);
    expect([stderr, exitCode]).toEqual(["", 0]);
    return stdout.trim();
  };
  const detached = async (...args: string[]) => (await engine[cli]("run", "-d", ...args)).stdout.trim();

  test("--network none is a loopback alone", async () => {
    expect(
      await output(
        "--network",
        "none",
        ...sh(
          "ls /sys/class/net; ip route; grep -c 172 /etc/hosts || true; ping -c1 127.0.0.1 | grep -c '1 packets received'",
        ),
      ),
    ).toBe("lo\n0\n1");
  });

  test("--network host is the host's, its name and its resolver too", async () => {
    const script = "readlink /proc/self/ns/net; hostname; cat /sys/class/net/lo/ifindex";
    expect(await output("--network", "host", ...sh(script))).toBe(
      `${readlinkSync("/proc/self/ns/net")}\n${readFileSync("/proc/sys/kernel/hostname", "utf8").trim()}\n1`,
    );
    expect(await output("--network", "host", "-h", "own", "busybox", "hostname")).toBe("own");
  });

  test("the bridge gives an address, a route, and the way to other containers", async () => {
    const id = await detached(...SERVER);
    const [address = "", gateway] = (
      await engine.expectDocker("inspect", "-f", "{{.NetworkSettings.IPAddress}} {{.NetworkSettings.Gateway}}", id)
    ).split(" ");
    expect(await output(...sh("ip route | grep -o 'default via [0-9.]*'; cat /sys/class/net/eth0/operstate"))).toBe(
      `default via ${gateway}\nup`,
    );
    await untilServed(address, 80);
    expect(await output("busybox", "wget", "-qO-", `http://${address}/`)).toBe("served");
    await engine.expectDocker("rm", "-f", id);
  });

  test("--network container: shares the other's, and needs it to run", async () => {
    const id = await detached("-h", "shared", ...SERVER);
    await untilServed(await engine.expectDocker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", id), 80);
    expect(await output("--network", `container:${id}`, ...sh("wget -qO- http://127.0.0.1/; hostname"))).toBe(
      "served\nshared",
    );
    const named = await run("--network", `container:${id}`, "-h", "own", "busybox", "true");
    expect([named.stderr, named.exitCode]).toEqual([
      expect.stringContaining("conflicting options: hostname and the network mode"),
      125,
    ]);
    await engine.expectDocker("kill", id);
    const { stderr, exitCode } = await run("--network", `container:${id}`, "busybox", "true");
    expect([stderr, exitCode]).toEqual([expect.stringContaining(`container ${id.slice(0, 12)}`), 125]);
    expect(stderr).toContain("not running");
    await engine.expectDocker("rm", id);
  });

  test("-p is reached on loopback and on the host's address, and is given back at the end", async () => {
    const port = await freePort();
    const id = await detached("-p", `${port}:80`, ...SERVER);
    await untilServed("127.0.0.1", port);
    expect(await get(HOST_ADDRESS, port)).toBe("served");
    expect(await engine.expectDocker("port", id)).toBe(`80/tcp -> 0.0.0.0:${port}`);
    const second = await run("-p", `${port}:80`, "--name", "second", "busybox", "true");
    expect(second.exitCode).toBe(125);
    expect(second.stderr).toMatch(
      new RegExp(
        `driver failed programming external connectivity on endpoint second \\([0-9a-f]{64}\\): Bind for 0\\.0\\.0\\.0:${port} failed: port is already allocated`,
      ),
    );
    await engine.expectDocker("stop", "-t", "0", id);
    expect(await get("127.0.0.1", port)).not.toBe("served");
    await engine.expectDocker("start", id);
    await untilServed("127.0.0.1", port);
    await engine.expectDocker("rm", "-f", id);
    expect(await output("-p", `${port}:80`, "busybox", "echo", "free again")).toBe("free again");
  });

  test("-p on one address is not reached on another; -p without a host port and -P pick one", async () => {
    const port = await freePort();
    const id = await detached("-p", `127.0.0.1:${port}:80`, "-p", "81", "--expose", "82/udp", "-P", ...SERVER);
    await untilServed("127.0.0.1", port);
    expect(await get(HOST_ADDRESS, port)).not.toBe("served");
    const ports = await engine.expectDocker("port", id);
    expect(ports).toContain(`80/tcp -> 127.0.0.1:${port}`);
    expect(ports).toMatch(/^81\/tcp -> 0\.0\.0\.0:\d+$/m);
    expect(ports).toMatch(/^82\/udp -> 0\.0\.0\.0:\d+$/m);
    await engine.expectDocker("rm", "-f", id);
  });

  test("a port that a process of the host has is refused, and nothing half-made stays", async () => {
    const server = createServer().listen(0, "0.0.0.0");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const before = await engine.expectDocker("ps", "-aq");
    const { stderr, exitCode } = await run("-p", `${port}:80`, "busybox", "true");
    expect([stderr, exitCode]).toEqual([
      expect.stringMatching(/address already in use|port is already allocated/),
      125,
    ]);
    expect(await engine.expectDocker("ps", "-aq")).toBe(before);
    server.close();
  });

  test.each([
    [["-p", "99999:80"], "invalid hostPort: 99999"],
    [["-p", "80:80/foo"], "invalid proto: foo"],
    [["-p", "1-3:80-81"], "invalid ranges specified for container and host Ports: 80-81 and 1-3"],
    [["-p", "nosuch:80"], "nosuch"],
    [["--network", "nosuch"], "network nosuch not found"],
    [["--network", "container:nosuch"], "No such container: nosuch"],
    [["--ip", "1.2.3.4"], "user specified IP address is supported"],
  ])("%j is refused", async (flags, expected) => {
    const before = await engine.expectDocker("ps", "-aq");
    const { stderr, exitCode } = await run(...flags, "busybox", "true");
    expect([stderr, exitCode]).toEqual([expect.stringContaining(expected), 125]);
    expect(stderr).not.toContain("Unable to find image");
    expect(await engine.expectDocker("ps", "-aq")).toBe(before);
  });
});

test("CVE-2020-8558: another machine on the bridge does not reach the host's loopback", async () => {
  // 127.0.0.1 is routable on an interface with route_localnet; a container must not make use of that.
  const server = createServer((socket) => socket.end("secret")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const script = `ip addr del 127.0.0.1/8 dev lo; ip route add 127.0.0.1/32 via $(ip route | awk '/default/ {print $3}') && nc -w 2 127.0.0.1 ${port} < /dev/null; echo end $?`;
  const { stdout } = await engine.docker("run", "--rm", "--cap-add", "NET_ADMIN", ...sh(script));
  server.close();
  expect(stdout).toBe("end 1\n");
});

test("CVE-2020-8558: a port published on loopback alone is not reached with a forged destination", async () => {
  const port = await freePort();
  const id = await engine.expectDocker("run", "-d", "-p", `127.0.0.1:${port}:80`, ...SERVER);
  await untilServed("127.0.0.1", port);
  const script = `ip addr del 127.0.0.1/8 dev lo; ip route add 127.0.0.1/32 via $(ip route | awk '/default/ {print $3}') && nc -w 2 127.0.0.1 ${port} < /dev/null; echo end $?`;
  const { stdout } = await engine.docker("run", "--rm", "--cap-add", "NET_ADMIN", ...sh(script));
  expect(stdout).toBe("end 1\n");
  await engine.expectDocker("rm", "-f", id);
});

test("nothing of a network is left of containers that have ended", async () => {
  const links = () => spawnSync("ip", ["-o", "link"], { encoding: "utf8" }).stdout.match(/lt[-\w]+@/g)?.length ?? 0;
  const before = links();
  await Promise.all([1, 2, 3].map(() => engine.expectDocker("run", "--rm", "-p", "80", "busybox", "true")));
  await eventually("links are gone", () => (links() <= before ? true : undefined));
});
