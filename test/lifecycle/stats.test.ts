import { afterAll, beforeAll, expect, test } from "bun:test";
import { statfsSync } from "node:fs";
import { z } from "zod";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine[Symbol.asyncDispose]());

const Traffic = z.object({ rx_bytes: z.int(), rx_packets: z.int(), tx_bytes: z.int(), tx_packets: z.int() });
const Stats = z.object({
  id: z.string(),
  name: z.string(),
  preread: z.string(),
  pids_stats: z.object({ current: z.int().optional() }),
  cpu_stats: z.object({ cpu_usage: z.object({ total_usage: z.int() }), system_cpu_usage: z.int().optional() }),
  precpu_stats: z.object({ cpu_usage: z.object({ total_usage: z.int() }) }),
  memory_stats: z.object({ usage: z.int().optional(), limit: z.int().optional() }),
  blkio_stats: z.object({
    io_service_bytes_recursive: z.array(z.object({ op: z.string(), value: z.int() })).nullable(),
  }),
  networks: z.record(z.string(), Traffic).optional(),
});

async function stats(id: string, query = "stream=false&one-shot=true") {
  return Stats.parse(await (await engine.api(`/v1.51/containers/${id}/stats?${query}`)).json());
}

/** TMPFS_MAGIC of linux/magic.h. */
const TMPFS = 0x01021994;

const NEVER = "0001-01-01T00:00:00Z";

test("a sample at once has no other to compare with; without one-shot it has the one of a second before", async () => {
  const id = await engine.expectDocker("run", "-d", "--name", "busy", "-m", "64m", "busybox", "sleep", "1000");
  const single = await stats(id);
  expect(single).toMatchObject({ id, name: "/busy", preread: NEVER, precpu_stats: { cpu_usage: { total_usage: 0 } } });
  expect(single.memory_stats.limit).toBe(64 << 20);
  expect(single.pids_stats.current).toBe(1);
  const pair = await stats(id, "stream=false");
  expect(Date.parse(pair.preread)).toBeGreaterThan(Date.parse(NEVER));
  expect(pair.precpu_stats.cpu_usage.total_usage).toBeGreaterThan(0);
  await engine.expectDocker("rm", "-f", id);
});

test("what goes over the network and onto the disk is counted, by interface and by direction", async () => {
  const id = await engine.expectDocker("run", "-d", "busybox", "sleep", "1000");
  const written = (sample: z.infer<typeof Stats>) =>
    (sample.blkio_stats.io_service_bytes_recursive ?? [])
      .filter(({ op }) => op.toLowerCase() === "write")
      .reduce((sum, { value }) => sum + value, 0);
  const before = await stats(id);
  const gateway = await engine.expectDocker("inspect", "-f", "{{.NetworkSettings.Gateway}}", id);
  await engine.expectDocker("exec", id, "ping", "-c", "3", "-i", "0.2", "-s", "1000", gateway);
  await engine.expectDocker("exec", id, "dd", "if=/dev/zero", "of=/big", "bs=1M", "count=4", "conv=fsync");
  const after = await stats(id);
  expect(Object.keys(after.networks ?? {})).toEqual(["eth0"]);
  const sent = (after.networks?.eth0?.tx_bytes ?? 0) - (before.networks?.eth0?.tx_bytes ?? 0);
  expect(sent).toBeGreaterThanOrEqual(3 * 1000);
  expect(after.networks?.eth0?.rx_packets).toBeGreaterThanOrEqual(3);
  // In memory there is no disk to write to.
  if (statfsSync(engine.root).type !== TMPFS) {
    expect(written(after) - written(before)).toBeGreaterThanOrEqual(4 << 20);
  }
  await engine.expectDocker("rm", "-f", id);
});

test("a container without interfaces has no networks, one that does not run has zeros", async () => {
  const id = await engine.expectDocker("run", "-d", "--network", "none", "busybox", "sleep", "1000");
  expect((await stats(id)).networks).toBeUndefined();
  await engine.expectDocker("stop", "-t", "0", id);
  expect(await stats(id)).toMatchObject({ id, cpu_stats: { cpu_usage: { total_usage: 0 } }, memory_stats: {} });
  await engine.expectDocker("rm", id);
});

test("a stream tells each second, over the container's end, until it is removed", async () => {
  const id = await engine.expectDocker("run", "-d", "busybox", "sleep", "1000");
  const response = await engine.api(`/v1.51/containers/${id}/stats`);
  const reader = response.body?.getReader();
  expect(JSON.parse(new TextDecoder().decode((await reader?.read())?.value))).toMatchObject({ id, preread: NEVER });
  await engine.expectDocker("rm", "-f", id);
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read());
});
