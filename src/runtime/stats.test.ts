import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { emptyStatsDocument, type StatsSample, statsDocument } from "./stats.ts";
import { parseUnified, parseV1 } from "./stats-blkio.ts";
import { NO_CPU_STATS } from "./stats-cpu.ts";
import { parseKeyed } from "./stats-group.ts";
import { parseNetDev } from "./stats-network.ts";

describe("counters of block I/O", () => {
  test("v1 gives what Docker shows, without the sum of all devices", () => {
    expect(parseV1("254:0 Read 1011712\n254:0 Write 12288\n8:0 5\nTotal 1024000\n")).toEqual([
      { major: 254, minor: 0, op: "Read", value: 1011712 },
      { major: 254, minor: 0, op: "Write", value: 12288 },
      { major: 8, minor: 0, op: "", value: 5 },
    ]);
  });
  test("v2 gives bytes read and written", () => {
    expect(parseUnified("254:0 rbytes=7593984 wbytes=100 rios=1 wios=2 dbytes=0 dios=0\n7:0 \n")).toEqual([
      { major: 254, minor: 0, op: "read", value: 7593984 },
      { major: 254, minor: 0, op: "write", value: 100 },
      { major: 7, minor: 0, op: "read", value: 0 },
      { major: 7, minor: 0, op: "write", value: 0 },
    ]);
  });
});

test("counters of interfaces, without the loopback", () => {
  const text = [
    "Inter-|   Receive                                                |  Transmit",
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed",
    "    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0",
    "  eth0: 1296       16    1    2    0     0          0         0      648       8    3    4    0     0       0          0",
  ].join("\n");
  expect(parseNetDev(text)).toEqual({
    eth0: {
      rx_bytes: 1296,
      rx_packets: 16,
      rx_errors: 1,
      rx_dropped: 2,
      tx_bytes: 648,
      tx_packets: 8,
      tx_errors: 3,
      tx_dropped: 4,
    },
  });
});

test("no text makes a parser fail", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      parseV1(text);
      parseUnified(text);
      parseNetDev(text);
      parseKeyed(text);
    }),
  );
});

describe("the document", () => {
  const sample: StatsSample = {
    time: 1_700_000_000_123_000_000n,
    pids: { current: 1 },
    blkio: emptyStatsDocument({ id: "", name: "" }).blkio_stats,
    cpu: { ...NO_CPU_STATS, system_cpu_usage: 5, online_cpus: 2 },
    memory: { usage: 1, stats: {}, limit: 2 },
    networks: null,
  };
  const container = { id: "b1cad6", name: "/web" };

  test("has a first sample with nothing before it", () => {
    expect(statsDocument(container, sample, null)).toMatchObject({
      name: "/web",
      id: "b1cad6",
      read: "2023-11-14T22:13:20.123Z",
      preread: "0001-01-01T00:00:00Z",
      precpu_stats: NO_CPU_STATS,
    });
  });

  test("sets a sample against the one before", () => {
    const before = { ...sample, time: sample.time - 1_000_000_000n };
    expect(statsDocument(container, sample, before)).toMatchObject({
      preread: "2023-11-14T22:13:19.123Z",
      precpu_stats: { system_cpu_usage: 5 },
    });
  });

  test("leaves networks out where there is none", () => {
    expect(statsDocument(container, sample, null)).not.toHaveProperty("networks");
  });
});
