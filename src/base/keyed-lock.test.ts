import { expect, test } from "bun:test";
import { KeyedLock } from "./keyed-lock.ts";

test("work on one key runs in order, also after a failure; other keys do not wait", async () => {
  const lock = new KeyedLock();
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = lock.run("a", async () => {
    await gate.promise;
    seen.push("a1");
    throw new Error("first fails");
  });
  const second = lock.run("a", async () => {
    seen.push("a2");
  });
  await lock.run("b", async () => {
    seen.push("b");
  });
  gate.resolve();
  expect(first).rejects.toThrow("first fails");
  await second;
  expect(seen).toEqual(["b", "a1", "a2"]);
});
