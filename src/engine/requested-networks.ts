import { type EndpointSettings, EndpointSettingsSchema, type HostConfig } from "./container-config.ts";
import { requireEndpointSettings } from "./endpoint-settings.ts";
import type { EngineParts } from "./engine-parts.ts";
import { joinedContainer } from "./require-modes.ts";

/** The networks that the container joins at start: the mode's own, and those that the client names besides. */
export function requestedNetworks(
  parts: EngineParts,
  hostConfig: HostConfig,
  endpoints: Readonly<Record<string, EndpointSettings | null | undefined>>,
): Record<string, EndpointSettings> {
  const { NetworkMode: mode } = hostConfig;
  if (joinedContainer(mode) !== null) return {};
  const own = networkName(parts, mode);
  const wanted: Record<string, EndpointSettings> = { [own]: EndpointSettingsSchema.parse({}) };
  for (const [key, settings] of Object.entries(endpoints)) {
    const name = key === "default" ? own : networkName(parts, key);
    wanted[name] = settings ?? EndpointSettingsSchema.parse({});
    const network = parts.networks.find(name);
    if (network) requireEndpointSettings(network, wanted[name]);
  }
  return wanted;
}

/** One that is not there yet keeps the name it was called by: it has to be there when the container starts. */
function networkName(parts: EngineParts, reference: string): string {
  return parts.networks.find(reference)?.name ?? reference;
}
