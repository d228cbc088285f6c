import { fail } from "../base/errors.ts";
import { assertKnownFilters, booleanFilter, type Filters, matchesAny, matchesLabels } from "../base/filters.ts";
import { humanSince } from "../base/human-duration.ts";
import { mountsDocument } from "../volume/mount-point.ts";
import { type ContainerRecord, commandLine, isRestarting, statusOf } from "./container-record.ts";
import { containerSizes } from "./container-size.ts";
import type { EngineParts } from "./engine-parts.ts";
import type { Health } from "./health.ts";
import { networkSettings } from "./network-settings.ts";

export interface ListOptions {
  readonly all: boolean;
  /** The newest n, running or not; 0 or less: no limit. */
  readonly limit: number;
  readonly size: boolean;
  readonly filters: Filters;
}

const FILTERS = [
  "ancestor", "before", "expose", "exited", "health", "id", "isolation", "is-task", "label", "name", "network",
  "publish", "since", "status", "volume",
]; // biome-ignore format: one line

const STATUSES = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];

const HEALTHS = ["none", "starting", "healthy", "unhealthy"];

/** The body of `GET /containers/json`: newest first. @throws invalid for a filter that is unknown or malformed. */
export async function listContainers(parts: EngineParts, options: ListOptions) {
  assertKnownFilters(options.filters, FILTERS);
  const chosen = selectContainers(parts, options);
  return Promise.all(chosen.map((record) => summary(parts, record, options.size)));
}

function selectContainers(parts: EngineParts, options: ListOptions): ContainerRecord[] {
  const { filters, limit } = options;
  const accepts = predicate(parts, filters);
  const everything =
    options.all ||
    limit > 0 ||
    filters.has("status") ||
    filters.has("exited") ||
    filters.has("since") ||
    filters.has("before");
  const chosen = parts.containers
    .all()
    .filter(
      (record) => (everything || record.state.status === "running" || isRestarting(record.state)) && accepts(record),
    )
    .sort((a, b) => (a.created < b.created ? 1 : -1));
  return limit > 0 ? chosen.slice(0, limit) : chosen;
}

/** Whether a record fits all of Docker's container filters; also decides what prune takes. */
export function predicate(parts: EngineParts, filters: Filters): (record: ContainerRecord) => boolean {
  for (const status of filters.get("status") ?? []) {
    if (!STATUSES.includes(status)) {
      fail("invalid", "INVALID_FILTER", `invalid filter 'status=${status}'`);
    }
  }
  for (const health of filters.get("health") ?? []) {
    if (!HEALTHS.includes(health)) fail("invalid", "INVALID_FILTER", `invalid filter 'health=${health}'`);
  }
  const exitCodes = (filters.get("exited") ?? []).map((text) => {
    if (!/^-?\d+$/.test(text)) fail("invalid", "INVALID_FILTER", `invalid filter 'exited=${text}'`);
    return Number(text);
  });
  booleanFilter(filters, "is-task");
  const bound = (key: "before" | "since") =>
    (filters.get(key) ?? []).map((reference) => parts.containers.resolve(reference).created);
  const before = bound("before");
  const since = bound("since");
  const ancestors = (filters.get("ancestor") ?? []).map((name) => parts.images.lineage(name));
  const networks = (filters.get("network") ?? []).map((name) => parts.networks.find(name)?.name ?? name);

  return (record) => {
    const { state, config, hostConfig } = record;
    return (
      matchesAny(filters, "id", (prefix) => record.id.startsWith(prefix)) &&
      matchesAny(filters, "name", (pattern) => matchesName(record.name, pattern)) &&
      matchesLabels(config.Labels, filters) &&
      matchesAny(filters, "status", (status) => status === statusOf(state)) &&
      (exitCodes.length === 0 || (state.status === "exited" && exitCodes.includes(state.exitCode))) &&
      before.every((created) => record.created < created) &&
      since.every((created) => record.created > created) &&
      (ancestors.length === 0 || ancestors.some((descends) => descends(record.imageId))) &&
      matchesAny(filters, "volume", (wanted) =>
        record.mounts.some((mount) => mount.Name === wanted || mount.Destination === wanted || mount.Source === wanted),
      ) &&
      (networks.length === 0 || networks.some((name) => Object.hasOwn(record.networks, name))) &&
      matchesAny(filters, "publish", (wanted) => hasPort(Object.keys(hostConfig.PortBindings), wanted)) &&
      matchesAny(filters, "expose", (wanted) => hasPort(Object.keys(config.ExposedPorts), wanted)) &&
      matchesAny(filters, "health", (wanted) => wanted === (record.health?.Status ?? "none")) &&
      matchesAny(filters, "is-task", (wanted) => /^(0|false|f)$/i.test(wanted))
    );
  };
}

/** Docker takes the value as an unanchored regular expression on the name with its slash; a broken one is a plain part. */
function matchesName(name: string, pattern: string): boolean {
  try {
    const expression = new RegExp(pattern);
    return expression.test(`/${name}`) || expression.test(name);
  } catch {
    return name.includes(pattern);
  }
}

function hasPort(ports: readonly string[], wanted: string): boolean {
  const match = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/.exec(wanted);
  if (!match)
    fail("invalid", "INVALID_FILTER", `invalid port filter '${wanted}': give a port, a range or port/protocol`);
  const [, first, last = first, protocol = "tcp"] = match;
  return ports.some((port) => {
    const [number = "", kind = "tcp"] = port.split("/");
    return kind === protocol && Number(number) >= Number(first) && Number(number) <= Number(last);
  });
}

async function summary(parts: EngineParts, record: ContainerRecord, withSize: boolean) {
  const settings = networkSettings(parts, record);
  return {
    Id: record.id,
    Names: [`/${record.name}`],
    Image: record.config.Image,
    ImageID: record.imageId,
    Command: commandLine(record.config).map(quoted).join(" "),
    Created: Math.floor(Date.parse(record.created) / 1000),
    Ports: portSummary(settings.Ports),
    ...(withSize ? await containerSizes(parts, record) : {}),
    Labels: record.config.Labels,
    State: statusOf(record.state),
    Status: humanStatus(record),
    HostConfig: { NetworkMode: record.hostConfig.NetworkMode, Annotations: record.hostConfig.Annotations },
    NetworkSettings: { Networks: settings.Networks },
    Mounts: mountsDocument(record.mounts),
  };
}

/** As Docker shows an argument: one with blanks between quotes. */
function quoted(argument: string, index: number): string {
  return index > 0 && argument.includes(" ") ? `'${argument}'` : argument;
}

function portSummary(ports: Readonly<Record<string, readonly { HostIp: string; HostPort: string }[] | null>>) {
  return Object.entries(ports).flatMap(([port, bindings]) => {
    const [number = "", type = "tcp"] = port.split("/");
    const inside = { PrivatePort: Number(number), Type: type };
    if (bindings === null || bindings.length === 0) return [inside];
    return bindings.map(({ HostIp, HostPort }) => ({ IP: HostIp, ...inside, PublicPort: Number(HostPort) }));
  });
}

/** "Up 2 minutes", "Exited (0) 3 hours ago": the words that `docker ps` shows and scripts read. */
export function humanStatus({ state, health }: Pick<ContainerRecord, "state" | "health">): string {
  switch (state.status) {
    case "created":
      return "Created";
    case "running":
      return `Up ${humanSince(state.startedAt)}${state.paused ? " (Paused)" : humanHealth(health)}`;
    case "exited":
      return `${state.restarting ? "Restarting" : "Exited"} (${state.exitCode}) ${humanSince(state.finishedAt)} ago`;
    default:
      return state satisfies never;
  }
}

function humanHealth(health: Health | null): string {
  if (health === null) return "";
  return health.Status === "starting" ? " (health: starting)" : ` (${health.Status})`;
}
