import { expect, test } from "bun:test";
import { appendFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { entryTime, type LogEntry, type ReadLogOptions, readLog } from "./log-file.ts";

const line = (number: number) =>
  `${JSON.stringify({ log: `${number}\n`, stream: "stdout", time: "2026-01-02T03:04:05.000000006Z" })}\n`;
const lines = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => line(from + index)).join("");

async function withLog(run: (path: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "lighter-log-"));
  try {
    await run(join(directory, "log"));
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function read(path: string, options: ReadLogOptions = {}): Promise<number[]> {
  const seen: LogEntry[] = [];
  for await (const batch of readLog(path, options)) seen.push(...batch);
  return seen.map((entry) => Number(entry.log));
}

test("rotated files come first, oldest first", () =>
  withLog(async (path) => {
    await writeFile(`${path}.2`, lines(1, 2));
    await writeFile(`${path}.1`, lines(3, 4));
    await writeFile(path, lines(5, 6));
    expect(await read(path)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await read(path, { tail: 3 })).toEqual([4, 5, 6]);
    expect(await read(path, { tail: 2 })).toEqual([5, 6]);
    expect(await read(path, { tail: 99 })).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await read(path, { tail: 0 })).toEqual([]);
  }));

test("the tail of a log larger than a read is exact", () =>
  withLog(async (path) => {
    await writeFile(path, lines(1, 20_000));
    for (const tail of [1, 7, 5000, 19_999, 20_000, 20_001]) {
      const numbers = await read(path, { tail });
      expect(numbers.length).toBe(Math.min(tail, 20_000));
      expect(numbers.at(-1)).toBe(20_000);
    }
  }));

test("a missing log is empty, a half-written line is passed over", () =>
  withLog(async (path) => {
    expect(await read(path)).toEqual([]);
    await writeFile(path, `${line(1)}{"log":"2\n${line(3)}`);
    expect(await read(path)).toEqual([1, 3]);
  }));

test("following sees what is appended, over a rotation, to the end", () =>
  withLog(async (path) => {
    await writeFile(path, lines(1, 1));
    const ended = Promise.withResolvers<void>();
    const seen: number[] = [];
    const reading = (async () => {
      const follow = { ended: ended.promise, abort: new AbortController().signal };
      for await (const batch of readLog(path, { follow })) seen.push(...batch.map((entry) => Number(entry.log)));
    })();
    await appendFile(path, line(2).slice(0, 10));
    await appendFile(path, line(2).slice(10));
    await appendFile(path, line(3));
    await rename(path, `${path}.1`);
    await writeFile(path, line(4));
    ended.resolve();
    await reading;
    expect(seen).toEqual([1, 2, 3, 4]);
  }));

test("following misses no line that comes right after another", () =>
  withLog(async (path) => {
    await writeFile(path, line(1));
    const abort = new AbortController();
    const follow = { ended: new Promise<void>(() => {}), abort: abort.signal };
    let last = 1;
    for await (const batch of readLog(path, { follow })) {
      expect(batch.map((entry) => Number(entry.log))).toEqual([last]);
      if (last === 12) abort.abort();
      // When the reader waits again, and so soon that the watcher takes it for the same change.
      else delay(1).then(() => appendFile(path, line(++last)));
    }
    expect(last).toBe(12);
  }));

test("times keep their nanoseconds", () => {
  const entry = (time: string): LogEntry => ({ log: "", stream: "stdout", time });
  expect(entryTime(entry("1970-01-01T00:00:01.5Z"))).toBe(1_500_000_000n);
  expect(entryTime(entry("1970-01-01T00:00:01Z"))).toBe(1_000_000_000n);
  expect(entryTime(entry("2026-01-02T03:04:05.000000006Z")) % 1000n).toBe(6n);
});
