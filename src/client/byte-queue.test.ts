import { expect, test } from "bun:test";
import { ByteQueue } from "./byte-queue.ts";

const silent = { pause: () => {}, resume: () => {} };

test("what was pushed before and while it is read comes out in order", async () => {
  const queue = new ByteQueue(silent, () => {});
  queue.push(Uint8Array.of(1));
  const read = Array.fromAsync(queue);
  queue.push(Uint8Array.of(2));
  await Promise.resolve();
  queue.push(Uint8Array.of(3));
  queue.end();
  expect((await read).map(([byte]) => byte)).toEqual([1, 2, 3]);
});

test("an error comes after what had arrived", async () => {
  const queue = new ByteQueue(silent, () => {});
  queue.push(Uint8Array.of(1));
  queue.end(new Error("cut"));
  const seen: number[] = [];
  const read = async () => {
    for await (const [byte] of queue) seen.push(byte ?? -1);
  };
  await expect(read()).rejects.toThrow("cut");
  expect(seen).toEqual([1]);
});

test("the source is paused above the limit and resumed when all was read", async () => {
  const calls: string[] = [];
  const queue = new ByteQueue({ pause: () => calls.push("pause"), resume: () => calls.push("resume") }, () => {});
  for (let count = 0; count < 3; count++) queue.push(new Uint8Array(600_000));
  expect(calls).toEqual(["pause"]);
  const iterator = queue[Symbol.asyncIterator]();
  for (let count = 0; count < 3; count++) await iterator.next();
  expect(calls).toEqual(["pause"]);
  const waiting = iterator.next();
  await Promise.resolve();
  expect(calls).toEqual(["pause", "resume"]);
  queue.end();
  expect((await waiting).done).toBe(true);
});

test("leaving early abandons the source, reading to the end does not", async () => {
  let abandoned = 0;
  const early = new ByteQueue(silent, () => abandoned++);
  early.push(Uint8Array.of(1));
  for await (const _ of early) break;
  expect(abandoned).toBe(1);
  const whole = new ByteQueue(silent, () => abandoned++);
  whole.end();
  for await (const _ of whole);
  expect(abandoned).toBe(1);
});
