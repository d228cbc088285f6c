import { readCgroup } from "./cgroup-file.ts";
import { parseKeyed, type StatsGroup } from "./stats-group.ts";

export interface BlkioEntry {
  readonly major: number;
  readonly minor: number;
  readonly op: string;
  readonly value: number;
}

/** null is what v2 does not count, an empty list what this kernel does not. */
export interface BlkioStats {
  readonly io_service_bytes_recursive: readonly BlkioEntry[] | null;
  readonly io_serviced_recursive: readonly BlkioEntry[] | null;
  readonly io_queue_recursive: readonly BlkioEntry[] | null;
  readonly io_service_time_recursive: readonly BlkioEntry[] | null;
  readonly io_wait_time_recursive: readonly BlkioEntry[] | null;
  readonly io_merged_recursive: readonly BlkioEntry[] | null;
  readonly io_time_recursive: readonly BlkioEntry[] | null;
  readonly sectors_recursive: readonly BlkioEntry[] | null;
}

export function readBlkioStats(group: StatsGroup): BlkioStats {
  return group.layout.version === 2 ? readUnified(group) : readV1(group);
}

/**
 * The scheduler's counters where it has any (BFQ, or CFQ before kernel 5.0), else the block layer's own, which only know
 * bytes and operations. A file with nothing but `Total 0` is of a scheduler that is not in use.
 */
function readV1({ layout, cgroupPath }: StatsGroup): BlkioStats {
  const read = (...files: string[]): BlkioEntry[] => {
    for (const file of files) {
      const entries = parseV1(readCgroup(layout, cgroupPath, "blkio", file));
      if (entries.length > 0) return entries;
    }
    return [];
  };
  return {
    io_service_bytes_recursive: read(
      "blkio.io_service_bytes_recursive",
      "blkio.bfq.io_service_bytes_recursive",
      "blkio.throttle.io_service_bytes_recursive",
    ),
    io_serviced_recursive: read(
      "blkio.io_serviced_recursive",
      "blkio.bfq.io_serviced_recursive",
      "blkio.throttle.io_serviced_recursive",
    ),
    io_queue_recursive: read("blkio.io_queued_recursive", "blkio.bfq.io_queued_recursive"),
    io_service_time_recursive: read("blkio.io_service_time_recursive", "blkio.bfq.io_service_time_recursive"),
    io_wait_time_recursive: read("blkio.io_wait_time_recursive", "blkio.bfq.io_wait_time_recursive"),
    io_merged_recursive: read("blkio.io_merged_recursive", "blkio.bfq.io_merged_recursive"),
    io_time_recursive: read("blkio.time_recursive", "blkio.bfq.time_recursive"),
    sectors_recursive: read("blkio.sectors_recursive", "blkio.bfq.sectors_recursive"),
  };
}

/** Lines of `8:0 Read 4096`, or `8:0 4096` where nothing tells directions apart. */
export function parseV1(text: string): BlkioEntry[] {
  return text.split("\n").flatMap((line): BlkioEntry[] => {
    const [, major, minor, op = "", value] = /^(\d+):(\d+)(?: ([A-Za-z]+))? (\d+)$/.exec(line) ?? [];
    return value === undefined ? [] : [{ major: Number(major), minor: Number(minor), op, value: Number(value) }];
  });
}

function readUnified({ layout, cgroupPath }: StatsGroup): BlkioStats {
  return {
    io_service_bytes_recursive: parseUnified(readCgroup(layout, cgroupPath, "unified", "io.stat")),
    io_serviced_recursive: null,
    io_queue_recursive: null,
    io_service_time_recursive: null,
    io_wait_time_recursive: null,
    io_merged_recursive: null,
    io_time_recursive: null,
    sectors_recursive: null,
  };
}

/** Lines of `8:0 rbytes=4096 wbytes=0 rios=1 …`; Docker shows the bytes. */
export function parseUnified(text: string): BlkioEntry[] {
  return text.split("\n").flatMap((line): BlkioEntry[] => {
    const [, majorText, minorText, rest] = /^(\d+):(\d+) (.*)$/.exec(line) ?? [];
    if (rest === undefined) return [];
    const counters = parseKeyed(rest.replaceAll(" ", "\n").replaceAll("=", " "));
    const device = { major: Number(majorText), minor: Number(minorText) };
    return [
      { ...device, op: "read", value: counters.rbytes ?? 0 },
      { ...device, op: "write", value: counters.wbytes ?? 0 },
    ];
  });
}
