import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { EventLoopWatch } from "../base/event-loop-watch.ts";
import { Counter, gauge, Histogram, type Labels, total } from "../base/prometheus.ts";
import { API_VERSION, VERSION } from "../base/version.ts";
import type { Engine } from "../engine/engine.ts";

/** Which routes are the actions of Docker's metrics. */
const CONTAINER_ACTIONS: Readonly<Record<string, string>> = {
  "POST /containers/create": "create",
  "POST /containers/{id}/start": "start",
  "GET /containers/{id}/changes": "changes",
  "POST /commit": "commit",
  "DELETE /containers/{id}": "delete",
};
const NETWORK_ACTIONS: Readonly<Record<string, string>> = {
  "POST /networks/create": "create",
  "POST /networks/{id}/connect": "connect",
  "POST /networks/{id}/disconnect": "disconnect",
  "DELETE /networks/{id}": "delete",
};

/** Docker's, for the actions; requests have more of the short ones. */
const ACTION_BOUNDS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const REQUEST_BOUNDS_S = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10];

/** One request that has its whole answer. */
export interface AnsweredRequest {
  /** `GET /containers/{id}/json`; `other` for a path that is none. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
  /** It was a stream, whose length is its reader's matter. */
  readonly isStream: boolean;
}

/** What the engine tells Prometheus: dockerd's own families that have a meaning here, and some of ours. */
export class Metrics {
  readonly #requests = new Counter();
  readonly #requestTimes = new Histogram(REQUEST_BOUNDS_S);
  readonly #containerActions = new Histogram(ACTION_BOUNDS_S);
  readonly #networkActions = new Histogram(ACTION_BOUNDS_S);
  readonly #loop = new EventLoopWatch();
  readonly #startedAt = Date.now() / 1000 - process.uptime();
  #builds = 0;

  observe({ route, status, seconds, isStream }: AnsweredRequest): void {
    this.#requests.add({ route, code: String(status) });
    if (!isStream) this.#requestTimes.observe({ route }, seconds);
    if (route === "POST /build") this.#builds++;
    if (status >= 400) return;
    const container = CONTAINER_ACTIONS[route];
    if (container) this.#containerActions.observe({ action: container }, seconds);
    const network = NETWORK_ACTIONS[route];
    if (network) this.#networkActions.observe({ action: network }, seconds);
  }

  /** The document that Prometheus fetches. */
  render({ parts, system }: Engine): string {
    const info = system.info();
    const { delayMs, stallMs, busyMs } = this.#loop.look();
    const states: readonly (readonly [Labels, number])[] = [
      [{ state: "paused" }, info.ContainersPaused],
      [{ state: "running" }, info.ContainersRunning],
      [{ state: "stopped" }, info.ContainersStopped],
    ];
    const about = {
      architecture: info.Architecture,
      commit: "",
      daemon_id: info.ID,
      graphdriver: info.Driver,
      kernel: info.KernelVersion,
      os: info.OperatingSystem,
      os_type: info.OSType,
      os_version: info.OSVersion,
      version: VERSION,
      api_version: API_VERSION,
    };
    const { user, system: kernel } = process.cpuUsage();
    const lines = [
      ...this.#containerActions.lines(
        "engine_daemon_container_actions_seconds",
        "The number of seconds it takes to process each container action",
      ),
      ...gauge("engine_daemon_container_states_containers", "The count of containers in various states", states),
      ...gauge(
        "engine_daemon_engine_cpus_cpus",
        "The number of cpus that the host system of the engine has",
        availableParallelism(),
      ),
      ...gauge("engine_daemon_engine_info", "The information related to the engine and the OS it is running on", [
        [about, 1],
      ]),
      ...gauge(
        "engine_daemon_engine_memory_bytes",
        "The number of bytes of memory that the host system of the engine has",
        totalmem(),
      ),
      ...gauge(
        "engine_daemon_events_subscribers_total",
        "The number of current subscribers to events",
        parts.events.listenerCount,
      ),
      ...total("engine_daemon_events_total", "The number of events logged", parts.events.emittedCount),
      ...this.#networkActions.lines(
        "engine_daemon_network_actions_seconds",
        "The number of seconds it takes to process each network action",
      ),
      ...total("builder_builds_triggered_total", "Number of triggered image builds", this.#builds),
      ...this.#requests.lines("lighter_api_requests_total", "Requests answered, by route and status"),
      ...this.#requestTimes.lines(
        "lighter_api_request_seconds",
        "Time to the end of the answer, of those that are no streams",
      ),
      ...gauge(
        "lighter_event_loop_delay_max_seconds",
        "How late the event loop was at worst since the last scrape",
        delayMs / 1000,
      ),
      ...gauge(
        "lighter_event_loop_stall_max_seconds",
        "The same without the time in which no processor was free for the engine",
        stallMs / 1000,
      ),
      ...gauge(
        "lighter_event_loop_busy_max_seconds",
        "Of that, the time in which the event loop's own thread computed",
        busyMs / 1000,
      ),
      ...gauge("lighter_images", "Images in the store", info.Images),
      ...total("process_cpu_seconds_total", "Total user and system CPU time spent in seconds", (user + kernel) / 1e6),
      ...gauge("process_open_fds", "Number of open file descriptors", readdirSync("/proc/self/fd").length),
      ...gauge("process_resident_memory_bytes", "Resident memory size in bytes", residentBytes()),
      ...gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds", this.#startedAt),
    ];
    return `${lines.join("\n")}\n`;
  }

  stop(): void {
    this.#loop.stop();
  }
}

/** From /proc/self/statm (proc(5)), in pages. */
function residentBytes(): number {
  const PAGE_BYTES = 4096;
  return Number(readFileSync("/proc/self/statm", "utf8").split(" ")[1] ?? 0) * PAGE_BYTES;
}
