import { expect, test } from "bun:test";
import { humanDuration } from "./human-duration.ts";

const HOUR = 3600;
const DAY = 24 * HOUR;

test.each([
  [0.4, "Less than a second"],
  [1, "1 second"],
  [45, "45 seconds"],
  [60, "About a minute"],
  [180, "3 minutes"],
  [HOUR, "About an hour"],
  [3 * HOUR + 10, "3 hours"],
  [3 * DAY, "3 days"],
  [15 * DAY, "2 weeks"],
  [70 * DAY, "2 months"],
  [800 * DAY, "2 years"],
])("%p seconds read as %p", (seconds, words) => {
  expect(humanDuration(seconds)).toBe(words);
});
