import { fail } from "../base/errors.ts";
import type { ResourceSettings } from "./resource-limits.ts";

/**
 * The limits of a container after an update that names some of them: 0, "", an empty list and null name nothing.
 * @throws conflict `CONFLICTING_UPDATE` in Docker's words, where old and new values cannot stand together
 */
export function mergeUpdate<T extends ResourceSettings>(current: T, requested: Partial<ResourceSettings>): T {
  const { NanoCpus = 0, CpuPeriod = 0, CpuQuota = 0, Memory = 0, MemorySwap = 0 } = requested;
  if (NanoCpus > 0 && current.CpuPeriod > 0) {
    refuse("Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set");
  }
  if (NanoCpus > 0 && current.CpuQuota > 0) {
    refuse("Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set");
  }
  if (CpuPeriod > 0 && current.NanoCpus > 0) {
    refuse("Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set");
  }
  if (CpuQuota > 0 && current.NanoCpus > 0) {
    refuse("Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set");
  }
  if (Memory > 0 && MemorySwap === 0 && current.MemorySwap !== -1 && Memory > current.MemorySwap) {
    refuse("Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time");
  }
  const named = Object.entries(requested).filter(([, value]) => namesSomething(value));
  return { ...current, ...Object.fromEntries(named) };
}

function namesSomething(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return value !== undefined && value !== null && value !== 0 && value !== "";
}

function refuse(message: string): never {
  return fail("conflict", "CONFLICTING_UPDATE", message);
}
