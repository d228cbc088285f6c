import { afterAll, beforeAll, expect, test } from "bun:test";
import { eventually } from "../harness/deadline.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { ask } from "./ask.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
});

async function network(name: string, ...options: string[]): Promise<string> {
  return engine.expectDocker("network", "create", ...options, name);
}

async function stay(name: string, ...options: string[]): Promise<void> {
  await engine.expectDocker("run", "--detach", "--name", name, ...options, "busybox", "sleep", "1000");
}

function within(container: string, ...command: string[]): Promise<string> {
  return engine.expectDocker("exec", container, ...command);
}

async function endpoint(container: string, on: string): Promise<Record<string, unknown>> {
  const json = await engine.expectDocker(
    "inspect",
    "--format",
    `{{json (index .NetworkSettings.Networks "${on}")}}`,
    container,
  );
  return JSON.parse(json);
}

test("a running container gets a further link, its address, its names and its line in hosts, and loses them", async () => {
  await network("c-first", "--subnet", "198.18.11.0/24");
  await network("c-second", "--subnet", "198.18.12.0/24");
  await stay("c-mover", "--network", "c-first");
  await stay("c-neighbour", "--network", "c-second");
  await engine.expectDocker("network", "connect", "--ip", "198.18.12.77", "--alias", "guest", "c-second", "c-mover");
  expect(await within("c-mover", "ip", "-o", "-4", "address", "show", "eth1")).toContain("198.18.12.77/24");
  expect(await within("c-mover", "ping", "-c", "1", "-W", "5", "c-neighbour")).toContain("1 packets received");
  expect(await within("c-neighbour", "ping", "-c", "1", "-W", "5", "guest")).toContain("1 packets received");
  expect(await within("c-mover", "cat", "/etc/hosts")).toContain("198.18.12.77\t");
  expect(await endpoint("c-mover", "c-second")).toMatchObject({
    IPAddress: "198.18.12.77",
    IPPrefixLen: 24,
    Gateway: "198.18.12.1",
    Aliases: ["guest"],
  });
  const listed = await engine.expectDocker("network", "inspect", "--format", "{{json .Containers}}", "c-second");
  expect(listed).toContain('"IPv4Address":"198.18.12.77/24"');

  await engine.expectDocker("network", "disconnect", "c-second", "c-mover");
  expect(await within("c-mover", "ip", "-o", "link")).not.toContain("eth1");
  expect(await within("c-mover", "cat", "/etc/hosts")).not.toContain("198.18.12.77");
  expect(await engine.expectDocker("inspect", "--format", "{{len .NetworkSettings.Networks}}", "c-mover")).toBe("1");
  expect((await engine.docker("network", "disconnect", "c-second", "c-mover")).stderr).toContain("is not connected to");
});

test("the way out is the first network's by name, or that of the highest priority", async () => {
  await network("r-b", "--subnet", "198.18.13.0/24");
  await network("r-a", "--subnet", "198.18.14.0/24");
  await network("r-c", "--subnet", "198.18.15.0/24");
  await network("r-0-internal", "--internal");
  await stay("r-mover", "--network", "r-b");
  const route = () => within("r-mover", "ip", "route", "show", "default");
  expect(await route()).toContain("via 198.18.13.1 ");
  await engine.expectDocker("network", "connect", "r-0-internal", "r-mover");
  expect(await route()).toContain("via 198.18.13.1 ");
  await engine.expectDocker("network", "connect", "r-a", "r-mover");
  expect(await route()).toContain("via 198.18.14.1 ");
  await engine.expectDocker("network", "connect", "--gw-priority", "10", "r-c", "r-mover");
  expect(await route()).toContain("via 198.18.15.1 ");
  await engine.expectDocker("network", "disconnect", "r-c", "r-mover");
  expect(await route()).toContain("via 198.18.14.1 ");
  await engine.expectDocker("restart", "--timeout", "0", "r-mover");
  expect(await route()).toContain("via 198.18.14.1 ");
});

test("a container may start on several networks, with links of chosen names, and reach the host", async () => {
  await network("m-b", "--subnet", "198.18.19.0/24");
  await network("m-a", "--subnet", "198.18.20.0/24");
  await network("m-inside", "--internal");
  const ifname = "driver-opt=com.docker.network.endpoint.ifname=wan0";
  const networks = [
    "--network",
    "m-inside",
    "--network",
    "name=m-b",
    "--network",
    `name=m-a,ip=198.18.20.20,${ifname}`,
  ];
  await stay("m-one", ...networks, "--add-host", "host:host-gateway");
  const links = await within("m-one", "ip", "-o", "-4", "address");
  expect(links).toContain("wan0    inet 198.18.20.20/24");
  expect(links).toContain("eth1    inet 198.18.19.2/24");
  expect(await within("m-one", "ip", "route", "show", "default")).toContain("via 198.18.20.1 dev wan0");
  expect(await within("m-one", "cat", "/etc/hosts")).toContain("198.18.20.1\thost\n");
});

test("published ports follow the way out", async () => {
  await network("p-b");
  await network("p-a");
  const served = "while :; do echo hello | nc -l -p 80; done";
  await engine.expectDocker(
    "run",
    "-d",
    "--name",
    "p-server",
    "--network",
    "p-b",
    "-p",
    "127.0.0.1::80",
    "busybox",
    "sh",
    "-c",
    served,
  );
  const [, port] = (await engine.expectDocker("port", "p-server", "80")).split(":");
  const answers = () =>
    eventually("the server answers", async () => (await ask("tcp", "127.0.0.1", Number(port))) || undefined);
  expect(await answers()).toBe("hello\n");
  await engine.expectDocker("network", "connect", "p-a", "p-server");
  await engine.expectDocker("network", "disconnect", "p-b", "p-server");
  expect(await answers()).toBe("hello\n");
});

test("a container that does not run joins when it starts", async () => {
  await network("s-one");
  await engine.expectDocker("create", "--name", "s-later", "--network", "s-one", "busybox", "sleep", "1000");
  await network("s-two", "--subnet", "198.18.16.0/24");
  await engine.expectDocker("network", "connect", "--ip", "198.18.16.9", "s-two", "s-later");
  await engine.expectDocker("start", "s-later");
  expect(await within("s-later", "ip", "-o", "-4", "address")).toContain("198.18.16.9/24");
  await engine.expectDocker("stop", "--timeout", "0", "s-later");
  await engine.expectDocker("network", "disconnect", "s-two", "s-later");
  await engine.expectDocker("start", "s-later");
  expect(await within("s-later", "ip", "-o", "-4", "address")).not.toContain("198.18.16.9");
});

test("a container on the default bridge asks the engine for names as soon as it is on a user's network", async () => {
  await stay("d-native");
  expect(await within("d-native", "cat", "/etc/resolv.conf")).not.toContain("127.0.0.11");
  await network("d-user");
  await stay("d-neighbour", "--network", "d-user");
  await engine.expectDocker("network", "connect", "d-user", "d-native");
  expect(await within("d-native", "ping", "-c", "1", "-W", "5", "d-neighbour")).toContain("1 packets received");
});

test("what cannot be joined is refused in Docker's words", async () => {
  await network("x-net", "--subnet", "198.18.17.0/24");
  await network("x-loose");
  await stay("x-one", "--network", "x-net", "--ip", "198.18.17.5");
  await stay("x-host", "--network", "host");
  await stay("x-two");
  const refusals: [string[], string][] = [
    [["x-net", "x-one"], "endpoint with name x-one already exists in network x-net"],
    [["x-net", "x-host"], "container cannot be disconnected from host network or connected to host network"],
    [["host", "x-two"], "container cannot be disconnected from host network or connected to host network"],
    [["--ip", "198.18.17.5", "x-net", "x-two"], "Address already in use"],
    [["--ip", "10.1.2.3", "x-net", "x-two"], "no configured subnet"],
    [
      ["--ip", "10.1.2.3", "x-loose", "x-two"],
      "user specified IP address is supported only when connecting to networks with user configured subnets",
    ],
    [["missing", "x-two"], "network missing not found"],
    [["x-net", "missing"], "No such container: missing"],
  ];
  for (const [args, reason] of refusals) {
    const { exitCode, stderr } = await engine.docker("network", "connect", ...args);
    expect({ args, exitCode, stderr }).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(reason) });
  }
  expect(await within("x-two", "ip", "-o", "link")).not.toContain("eth1");
  const busy = await engine.docker("network", "rm", "x-net");
  expect(busy.stderr).toContain("has active endpoints");
  expect((await engine.docker("network", "rm", "bridge")).stderr).toContain(
    "is a pre-defined network and cannot be removed",
  );
});

test("a connection that fails half-way leaves nothing of it", async () => {
  await network("h-net");
  await stay("h-one", "--cap-add", "NET_ADMIN");
  await within("h-one", "ip", "link", "add", "taken0", "type", "bridge");
  const ifname = ["--driver-opt", "com.docker.network.endpoint.ifname=taken0"];
  const refused = await engine.docker("network", "connect", ...ifname, "h-net", "h-one");
  expect(refused.stderr).toContain("the container's networks cannot be changed");
  expect(await engine.expectDocker("inspect", "--format", "{{len .NetworkSettings.Networks}}", "h-one")).toBe("1");
  expect(await within("h-one", "cat", "/etc/resolv.conf")).not.toContain("127.0.0.11");
  await engine.expectDocker("network", "rm", "h-net");
});

test("an engine that is killed while it connects and disconnects leaves every link as the records say", async () => {
  await network("k-net", "--subnet", "198.18.18.0/24");
  await stay("k-mover");
  for (let round = 0; round < 6; round++) {
    const action = round % 2 === 0 ? "connect" : "disconnect";
    const asked = engine.docker("network", action, "k-net", "k-mover");
    await Bun.sleep(round * 4); // Whichever moment the kill meets, what follows must hold.
    await engine.kill9();
    await asked;
    await engine.start();
    const recorded = (await endpoint("k-mover", "k-net"))?.IPAddress;
    const links = await within("k-mover", "ip", "-o", "-4", "address");
    expect(links.includes("198.18.18.")).toBe(recorded !== undefined);
    if (recorded) expect(links).toContain(`${recorded}/24`);
    await engine.docker("network", "disconnect", "k-net", "k-mover");
    if (round % 2 === 0) await engine.expectDocker("network", "connect", "k-net", "k-mover");
  }
});

test("comings and goings are told as events", async () => {
  const id = await network("e-net");
  const since = String(Math.floor(Date.now() / 1000) - 1);
  await stay("e-one", "--network", "e-net");
  await engine.expectDocker("network", "disconnect", "e-net", "e-one");
  await engine.expectDocker("network", "connect", "e-net", "e-one");
  await engine.expectDocker("rm", "--force", "e-one");
  await engine.expectDocker("network", "rm", "e-net");
  const until = String(Math.ceil(Date.now() / 1000));
  const filters = ["--filter", "type=network", "--filter", `network=${id}`];
  const format = "{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.type}}";
  const told = await engine.expectDocker("events", "--since", since, "--until", until, ...filters, "--format", format);
  expect(told.split("\n")).toEqual([
    "create e-net bridge",
    "connect e-net bridge",
    "disconnect e-net bridge",
    "connect e-net bridge",
    "disconnect e-net bridge",
    "destroy e-net bridge",
  ]);
});
