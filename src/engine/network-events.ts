import type { Endpoint, NetworkRecord } from "../network/network-record.ts";
import type { EngineParts } from "./engine-parts.ts";

/** Emits a network's event with Docker's attributes. @param container who came or went */
export function emitNetworkEvent(
  parts: EngineParts,
  action: "create" | "connect" | "disconnect" | "destroy",
  network: Pick<NetworkRecord, "id" | "name" | "driver">,
  container?: string,
): void {
  parts.events.emit("network", action, network.id, {
    ...(container === undefined ? {} : { container }),
    name: network.name,
    type: network.driver,
  });
}

/** Tells of a container that came to all its networks by starting, or left them by its end. */
export function emitJoined(parts: EngineParts, action: "connect" | "disconnect", endpoints: readonly Endpoint[]): void {
  for (const { networkId, containerId } of endpoints) {
    const network = parts.networks.find(networkId);
    if (network) emitNetworkEvent(parts, action, network, containerId);
  }
}
