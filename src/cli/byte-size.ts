const UNITS = "bkmgtp";

/**
 * Reads sizes as Docker does: `512`, `64m`, `1.5GB`, `2kib`; units are powers of 1024 whatever their case.
 * `-1` stands for "no limit" where a limit is meant.
 */
export function parseByteSize(text: string): number {
  if (text === "-1") return -1;
  const match = /^(\d+(?:\.\d+)?) ?(?:([bkmgtp])(?:i?b)?)?$/i.exec(text);
  const [, number, unit = "b"] = match ?? invalid(text);
  return Math.floor(Number(number) * 1024 ** UNITS.indexOf(unit.toLowerCase()));
}

function invalid(text: string): never {
  throw new Error(`invalid size: '${text}'`);
}

/** `13.3kB`, `1.24MB`: powers of 1000, at most `precision` significant digits, as in tables. */
export function formatByteSize(bytes: number, precision = 3): string {
  return scale(bytes, 1000, ["B", "kB", "MB", "GB", "TB", "PB"], precision);
}

/** `1.5MiB`: powers of 1024, four significant digits, as `stats` shows memory. */
export function formatBinarySize(bytes: number): string {
  return scale(bytes, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB"], 4);
}

function scale(bytes: number, base: number, units: readonly string[], precision: number): string {
  let number = bytes;
  let unit = 0;
  while (number >= base && unit < units.length - 1) {
    number /= base;
    unit++;
  }
  return `${Number(number.toPrecision(precision))}${units[unit]}`;
}
