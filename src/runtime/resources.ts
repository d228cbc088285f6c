import { blockDeviceNumber } from "./devices.ts";
import type {
  BlockIOResources,
  CpuResources,
  MemoryResources,
  Resources,
  ThrottleDevice,
  WeightDevice,
} from "./oci-spec.ts";
import type { DeviceRate, ResourceSettings } from "./resource-limits.ts";

/** The period over which a number of processors is shared out. */
const NANO_CPUS_PERIOD_US = 100_000;

/**
 * The checked settings as the runtime spec has them, without device rules. Looks up the devices that are named by path.
 * @throws invalid `INVALID_DEVICE`
 */
export async function ociResources(settings: ResourceSettings): Promise<Resources> {
  return {
    memory: memoryResources(settings),
    cpu: cpuResources(settings),
    ...(settings.PidsLimit === null ? {} : { pids: { limit: settings.PidsLimit > 0 ? settings.PidsLimit : -1 } }),
    blockIO: await blockIOResources(settings),
  };
}

function memoryResources(settings: ResourceSettings): MemoryResources {
  return {
    ...(settings.Memory > 0 ? { limit: settings.Memory } : {}),
    ...(settings.MemoryReservation > 0 ? { reservation: settings.MemoryReservation } : {}),
    ...(settings.MemorySwap === 0 ? {} : { swap: settings.MemorySwap }),
    ...(settings.MemorySwappiness === null ? {} : { swappiness: settings.MemorySwappiness }),
    ...(settings.OomKillDisable ? { disableOOMKiller: true } : {}),
  };
}

function cpuResources(settings: ResourceSettings): CpuResources {
  const nano =
    settings.NanoCpus > 0
      ? { period: NANO_CPUS_PERIOD_US, quota: Math.floor((settings.NanoCpus * NANO_CPUS_PERIOD_US) / 1e9) }
      : {};
  return {
    ...nano,
    ...(settings.CpuShares > 0 ? { shares: settings.CpuShares } : {}),
    ...(settings.CpuPeriod === 0 ? {} : { period: settings.CpuPeriod }),
    ...(settings.CpuQuota === 0 ? {} : { quota: settings.CpuQuota }),
    ...(settings.CpuRealtimePeriod === 0 ? {} : { realtimePeriod: settings.CpuRealtimePeriod }),
    ...(settings.CpuRealtimeRuntime === 0 ? {} : { realtimeRuntime: settings.CpuRealtimeRuntime }),
    ...(settings.CpusetCpus === "" ? {} : { cpus: settings.CpusetCpus }),
    ...(settings.CpusetMems === "" ? {} : { mems: settings.CpusetMems }),
  };
}

async function blockIOResources(settings: ResourceSettings): Promise<BlockIOResources> {
  const [weightDevice, readBps, writeBps, readIOps, writeIOps] = await Promise.all([
    Promise.all(settings.BlkioWeightDevice.map(weightDeviceOf)),
    Promise.all(settings.BlkioDeviceReadBps.map(throttleDeviceOf)),
    Promise.all(settings.BlkioDeviceWriteBps.map(throttleDeviceOf)),
    Promise.all(settings.BlkioDeviceReadIOps.map(throttleDeviceOf)),
    Promise.all(settings.BlkioDeviceWriteIOps.map(throttleDeviceOf)),
  ]);
  return {
    ...(settings.BlkioWeight > 0 ? { weight: settings.BlkioWeight } : {}),
    ...(weightDevice.length > 0 ? { weightDevice } : {}),
    ...(readBps.length > 0 ? { throttleReadBpsDevice: readBps } : {}),
    ...(writeBps.length > 0 ? { throttleWriteBpsDevice: writeBps } : {}),
    ...(readIOps.length > 0 ? { throttleReadIOPSDevice: readIOps } : {}),
    ...(writeIOps.length > 0 ? { throttleWriteIOPSDevice: writeIOps } : {}),
  };
}

async function weightDeviceOf(device: { Path: string; Weight: number }): Promise<WeightDevice> {
  return { ...(await blockDeviceNumber(device.Path)), weight: device.Weight };
}

async function throttleDeviceOf(device: DeviceRate): Promise<ThrottleDevice> {
  return { ...(await blockDeviceNumber(device.Path)), rate: device.Rate };
}
