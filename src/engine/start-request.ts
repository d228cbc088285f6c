import type { PortMapping } from "../network/port-mapping.ts";
import { cgroupWrites } from "../runtime/cgroup-writes.ts";
import { createSpec } from "../runtime/create-spec.ts";
import type { ContainerMount } from "../runtime/mounts.ts";
import type { HeldPort, StartRequest } from "../runtime/shim-request.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { writeEtcFiles } from "./etc-files.ts";
import { logPath } from "./inspect-container.ts";
import type { JoinedNetworks } from "./join-networks.ts";
import { linkEnvironment } from "./links.ts";
import { logLimits } from "./log-options.ts";
import { runtimeSettings } from "./runtime-settings.ts";

export interface StartPlaces {
  /** Where the shim writes down how it ended. */
  readonly exitFile: string;
  /** Gets hosts, hostname and resolv.conf. */
  readonly directory: string;
  readonly joined: JoinedNetworks;
  /** The image's snapshots, top first. */
  readonly lower: readonly number[];
  /** Beside the container's own. */
  readonly mounts?: readonly ContainerMount[];
}

/** All that a shim has to know to make a container and run it. */
export async function startRequest(
  parts: EngineParts,
  record: ContainerRecord,
  places: StartPlaces,
): Promise<StartRequest> {
  const { config, hostConfig } = record;
  const etc = writeEtcFiles(parts, record, places.directory, places.joined);
  const own = await runtimeSettings(parts, record, etc);
  const linked = places.joined.neighbours.flatMap((link) => linkEnvironment(link, record.name));
  const settings = { ...own, env: [...linked, ...own.env], mounts: [...own.mounts, ...(places.mounts ?? [])] };
  const { spec, warnings } = createSpec(settings, parts.host);
  for (const warning of warnings) parts.log("warn", warning, { container: record.id });
  const seccompFilter = await parts.seccomp.filterFor({
    choice: settings.security.seccomp,
    privileged: hostConfig.Privileged,
    capabilities: spec.process.capabilities?.bounding ?? [],
  });
  const [rows = 0, columns = 0] = hostConfig.ConsoleSize;
  const log = logPath(parts, record);
  return {
    spec,
    seccompFilter,
    cgroupWrites: cgroupWrites(spec.linux.resources, parts.support),
    root: parts.snapshotter.root(record.snapshot, parts.mountPoints.stackOn(places.lower)),
    reaper: hostConfig.Init ?? false,
    stdio: { tty: config.Tty, stdin: config.OpenStdin, stdinOnce: config.StdinOnce, rows, columns },
    log: log === "" ? null : { path: log, ...logLimits(hostConfig.LogConfig) },
    exitFile: places.exitFile,
    links: places.joined.links,
    resolver: places.joined.hasNames,
    heldPorts: places.joined.claimed.map((mapping) => heldPort(mapping, places.joined.claimed)),
  };
}

/** Of a port on every address `localhost` is one, in both families; ::1 takes the shim's help. */
function heldPort(mapping: PortMapping, all: readonly PortMapping[]): HeldPort {
  const { protocol, hostIp, hostPort, containerPort } = mapping;
  const hasOwnIpv6 = all.some(
    (other) => other.hostIp === "::" && other.containerPort === containerPort && other.hostPort === hostPort,
  );
  const relayed = protocol === "tcp" && (hostIp === "::" || (hostIp === "0.0.0.0" && !hasOwnIpv6));
  return { protocol, ip: hostIp, port: hostPort, relayed };
}
