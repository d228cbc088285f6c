import { readFile } from "node:fs/promises";
import { errnoOf } from "../base/errors.ts";

export interface NetworkStats {
  readonly rx_bytes: number;
  readonly rx_packets: number;
  readonly rx_errors: number;
  readonly rx_dropped: number;
  readonly tx_bytes: number;
  readonly tx_packets: number;
  readonly tx_errors: number;
  readonly tx_dropped: number;
}

/** The interfaces of a process's network namespace but the loopback; null when it has none, or the process is gone. */
export async function readNetworkStats(pid: number): Promise<Record<string, NetworkStats> | null> {
  try {
    const interfaces = parseNetDev(await readFile(`/proc/${pid}/net/dev`, "utf8"));
    return Object.keys(interfaces).length > 0 ? interfaces : null;
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ESRCH" || errnoOf(error) === "EINVAL") return null;
    throw error;
  }
}

/** proc_pid_net(5): eight counters received, then eight sent. */
export function parseNetDev(text: string): Record<string, NetworkStats> {
  const interfaces = text.split("\n").flatMap((line): [string, NetworkStats][] => {
    const [, name = "", counters] = /^\s*([^\s:]+):\s*([\d\s]+)$/.exec(line) ?? [];
    if (counters === undefined || name === "lo") return [];
    const numbers = counters.trim().split(/\s+/).map(Number);
    const at = (index: number): number => numbers[index] ?? 0;
    return [
      [
        name,
        {
          rx_bytes: at(0),
          rx_packets: at(1),
          rx_errors: at(2),
          rx_dropped: at(3),
          tx_bytes: at(8),
          tx_packets: at(9),
          tx_errors: at(10),
          tx_dropped: at(11),
        },
      ],
    ];
  });
  return Object.fromEntries(interfaces);
}
