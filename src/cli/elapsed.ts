import { humanDuration } from "../base/human-duration.ts";

/** `2 minutes ago`, from seconds since the epoch. */
export function formatAgo(epochSeconds: number): string {
  return `${humanDuration(Date.now() / 1000 - epochSeconds)} ago`;
}

/** `2026-05-01 10:20:30 +0200 CEST`: local time, as Go's default text for a time of whole seconds. */
export function formatLocalTime(epochSeconds: number): string {
  const time = new Date(epochSeconds * 1000);
  const offset = -time.getTimezoneOffset();
  const sign = offset < 0 ? "-" : "+";
  const zone = `${sign}${two(Math.trunc(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  return `${day} ${clock} ${zone} ${zoneName(time) ?? zone}`;
}

/** The abbreviation (`UTC`, `CEST`); undefined where the zone has none, for which Go repeats the offset. */
function zoneName(time: Date): string | undefined {
  const name = / \(?([A-Z]{3,5})\)?$/.exec(time.toLocaleTimeString("en-US", { timeZoneName: "short" }))?.[1];
  return name;
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}
