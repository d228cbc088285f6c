import { fail } from "../base/errors.ts";
import type { HostConfig } from "./container-config.ts";

/** How large a container's log may grow; 0 bytes is no limit. */
export interface LogLimits {
  readonly maxBytes: number;
  readonly maxFiles: number;
}

/** Drivers that write Docker's json-file format here; `local` only differs in its default of rotating. */
const DRIVERS = ["json-file", "local", "none"];
/** Of the `local` driver. */
const LOCAL_LIMITS: LogLimits = { maxBytes: 20 * 1024 * 1024, maxFiles: 5 };
const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };
/** Accepted for the sake of scripts; they change nothing that a reader of the log sees. */
const WITHOUT_EFFECT = ["compress", "mode", "max-buffer-size"];
/** Looked at when the log is read (log-attributes.ts). */
const ATTRIBUTES = ["labels", "labels-regex", "env", "env-regex", "tag"];

/** @throws invalid `INVALID_LOG_OPTION` in Docker's words for a driver, option or size that is none. */
export function logLimits({ Type: driver, Config: options }: HostConfig["LogConfig"]): LogLimits {
  if (!DRIVERS.includes(driver)) {
    fail("invalid", "INVALID_LOG_OPTION", `logger: no log driver named '${driver}' is registered`);
  }
  let { maxBytes, maxFiles } = driver === "local" ? LOCAL_LIMITS : { maxBytes: 0, maxFiles: 1 };
  for (const [name, value] of Object.entries(options)) {
    if (name === "max-size") maxBytes = parseSize(value);
    else if (name === "max-file") maxFiles = parseCount(value);
    else if (!WITHOUT_EFFECT.includes(name) && !ATTRIBUTES.includes(name)) {
      fail("invalid", "INVALID_LOG_OPTION", `unknown log opt '${name}' for ${driver} log driver`);
    }
  }
  if (maxFiles > 1 && maxBytes === 0) {
    fail("invalid", "INVALID_LOG_OPTION", "max-file cannot be used without max-size: add max-size, such as 10m");
  }
  return { maxBytes, maxFiles };
}

function parseSize(text: string): number {
  const [, digits, unit = ""] = /^(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?$/i.exec(text) ?? [];
  const size = Number(digits) * (UNITS[unit.toLowerCase()] ?? Number.NaN);
  if (digits === undefined || !(size > 0)) {
    fail("invalid", "INVALID_LOG_OPTION", `invalid value for max-size: '${text}': give a size such as 10m`);
  }
  return Math.floor(size);
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > 1000) {
    fail("invalid", "INVALID_LOG_OPTION", `invalid value for max-file: '${text}': give a number from 1 to 1000`);
  }
  return count;
}
