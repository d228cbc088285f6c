import type { Api } from "../../client/api.ts";

/** All that can be caught and mean something to a program; job control and the terminal's size are ours. */
const FORWARDED = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGCONT", "SIGALRM"] as const;

/**
 * From now on, signals to this process go to the container instead. A container that is not there any more swallows
 * them: its end is about to be reported.
 */
export function forwardSignals(api: Api, container: string): void {
  for (const signal of FORWARDED) {
    process.on(signal, () => {
      api
        .send("POST", `/containers/${container}/kill`, { query: { signal: signal.slice("SIG".length) } })
        .catch(() => {});
    });
  }
}
