import { fail } from "../base/errors.ts";
import type { ContainerConfig, HostConfig } from "./container-config.ts";
import { joinedContainer } from "./require-modes.ts";

type NetworkConfig = Pick<ContainerConfig, "Hostname" | "ExposedPorts">;

/**
 * Refuses what a container that shares another's network, or the host's name, cannot have for itself.
 * @throws invalid in Docker's words.
 */
export function requireOwnNetwork(config: NetworkConfig, hostConfig: HostConfig): void {
  const hasName = config.Hostname !== "";
  if (hasName && hostConfig.UTSMode === "host") conflict("hostname and the UTS mode");
  if (joinedContainer(hostConfig.NetworkMode) === null) return;
  if (hasName) conflict("hostname and the network mode");
  if (hostConfig.Dns.length > 0) conflict("dns and the network mode");
  if (hostConfig.ExtraHosts?.length) conflict("custom host-to-IP mapping and the network mode");
  if (hostConfig.PublishAllPorts || Object.keys(hostConfig.PortBindings).length > 0) {
    conflict("port publishing and the container type network mode");
  }
  if (Object.keys(config.ExposedPorts).length > 0) conflict("port exposing and the container type network mode");
}

function conflict(options: string): never {
  return fail("invalid", "CONFLICTING_OPTIONS", `conflicting options: ${options}`);
}
