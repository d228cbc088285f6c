/** Upper bounds of the buckets, in seconds. */
const BUCKETS_S = [0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 300];

interface Series {
  count: number;
  sumS: number;
  readonly buckets: number[];
}

/** Counters for Prometheus (text exposition format 0.0.4). Labels are of closed sets, so that no client makes them grow. */
export class Metrics {
  readonly #requests = new Map<string, number>();
  readonly #durations = new Map<string, Series>();
  #inFlight = 0;
  #sentBytes = 0;
  #receivedBytes = 0;

  begin(): void {
    this.#inFlight++;
  }

  end(request: {
    method: string;
    route: string;
    status: number;
    seconds: number;
    received: number;
    sent: number;
  }): void {
    const { method, route, status, seconds } = request;
    this.#inFlight--;
    this.#sentBytes += request.sent;
    this.#receivedBytes += request.received;
    const labels = `method="${method}",route="${route}",code="${status}"`;
    this.#requests.set(labels, (this.#requests.get(labels) ?? 0) + 1);
    const series = this.#durations.get(route) ?? { count: 0, sumS: 0, buckets: BUCKETS_S.map(() => 0) };
    this.#durations.set(route, series);
    series.count++;
    series.sumS += seconds;
    for (const [index, bound] of BUCKETS_S.entries()) {
      if (seconds <= bound) series.buckets[index] = (series.buckets[index] ?? 0) + 1;
    }
  }

  /** @param stored what the registry holds at this moment. */
  render(stored: { blobs: number; bytes: number }): string {
    const lines: string[] = [];
    const family = (name: string, type: string, help: string, samples: readonly string[]) =>
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples);
    family(
      "lighter_registry_requests_total",
      "counter",
      "Requests answered.",
      [...this.#requests].map(([labels, count]) => `lighter_registry_requests_total{${labels}} ${count}`),
    );
    family(
      "lighter_registry_request_duration_seconds",
      "histogram",
      "Time from a request's head to its answer's last byte.",
      [...this.#durations].flatMap(([route, series]) =>
        histogram("lighter_registry_request_duration_seconds", route, series),
      ),
    );
    const gauge = (name: string, help: string, value: number) => family(name, "gauge", help, [`${name} ${value}`]);
    gauge("lighter_registry_requests_in_flight", "Requests being answered.", this.#inFlight);
    gauge("lighter_registry_blobs", "Blobs stored.", stored.blobs);
    gauge("lighter_registry_stored_bytes", "Bytes of the blobs stored.", stored.bytes);
    const counter = (name: string, help: string, value: number) => family(name, "counter", help, [`${name} ${value}`]);
    counter("lighter_registry_sent_bytes_total", "Bytes of answers' bodies, as announced.", this.#sentBytes);
    counter("lighter_registry_received_bytes_total", "Bytes of requests' bodies.", this.#receivedBytes);
    return `${lines.join("\n")}\n`;
  }
}

function histogram(name: string, route: string, { count, sumS, buckets }: Series): string[] {
  return [
    ...BUCKETS_S.map((bound, index) => `${name}_bucket{route="${route}",le="${bound}"} ${buckets[index] ?? 0}`),
    `${name}_bucket{route="${route}",le="+Inf"} ${count}`,
    `${name}_sum{route="${route}"} ${sumS}`,
    `${name}_count{route="${route}"} ${count}`,
  ];
}
