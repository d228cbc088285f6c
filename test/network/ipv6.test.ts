import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { eventually } from "../harness/deadline.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { ask } from "./ask.ts";

const hostHasIpv6 = existsSync("/proc/net/if_inet6");

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
});

async function stay(name: string, ...options: string[]): Promise<void> {
  await engine.expectDocker("run", "--detach", "--name", name, ...options, "busybox", "sleep", "1000");
}

function within(container: string, ...command: string[]): Promise<string> {
  return engine.expectDocker("exec", container, ...command);
}

test.skipIf(!hostHasIpv6)(
  "a network with IPv6 gives addresses, names, a way out and their places in documents",
  async () => {
    const pool = ["--subnet", "fd5e:1::/64", "--subnet", "198.18.21.0/24"];
    await engine.expectDocker("network", "create", "--ipv6", ...pool, "six");
    await stay("six-a", "--network", "six");
    await stay("six-b", "--network", "six", "--ip6", "fd5e:1::99");
    expect(await within("six-a", "ip", "-6", "-o", "address", "show", "eth0")).toContain("fd5e:1::2/64");
    expect(await within("six-a", "ip", "-6", "route", "show", "default")).toContain("via fd5e:1::1 ");
    expect(await within("six-a", "ping", "-6", "-c", "1", "-W", "5", "six-b")).toContain("1 packets received");
    expect(await within("six-a", "ping", "-6", "-c", "1", "-W", "5", "fd5e:1::1")).toContain("1 packets received");
    expect(await within("six-a", "nslookup", "-type=aaaa", "six-b")).toContain("Address: fd5e:1::99");
    expect(await within("six-a", "nslookup", "fd5e:1::99")).toContain("name = six-b.six");
    expect(await within("six-a", "cat", "/etc/hosts")).toContain("fd5e:1::2\t");
    const format = (document: string) => `{{json ${document}}}`;
    const endpoint = JSON.parse(
      await engine.expectDocker("inspect", "--format", format("(index .NetworkSettings.Networks `six`)"), "six-b"),
    );
    expect(endpoint).toMatchObject({
      GlobalIPv6Address: "fd5e:1::99",
      GlobalIPv6PrefixLen: 64,
      IPv6Gateway: "fd5e:1::1",
      IPAMConfig: { IPv6Address: "fd5e:1::99" },
    });
    const network = JSON.parse(await engine.expectDocker("network", "inspect", "six"))[0];
    expect(network.EnableIPv6).toBe(true);
    expect(network.IPAM.Config).toEqual([
      { Subnet: "198.18.21.0/24", Gateway: "198.18.21.1" },
      { Subnet: "fd5e:1::/64", Gateway: "fd5e:1::1" },
    ]);
    const addresses = Object.values(network.Containers).map(
      (container) => (container as { IPv6Address: string }).IPv6Address,
    );
    expect(addresses.toSorted()).toEqual(["fd5e:1::2/64", "fd5e:1::99/64"]);
  },
);

test.skipIf(!hostHasIpv6)("published ports are reached over IPv6 too, under the same number", async () => {
  await engine.expectDocker("network", "create", "--ipv6", "--subnet", "fd5e:2::/64", "six-ports");
  const served = "while :; do echo hello | nc -l -p 80; done";
  const server = ["--network", "six-ports", "-p", "80", "busybox", "sh", "-c", served];
  await engine.expectDocker("run", "-d", "--name", "six-server", ...server);
  const ports = (await engine.expectDocker("port", "six-server", "80")).split("\n").toSorted();
  const port = ports[0]?.split(":").at(-1);
  expect(ports).toEqual([`0.0.0.0:${port}`, `[::]:${port}`]);
  for (const host of ["127.0.0.1", "fd5e:2::1"]) {
    await eventually(`${host} answers`, async () => (await ask("tcp", host, Number(port))) || undefined);
  }
  await engine.expectDocker("rm", "--force", "six-server");
  expect(await ask("tcp", "fd5e:2::1", Number(port))).toBe("");
});

test.skipIf(!hostHasIpv6)("networks are apart in IPv6 as well, and an internal one has no way out", async () => {
  await engine.expectDocker("network", "create", "--ipv6", "apart-a");
  await engine.expectDocker("network", "create", "--ipv6", "--internal", "apart-b");
  await stay("apart-1", "--network", "apart-a");
  await stay("apart-2", "--network", "apart-b");
  const addressOf = (name: string) =>
    engine.expectDocker(
      "inspect",
      "--format",
      "{{range .NetworkSettings.Networks}}{{.GlobalIPv6Address}}{{end}}",
      name,
    );
  const [one, two] = [await addressOf("apart-1"), await addressOf("apart-2")];
  expect(one).toMatch(/^fd/);
  expect(await within("apart-2", "ip", "-6", "route", "show", "default")).toBe("");
  expect((await engine.docker("exec", "apart-1", "ping", "-6", "-c", "1", "-W", "1", two)).exitCode).toBe(1);
});

test.skipIf(!hostHasIpv6)("localhost is ::1 too, for containers without IPv6 as well", async () => {
  const echo = ["nc", "-ll", "-p", "7", "-e", "cat"];
  await engine.expectDocker("run", "-d", "--name", "echo", "-p", "7", "busybox", ...echo);
  const port = Number((await engine.expectDocker("port", "echo", "7")).split(":").at(-1));
  await eventually(
    "the server answers",
    async () => (await converse(port, Buffer.from("x"))).length === 1 || undefined,
  );
  const sent = randomBytes(3_000_000);
  expect((await converse(port, sent)).equals(sent)).toBe(true);
  await engine.expectDocker("rm", "--force", "echo");
  expect(await ask("tcp", "::1", port)).toBe("");
});

test("what IPv6 cannot be had is refused", async () => {
  await engine.expectDocker("network", "create", "--ipv6", "--subnet", "fd5e:3::/64", "taken");
  const create = (...args: string[]) => engine.docker("network", "create", ...args);
  expect((await create("--ipv6", "--subnet", "fd5e:3::/48", "again")).stderr).toContain("Pool overlaps with other one");
  expect((await create("--subnet", "fd5e:4::/64", "without")).stderr).toContain("needs IPv6 on the network");
  const run = await engine.docker("run", "--rm", "-p", "[::1]:0:80", "busybox", "true");
  expect(run).toMatchObject({ exitCode: 125, stderr: expect.stringContaining("the container has no IPv6 address") });
});

/** Sends bytes to a port of ::1 and the end of them, and returns all that comes back until the other's end. */
async function converse(port: number, bytes: Buffer): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const received: Buffer[] = [];
  const socket = connect({ host: "::1", port, allowHalfOpen: true });
  socket.on("data", (chunk: Buffer) => received.push(chunk));
  socket.on("error", () => resolve(Buffer.concat(received)));
  socket.on("end", () => resolve(Buffer.concat(received)));
  socket.end(bytes);
  return promise.finally(() => socket.destroy());
}
