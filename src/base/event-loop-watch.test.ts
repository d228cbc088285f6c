import { expect, test } from "bun:test";
import { setTimeout as delay } from "node:timers/promises";
import { EventLoopWatch } from "./event-loop-watch.ts";

test("a loop that was held up says for how long, once", async () => {
  const watch = new EventLoopWatch();
  expect(watch.look()).toEqual({ delayMs: 0, stallMs: 0, busyMs: 0 });
  await delay(20);
  // By the processor's time: of the clock's, a busy machine may give all to others.
  const before = process.cpuUsage();
  while (process.cpuUsage(before).user < 100_000);
  await delay(20);
  const { delayMs, stallMs, busyMs } = watch.look();
  expect(delayMs).toBeGreaterThan(50);
  expect(stallMs).toBeGreaterThan(20);
  expect(stallMs).toBeLessThanOrEqual(delayMs);
  expect(busyMs).toBeGreaterThan(20);
  expect(busyMs).toBeLessThanOrEqual(stallMs);
  expect(watch.look().delayMs).toBeLessThan(delayMs);
  watch.stop();
});
