import { expect, test } from "bun:test";
import { eventually, within } from "./deadline.ts";

test("a deadline names what was awaited", async () => {
  const never = new Promise<void>(() => {});
  await expect(within("rain", never, 5)).rejects.toThrow("not within 5 ms: rain");
  await expect(
    eventually(
      () => "snow",
      () => undefined,
      5,
    ),
  ).rejects.toThrow("not within 5 ms: snow");
});

test("what comes in time is handed on", async () => {
  let looks = 0;
  expect(await eventually("the third look", () => (++looks === 3 ? looks : undefined))).toBe(3);
  expect(await within("a value", Promise.resolve("value"))).toBe("value");
});
