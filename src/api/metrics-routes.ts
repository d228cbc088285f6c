import { PROMETHEUS_TEXT } from "../base/prometheus.ts";
import { type Route, route } from "./route.ts";

/** Lighter's own endpoint: what `--metrics-addr` offers to those who cannot use the API, for those who can. */
export const METRICS_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/lighter/metrics",
    summary: "Numbers for Prometheus",
    handle: ({ services: { engine, metrics } }) => ({
      kind: "text",
      body: metrics.render(engine),
      headers: { "Content-Type": PROMETHEUS_TEXT },
    }),
  }),
];
