import { expect, test } from "bun:test";
import { parseMoment } from "./moment.ts";

const NOW = Date.parse("2026-05-01T12:00:00.250Z");
const at = (date: string, fraction = "000000000") => `${Date.parse(date) / 1000}.${fraction}`;

test.each([
  ["1700000000", "1700000000"],
  ["1700000000.25", "1700000000.25"],
  ["10m", at("2026-05-01T11:50:00Z", "250000000")],
  ["0s", at("2026-05-01T12:00:00Z", "250000000")],
  ["2026-01-02T13:23:37Z", at("2026-01-02T13:23:37Z")],
  ["2026-01-02T13:23:37.000000001Z", at("2026-01-02T13:23:37Z", "000000001")],
  ["2026-01-02T13:23:37.5+02:00", at("2026-01-02T11:23:37Z", "500000000")],
  ["2026-01-02T13:23", at("2026-01-02T13:23:00")],
  ["2026-01-02", at("2026-01-02T00:00:00")],
])("%s", (text, seconds) => {
  expect(parseMoment("since", text, NOW)).toBe(seconds);
});

test.each(["yesterday", "", "2026-13-45", "2026-01-02 13:23"])("%p is refused, naming the flag", (text) => {
  expect(() => parseMoment("until", text, NOW)).toThrow(
    `invalid value for "until": failed to parse value as time or duration: "${text}"`,
  );
});
