import type { Row } from "./rows.ts";
import { median } from "./statistics.ts";

/** What was measured for a row, by contender, in the row's unit. */
export interface Measured {
  readonly row: Pick<Row, "key" | "title" | "unit" | "target">;
  readonly values: Readonly<Record<string, readonly number[]>>;
}

/** Lines of a table in Markdown: medians, and how many times less than Docker ours is where Docker was measured too. */
export function table(measured: readonly Measured[], contenders: readonly string[], rival: string): string {
  const withRival = contenders.includes(rival);
  const header = ["", ...contenders, ...(withRival ? ["target"] : [])];
  const lines = measured.map(({ row, values }) => {
    const base = withRival ? median(values[rival] ?? []) : undefined;
    const cells = contenders.map((name) => {
      const value = median(values[name] ?? []);
      const ratio = base === undefined || name === rival ? "" : ` (${(base / value).toFixed(1)}x)`;
      return `${format(value)} ${row.unit}${ratio}`;
    });
    return [row.title, ...cells, ...(withRival ? [`${row.target}x`] : [])];
  });
  return aligned([header, header.map(() => "---"), ...lines]);
}

function format(value: number): string {
  if (Number.isNaN(value)) return "-";
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  return rows
    .map((cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`)
    .join("\n");
}
