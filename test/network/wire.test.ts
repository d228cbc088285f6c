import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { run } from "./namespace.ts";

/** A link of the host that leads nowhere, of this process's own. */
const PARENT = `lt-p${process.pid}`;

run("ip", "link", "add", PARENT, "type", "bridge");
run("ip", "link", "set", PARENT, "up");

/** Whether the kernel has the driver: tried, for nothing tells it. */
function isKnown(kind: string): boolean {
  const probe = `${PARENT}x`;
  if (spawnSync("ip", ["link", "add", "link", PARENT, "name", probe, "type", kind]).status !== 0) return false;
  run("ip", "link", "delete", probe);
  return true;
}

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  run("ip", "link", "delete", PARENT);
});

async function stay(name: string, ...options: string[]): Promise<void> {
  await engine.expectDocker("run", "--detach", "--name", name, ...options, "busybox", "sleep", "1000");
}

function within(container: string, ...command: string[]): Promise<string> {
  return engine.expectDocker("exec", container, ...command);
}

const DRIVERS = [
  ["macvlan", "198.18.31.0/24", ["-o", "macvlan_mode=bridge"]],
  ["ipvlan", "198.18.32.0/24", ["-o", "ipvlan_mode=l2"]],
] as const;

// Not each kernel has both.
describe.each(DRIVERS.filter(([driver]) => isKnown(driver)))("a %s network", (driver, subnet, options) => {
  test("gives containers of their own on the host's, and names", async () => {
    await engine.expectDocker(
      "network",
      "create",
      "-d",
      driver,
      "--subnet",
      subnet,
      "-o",
      `parent=${PARENT}`,
      ...options,
      driver,
    );
    const [one, two] = [`${driver}-1`, `${driver}-2`];
    await stay(one, "--network", driver);
    await stay(two);
    await engine.expectDocker("network", "connect", driver, two);
    expect(await within(one, "ip", "-o", "link", "show", "eth0")).toContain("eth0@");
    expect(await within(one, "ping", "-c", "1", "-W", "5", two)).toContain("1 packets received");
    expect(await within(two, "ping", "-c", "1", "-W", "5", one)).toContain("1 packets received");
    expect(
      await engine.expectDocker(
        "network",
        "inspect",
        "--format",
        "{{.Driver}} {{(index .IPAM.Config 0).Subnet}}",
        driver,
      ),
    ).toBe(`${driver} ${subnet}`);
    await engine.kill9();
    await engine.start();
    expect(await within(two, "ping", "-c", "1", "-W", "5", one)).toContain("1 packets received");
    await engine.expectDocker("network", "disconnect", driver, two);
    expect(await within(two, "ip", "-o", "link")).not.toContain("eth1");
    await engine.expectDocker("rm", "--force", one);
    await engine.expectDocker("network", "rm", driver);
  });
});

test("a parent that is not there is refused", async () => {
  const create = (...options: string[]) => engine.docker("network", "create", "-d", "macvlan", ...options, "lost");
  expect((await create("-o", "parent=lt-nowhere")).stderr).toContain("the host has no link lt-nowhere");
  expect((await create()).stderr).toContain("name it with -o parent=LINK");
});
