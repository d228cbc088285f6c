import { writeSync } from "node:fs";
import { timestampNow } from "./timestamp.ts";

/** Writes one line of the engine's own log: time, level, message and facts as key=value. */
export type Log = (
  level: "info" | "warn" | "error",
  message: string,
  facts?: Readonly<Record<string, unknown>>,
) => void;

/** A log on a file descriptor. A full or closed log must never stop the engine, so failures to write are dropped. */
export function logTo(descriptor: number): Log {
  return (level, message, facts = {}) => {
    const tail = Object.entries(facts)
      .map(([key, value]) => ` ${key}=${JSON.stringify(value instanceof Error ? value.message : value)}`)
      .join("");
    try {
      writeSync(descriptor, `${timestampNow()} ${level} ${message}${tail}\n`);
    } catch {
      // Nowhere left to say it.
    }
  };
}
