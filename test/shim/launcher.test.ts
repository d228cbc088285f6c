import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nativePath } from "../../src/base/native.ts";
import { Shim } from "../../src/runtime/shim.ts";
import { ShimLauncher, type ShimOrder } from "../../src/runtime/shim-launcher.ts";
import { eventually } from "../harness/deadline.ts";
import { processesOf } from "./shim-fixture.ts";

let directory: string;
let launcher: ShimLauncher;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "lighter-shim-"));
  launcher = new ShimLauncher(nativePath("lighter-shim"), directory);
});

afterEach(async () => {
  launcher[Symbol.dispose]();
  await eventually("launcher and shims are gone", () => (processesOf(directory).length === 0 ? true : undefined));
  rmSync(directory, { recursive: true });
});

const order = (name: string): ShimOrder => ({
  socket: join(directory, `${name}.sock`),
  cgroupPath: `/lighter/berth-launcher-${process.pid}-${name}`,
});

test("one order starts several shims, each called by its own socket", async () => {
  await launcher.launch([order("one"), order("two")]);
  const shims = await Promise.all(["one", "two"].map((name) => Shim.connect(order(name).socket)));
  const called = ["one", "two"].map((name) => processesOf(order(name).socket).length);
  await Promise.all(shims.map((shim) => shim.release()));
  // The shim, its keeper, and the container's first process to be.
  expect(called).toEqual([3, 3]);
});

test("orders that come together are carried out one after another, by one launcher", async () => {
  await Promise.all(["a", "b", "c"].map((name) => launcher.launch([order(name)])));
  const shims = await Promise.all(["a", "b", "c"].map((name) => Shim.connect(order(name).socket)));
  await Promise.all(shims.map((shim) => shim.release()));
  await eventually("the launcher alone is left", () => (processesOf(directory).length === 1 ? true : undefined));
});

test("an order that fails says why, and the next is carried out", async () => {
  const tooLong = { ...order("x"), socket: join(directory, "x".repeat(120)) };
  await expect(launcher.launch([tooLong])).rejects.toThrow(/could not be started: .*name too long/i);
  await launcher.launch([order("next")]);
  await (await Shim.connect(order("next").socket)).release();
});

test("a launcher that was killed is replaced", async () => {
  await launcher.launch([order("before")]);
  await (await Shim.connect(order("before").socket)).release();
  await eventually("the launcher alone is left", () => (processesOf(directory).length === 1 ? true : undefined));
  for (const pid of processesOf(directory)) process.kill(Number(pid), "SIGKILL");
  await eventually("it is gone", () => (processesOf(directory).length === 0 ? true : undefined));
  // It may not have been noticed yet: then one order fails, and never two.
  await launcher.launch([order("lost")]).catch(() => launcher.launch([order("after")]));
  const name = existsSync(order("after").socket) ? "after" : "lost";
  await (await Shim.connect(order(name).socket)).release();
});

test("a program that cannot be started is named", async () => {
  using missing = new ShimLauncher("/nowhere/lighter-shim", directory);
  await expect(missing.launch([order("x")])).rejects.toThrow("/nowhere/lighter-shim could not be started");
});
