import { isIPv4, isIPv6 } from "node:net";
import { fail } from "../base/errors.ts";
import { parseMacAddress } from "../network/mac-address.ts";
import { isPredefined, type NetworkRecord } from "../network/network-record.ts";
import type { EndpointSettings } from "./container-config.ts";
import type { ContainerRecord } from "./container-record.ts";
import { joinedContainer } from "./require-modes.ts";

/**
 * Refuses to change the networks of a container that has none of its own, and the networks that are no container's.
 * @throws invalid in Docker's words.
 */
export function requireConnectable(
  { hostConfig: { NetworkMode: mode } }: ContainerRecord,
  network: NetworkRecord,
): void {
  if (joinedContainer(mode) !== null) {
    conflict(
      "container sharing network namespace with another container or host cannot be connected to any other network",
    );
  }
  if (mode === "host" || network.name === "host") {
    conflict("container cannot be disconnected from host network or connected to host network");
  }
  if (mode === "none" || network.name === "none") {
    conflict("container cannot be connected to multiple networks with one of the networks in private (none) mode");
  }
}

/**
 * Refuses what a network cannot give, before anything is made. @throws invalid in Docker's words.
 */
export function requireEndpointSettings(network: NetworkRecord, settings: EndpointSettings): void {
  const { IPAMConfig: addresses, Aliases: aliases, MacAddress: mac, DriverOpts: options } = settings;
  const problems: string[] = [];
  if (addresses?.IPv4Address && !isIPv4(addresses.IPv4Address)) {
    problems.push(`invalid IPv4 address: ${addresses.IPv4Address}`);
  }
  if (addresses?.IPv6Address && !isIPv6(addresses.IPv6Address)) {
    problems.push(`invalid IPv6 address: ${addresses.IPv6Address}`);
  }
  if (isPredefined(network.name)) {
    if (addresses?.IPv4Address || addresses?.IPv6Address) {
      problems.push("user specified IP address is supported on user defined networks only");
    }
    if (aliases?.length) problems.push("network-scoped aliases are only supported for user-defined networks");
  }
  if (problems.length > 0) {
    fail(
      "invalid",
      "INVALID_ENDPOINT",
      `invalid config for network ${network.name}: invalid endpoint settings:\n${problems.join("\n")}`,
    );
  }
  if (mac) parseMacAddress(mac);
  if (options?.["com.docker.network.endpoint.sysctls"]) {
    fail(
      "not-implemented",
      "ENDPOINT_SYSCTLS",
      "sysctls of a single network's link are not supported: use --sysctl with the link's name",
    );
  }
}

function conflict(reason: string): never {
  return fail("invalid", "NETWORK_MODE", reason);
}
