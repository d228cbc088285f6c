/** Metrics as Prometheus reads them (text exposition format 0.0.4). Labels are of closed sets, so that no client makes them grow. */

export const PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8";

export type Labels = Readonly<Record<string, string>>;

/** A number that only grows, by its labels. */
export class Counter {
  readonly #values = new Map<string, number>();

  add(labels: Labels = {}, by = 1): void {
    const key = labelText(labels);
    this.#values.set(key, (this.#values.get(key) ?? 0) + by);
  }

  lines(name: string, help: string): string[] {
    return [
      ...head(name, "counter", help),
      ...[...this.#values].map(([labels, value]) => `${name}${braced(labels)} ${value}`),
    ];
  }
}

/** How long something took, by its labels. */
export class Histogram {
  readonly #series = new Map<string, { count: number; sumSeconds: number; readonly buckets: number[] }>();

  /** @param bounds upper ones of the buckets, in seconds, ascending */
  constructor(readonly bounds: readonly number[]) {}

  observe(labels: Labels, seconds: number): void {
    const key = labelText(labels);
    const series = this.#series.get(key) ?? { count: 0, sumSeconds: 0, buckets: this.bounds.map(() => 0) };
    this.#series.set(key, series);
    series.count++;
    series.sumSeconds += seconds;
    for (const [index, bound] of this.bounds.entries()) {
      if (seconds <= bound) series.buckets[index] = (series.buckets[index] ?? 0) + 1;
    }
  }

  lines(name: string, help: string): string[] {
    const samples = [...this.#series].flatMap(([labels, { count, sumSeconds, buckets }]) => {
      const bucket = (bound: number | string, value: number) =>
        `${name}_bucket${braced([labels, labelText({ le: String(bound) })].filter(Boolean).join(","))} ${value}`;
      return [
        ...this.bounds.map((bound, index) => bucket(bound, buckets[index] ?? 0)),
        bucket("+Inf", count),
        `${name}_sum${braced(labels)} ${sumSeconds}`,
        `${name}_count${braced(labels)} ${count}`,
      ];
    });
    return [...head(name, "histogram", help), ...samples];
  }
}

/** A value of this moment, or several by their labels. */
export function gauge(name: string, help: string, value: number | readonly (readonly [Labels, number])[]): string[] {
  return sampled(name, "gauge", help, value);
}

/** A total that somebody else counts. */
export function total(name: string, help: string, value: number): string[] {
  return sampled(name, "counter", help, value);
}

function sampled(
  name: string,
  type: "gauge" | "counter",
  help: string,
  value: number | readonly (readonly [Labels, number])[],
): string[] {
  const samples = typeof value === "number" ? ([[{}, value]] as const) : value;
  return [...head(name, type, help), ...samples.map(([labels, one]) => `${name}${braced(labelText(labels))} ${one}`)];
}

function head(name: string, type: string, help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join(",");
}

function escapeLabel(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`));
}

const braced = (labels: string) => (labels === "" ? "" : `{${labels}}`);
