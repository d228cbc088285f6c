import { setTimeout as delay } from "node:timers/promises";
import {
  emptyStatsDocument,
  readStats,
  type StatsDocument,
  type StatsSample,
  statsDocument,
} from "../runtime/stats.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";

export interface StatsOptions {
  /** A document each second until the container is removed or the signal. */
  readonly stream: boolean;
  /** Without `stream`: one sample at once, instead of two a second apart to compare. */
  readonly oneShot: boolean;
  readonly abort: AbortSignal;
}

const INTERVAL_MS = 1000;

/**
 * What a container uses. One that does not run has a document of zeros, as in Docker.
 * @throws not-found, before anything is given.
 */
export function containerStats(
  parts: EngineParts,
  reference: string,
  options: StatsOptions,
): AsyncGenerator<StatsDocument> {
  const { id } = parts.containers.resolve(reference);
  return sampled(parts, id, options);
}

async function* sampled(parts: EngineParts, id: string, options: StatsOptions): AsyncGenerator<StatsDocument> {
  let previous: StatsSample | null = null;
  let compare = !options.stream && !options.oneShot;
  while (!options.abort.aborted && parts.containers.has(id)) {
    const record = parts.containers.get(id);
    const sample = await sampleOf(parts, record);
    if (compare && sample !== null) {
      compare = false;
    } else {
      yield documentOf(record, sample, previous);
      if (!options.stream) return;
    }
    previous = sample;
    // The next second, or the end of the client's interest, whichever comes first.
    await delay(INTERVAL_MS, undefined, { signal: options.abort }).catch(() => {});
  }
}

async function sampleOf(parts: EngineParts, record: ContainerRecord): Promise<StatsSample | null> {
  const { id, state, hostConfig } = record;
  if (state.status !== "running") return null;
  const sample = await readStats(parts.cgroups, state.cgroupPath, hostConfig.NetworkMode === "host" ? null : state.pid);
  const { current } = sample.pids;
  // The shim's own process in the container's groups is none of the container's.
  const own = parts.live.get(id)?.keeperPid == null ? 0 : 1;
  return current === undefined ? sample : { ...sample, pids: { ...sample.pids, current: Math.max(0, current - own) } };
}

function documentOf(record: ContainerRecord, sample: StatsSample | null, previous: StatsSample | null): StatsDocument {
  const container = { name: `/${record.name}`, id: record.id };
  return sample === null ? emptyStatsDocument(container) : statsDocument(container, sample, previous);
}
