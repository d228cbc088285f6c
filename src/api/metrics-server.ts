import { createServer } from "node:http";
import { fail } from "../base/errors.ts";
import { PROMETHEUS_TEXT } from "../base/prometheus.ts";
import { listenOnTcp } from "./tcp-listener.ts";

/** Where to offer metrics. */
export interface MetricsAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Offers metrics at `http://<address>/metrics` to whoever reaches it: numbers alone, nothing can be done there.
 * @throws unavailable `CANNOT_LISTEN`
 */
export async function serveMetrics({ host, port }: MetricsAddress, render: () => string): Promise<Disposable> {
  const server = createServer((request, response) => {
    const found = request.url?.split("?")[0] === "/metrics";
    response.writeHead(found ? 200 : 404, { "Content-Type": found ? PROMETHEUS_TEXT : "text/plain" });
    response.end(found ? render() : "404 page not found\n");
  });
  await listenOnTcp(server, host, port);
  return {
    [Symbol.dispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/**
 * Reads `host:port`; `:port` is every interface, as with dockerd.
 * @throws invalid `METRICS_ADDRESS`
 */
export function parseMetricsAddress(address: string): MetricsAddress {
  const [, host = "", port = ""] = /^(\[[0-9a-fA-F:]+\]|[^:[\]]*):(\d{1,5})$/.exec(address) ?? [];
  if (port === "" || Number(port) > 65535) {
    return fail("invalid", "METRICS_ADDRESS", `invalid address for metrics "${address}": expected host:port`);
  }
  return { host: host.replace(/^\[|\]$/g, "") || "::", port: Number(port) };
}
