import { parseExtraHost } from "../network/hosts-file.ts";
import { parsePortRequests } from "../network/port-mapping.ts";
import { createSpec } from "../runtime/create-spec.ts";
import { checkResources } from "../runtime/resource-limits.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { logAttributes } from "./log-attributes.ts";
import { logLimits } from "./log-options.ts";
import { runtimeSettings } from "./runtime-settings.ts";

/**
 * Refuses at create what could not be started: the same code that starts runs here once, for its errors alone.
 * @returns the record with limits completed or, where the kernel cannot, taken out; and what to warn of.
 * @throws invalid in Docker's words.
 */
export async function checkSettings(
  parts: EngineParts,
  record: ContainerRecord,
): Promise<{ record: ContainerRecord; warnings: string[] }> {
  const { resources: hostConfig, warnings } = checkResources(record.hostConfig, parts.support);
  const checked = { ...record, hostConfig };
  logLimits(hostConfig.LogConfig);
  logAttributes(checked);
  parsePortRequests({ ...hostConfig, ExposedPorts: record.config.ExposedPorts });
  for (const host of hostConfig.ExtraHosts ?? []) parseExtraHost(host);
  const settings = await runtimeSettings(parts, withoutNeighbours(checked), null);
  const spec = createSpec(settings, parts.host);
  return { record: checked, warnings: [...warnings, ...spec.warnings, ...networkWarnings(checked)] };
}

/** Containers whose namespaces are joined need to run only when this one starts. */
function withoutNeighbours(record: ContainerRecord): ContainerRecord {
  const own = (mode: string) => (mode.startsWith("container:") ? "" : mode);
  const { NetworkMode, PidMode, IpcMode, UTSMode } = record.hostConfig;
  return {
    ...record,
    hostConfig: {
      ...record.hostConfig,
      NetworkMode: own(NetworkMode),
      PidMode: own(PidMode),
      IpcMode: own(IpcMode),
      UTSMode: own(UTSMode),
    },
  };
}

function networkWarnings({ hostConfig }: ContainerRecord): string[] {
  const publishes = hostConfig.PublishAllPorts || Object.keys(hostConfig.PortBindings).length > 0;
  return hostConfig.NetworkMode === "host" && publishes
    ? ["Published ports are discarded when using host network mode"]
    : [];
}
