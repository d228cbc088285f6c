import { expect, test } from "bun:test";
import { ContainerConfigSchema, HostConfigSchema } from "./container-config.ts";
import { requireOwnNetwork } from "./require-own-network.ts";

function check(part: Record<string, unknown>): void {
  requireOwnNetwork(ContainerConfigSchema.parse(part), HostConfigSchema.parse(part));
}

const ports = { PortBindings: { "80/tcp": [{ HostPort: "80" }] } };

test.each([
  [{ Hostname: "own" }, "hostname and the network mode"],
  [{ Dns: ["9.9.9.9"] }, "dns and the network mode"],
  [{ ExtraHosts: ["a:1.2.3.4"] }, "custom host-to-IP mapping and the network mode"],
  [ports, "port publishing and the container type network mode"],
  [{ PublishAllPorts: true }, "port publishing and the container type network mode"],
  [{ ExposedPorts: { "80/tcp": {} } }, "port exposing and the container type network mode"],
])("%j needs a network of its own", (part, options) => {
  expect(() => check({ ...part, NetworkMode: "container:x" })).toThrow(`conflicting options: ${options}`);
  check({ ...part, NetworkMode: "bridge" });
});

test("a name needs a UTS namespace of its own", () => {
  expect(() => check({ Hostname: "own", UTSMode: "host" })).toThrow("conflicting options: hostname and the UTS mode");
  check({ Hostname: "own", NetworkMode: "host" });
});
