import { Counter, gauge, Histogram, total } from "../../base/prometheus.ts";

/** Upper bounds of the buckets, in seconds. */
const BUCKETS_S = [0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 300];

/** What the registry tells Prometheus. */
export class Metrics {
  readonly #requests = new Counter();
  readonly #durations = new Histogram(BUCKETS_S);
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
    this.#requests.add({ method, route, code: String(status) });
    this.#durations.observe({ route }, seconds);
  }

  /** @param stored what the registry holds at this moment. */
  render(stored: { blobs: number; bytes: number }): string {
    const lines = [
      ...this.#requests.lines("lighter_registry_requests_total", "Requests answered."),
      ...this.#durations.lines(
        "lighter_registry_request_duration_seconds",
        "Time from a request's head to its answer's last byte.",
      ),
      ...gauge("lighter_registry_requests_in_flight", "Requests being answered.", this.#inFlight),
      ...gauge("lighter_registry_blobs", "Blobs stored.", stored.blobs),
      ...gauge("lighter_registry_stored_bytes", "Bytes of the blobs stored.", stored.bytes),
      ...total("lighter_registry_sent_bytes_total", "Bytes of answers' bodies, as announced.", this.#sentBytes),
      ...total("lighter_registry_received_bytes_total", "Bytes of requests' bodies.", this.#receivedBytes),
    ];
    return `${lines.join("\n")}\n`;
  }
}
