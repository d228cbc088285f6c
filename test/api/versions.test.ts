import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { newContainer } from "./cases/api-case.ts";

/** What a client of an older version gets: the fields that its version had, and no others (Engine API version history). */
let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
  await engine.expectDocker("network", "create", "own");
  await engine.expectDocker(
    "create",
    "--name",
    "subject",
    "--network",
    "own",
    "--annotation",
    "a=b",
    "busybox",
    "true",
  );
}, 60_000);
afterAll(() => engine[Symbol.asyncDispose]());

const VERSIONS = Array.from({ length: 51 - 24 + 1 }, (_, at) => 24 + at);

describe.each([
  ["VirtualSize", "/images/json", "0.VirtualSize", { until: 44 }],
  ["an image's VirtualSize", "/images/busybox/json", "VirtualSize", { until: 44 }],
  ["an image's Container", "/images/busybox/json", "Container", { until: 45 }],
  ["an image's ContainerConfig", "/images/busybox/json", "ContainerConfig.Hostname", { until: 45 }],
  ["a container's fields in an image's Config", "/images/busybox/json", "Config.AttachStdin", { until: 50 }],
  ["empty fields of an image's Config", "/images/busybox/json", "Config.WorkingDir", { from: 24 }],
  ["FirewallBackend", "/info", "FirewallBackend", { from: 49 }],
  ["BridgeNfIptables", "/info", "BridgeNfIptables", { until: 50 }],
  ["a runtime's expected commit", "/info", "RuncCommit.Expected", { until: 49 }],
  ["BuilderSize", "/system/df", "BuilderSize", { until: 42 }],
  ["VirtualSize in df", "/system/df", "Images.0.VirtualSize", { until: 44 }],
  ["Annotations in the list", "/containers/json?all=1", "0.HostConfig.Annotations", { from: 46 }],
] as const)("%s", (_, path, field, range) => {
  test.each(VERSIONS)("1.%d", async (minor) => {
    const document = await read(minor, path);
    const there = ("from" in range ? minor >= range.from : true) && ("until" in range ? minor < range.until : true);
    expect(valueAt(document, field) === undefined).toBe(!there);
  });
});

test("a started container's own names stand among its aliases until 1.45", async () => {
  const aliases = async (minor: number) =>
    valueAt(await read(minor, "/containers/subject/json"), "NetworkSettings.Networks.own.Aliases");
  const { Id: id } = (await read(51, "/containers/subject/json")) as { Id: string };
  expect(await aliases(44)).toBeNull();
  await engine.expectDocker("start", "subject");
  expect(await aliases(45)).toBeNull();
  expect(await aliases(44)).toEqual([id.slice(0, 12)]);
});

test("images are counted by their containers from 1.51 on", async () => {
  expect(valueAt(await read(50, "/images/json"), "0.Containers")).toBe(-1);
  expect(valueAt(await read(51, "/images/json"), "0.Containers")).toBe(1);
});

test.each([
  ["1.39", { HostConfig: {} }, "HostConfig.IpcMode", "shareable"],
  ["1.40", { HostConfig: {} }, "HostConfig.IpcMode", "private"],
  ["1.42", { HostConfig: { Annotations: { a: "b" } } }, "HostConfig.Annotations", undefined],
  ["1.43", { HostConfig: { Annotations: { a: "b" } } }, "HostConfig.Annotations", { a: "b" }],
  ["1.41", { HostConfig: { ConsoleSize: [1, 2] } }, "HostConfig.ConsoleSize", [0, 0]],
  ["1.42", { HostConfig: { ConsoleSize: [1, 2] } }, "HostConfig.ConsoleSize", [1, 2]],
  ["1.24", { HostConfig: { AutoRemove: true } }, "HostConfig.AutoRemove", false],
  ["1.25", { HostConfig: { AutoRemove: true } }, "HostConfig.AutoRemove", true],
  ["1.43", { Healthcheck: { Test: ["NONE"], StartInterval: 1e9 } }, "Config.Healthcheck.StartInterval", undefined],
  ["1.44", { Healthcheck: { Test: ["NONE"], StartInterval: 1e9 } }, "Config.Healthcheck.StartInterval", 1e9],
])("a container made by a client of %s from %j has %s %j", async (version, config, field, value) => {
  const id = await newContainer(engine, config, { version });
  const document = valueAt(await read(51, `/containers/${id}/json`), field);
  expect(document).toEqual(value);
});

test.each([
  [
    "1.43",
    { NetworkingConfig: { EndpointsConfig: { own: {}, bridge: {} } } },
    "multiple network endpoints: own, bridge",
  ],
  ["1.44", { HostConfig: { Mounts: [{ Target: "/v", VolumeOptions: { Subpath: "a" } }] } }, "Subpath needs API v1.45"],
  [
    "1.47",
    { HostConfig: { Mounts: [{ Type: "image", Source: "busybox", Target: "/i" }] } },
    "needs API v1.48 or newer",
  ],
])("a client of %s is refused %j", async (version, config, message) => {
  await expect(newContainer(engine, config, { version })).rejects.toThrow(message);
});

test.each([
  [
    "1.23",
    "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version",
  ],
  ["1.52", "client version 1.52 is too new. Maximum supported API version is 1.51"],
])("version %s is refused", async (version, message) => {
  const response = await engine.api(`/v${version}/_ping`);
  expect([response.status, await response.json()]).toEqual([400, { message }]);
});

test("a prune of volumes takes named ones until 1.42", async () => {
  const names = async () =>
    ((await read(51, "/volumes")) as { Volumes: { Name: string }[] }).Volumes.map(({ Name }) => Name);
  await engine.expectDocker("volume", "create", "named");
  await engine.api("/v1.42/volumes/prune", { method: "POST" });
  expect(await names()).toContain("named");
  await engine.api("/v1.41/volumes/prune", { method: "POST" });
  expect(await names()).not.toContain("named");
});

async function read(minor: number, path: string): Promise<unknown> {
  const response = await engine.api(`/v1.${minor}${path}`);
  expect(response.status).toBe(200);
  return response.json();
}

function valueAt(document: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((value, key) => (value as Record<string, unknown> | null)?.[key], document);
}

test("the headers that clients choose their version and builder by are there, with and without a body", async () => {
  for (const method of ["GET", "HEAD"]) {
    const response = await engine.api("/_ping", { method });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "api-version": "1.51",
      "builder-version": expect.stringMatching(/^[12]$/),
      "docker-experimental": "false",
      ostype: "linux",
      swarm: "inactive",
      "cache-control": "no-cache, no-store, must-revalidate",
      pragma: "no-cache",
    });
    expect(await response.text()).toBe(method === "GET" ? "OK" : "");
  }
});
