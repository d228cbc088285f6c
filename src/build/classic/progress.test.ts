import { expect, test } from "bun:test";
import { ProgressChannel } from "./progress.ts";

test("what is pushed comes in order, then the end", async () => {
  const channel = new ProgressChannel();
  for (const stream of ["a", "b", "c"]) channel.push({ stream });
  channel.end();
  expect(await Array.fromAsync(channel)).toEqual([{ stream: "a" }, { stream: "b" }, { stream: "c" }]);
});

test("a reader that waits gets what comes later, and the error last", async () => {
  const channel = new ProgressChannel();
  const read: string[] = [];
  const reading = (async () => {
    for await (const progress of channel) read.push("stream" in progress ? progress.stream : "");
  })();
  await channel.push({ stream: "later" });
  channel.end(new Error("broken"));
  await expect(reading).rejects.toThrow("broken");
  expect(read).toEqual(["later"]);
});

test("who pushes without end waits for the reader, and goes on when it reads or leaves", async () => {
  const channel = new ProgressChannel();
  let pushed = 0;
  const pushing = (async () => {
    for (; pushed < 5000; pushed++) await channel.push({ stream: String(pushed) });
  })();
  const iterator = channel[Symbol.asyncIterator]();
  await iterator.next();
  expect(pushed).toBeLessThan(1000);
  for (let read = 0; read < 2000; read++) await iterator.next();
  expect(pushed).toBeGreaterThan(1999);
  expect(pushed).toBeLessThan(3000);
  await iterator.return(undefined);
  await pushing;
  expect(pushed).toBe(5000);
});
