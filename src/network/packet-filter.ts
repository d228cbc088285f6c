import { existsSync } from "node:fs";
import type { Log } from "../base/log.ts";
import { runBatch } from "./host-command.ts";
import type { PortMapping } from "./port-mapping.ts";
import { type BridgeRules, elementsBatch, removalBatch, tableBatch } from "./rules.ts";

/** What the table should hold, read from the records whenever it is about to be written. */
export interface DesiredRules {
  readonly bridges: readonly BridgeRules[];
  readonly ports: readonly PortMapping[];
}

/**
 * Keeps the engine's nftables tables equal to the records. Callers change the records and then ask for {@link apply}; what differs
 * from the last time goes to the kernel as one atomic batch, and one batch follows the other, so that of two callers at
 * the same moment neither can undo the other's work.
 */
export class PacketFilter {
  /** undefined: not known, and so written anew as a whole. */
  #applied: { readonly bridges: string; readonly ports: ReadonlyMap<string, PortMapping> } | undefined;
  #queue: Promise<void> = Promise.resolve();

  constructor(
    readonly table: string,
    private readonly desired: () => DesiredRules,
    private readonly log: Log,
  ) {}

  /** Resolves when the kernel has what the records said at some moment after the call. */
  apply(): Promise<void> {
    return this.#enqueue(() => this.#write());
  }

  /** Writes the whole table, whatever was there before. */
  rebuild(): Promise<void> {
    return this.#enqueue(() => {
      this.#applied = undefined;
      return this.#write();
    });
  }

  /** Takes the table away; the next {@link apply} makes it again. */
  remove(): Promise<void> {
    return this.#enqueue(async () => {
      this.#applied = undefined;
      await runBatch("nft", ["-f", "-"], removalBatch(this.table, hostHasIpv6()));
    });
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    const mine = this.#queue.then(work);
    // The next in the queue starts from the records, whatever became of this one; its caller has the error.
    this.#queue = mine.catch(() => {});
    return mine;
  }

  async #write(): Promise<void> {
    const desired = this.desired();
    const bridges = JSON.stringify(desired.bridges);
    const ports = new Map(desired.ports.map((port) => [JSON.stringify(port), port]));
    const applied = this.#applied;
    // Until it has succeeded, nothing is known of the kernel's side.
    this.#applied = undefined;
    if (applied?.bridges !== bridges || !(await this.#change(applied.ports, ports))) {
      await runBatch("nft", ["-f", "-"], tableBatch(this.table, desired.bridges, desired.ports, hostHasIpv6()));
    }
    this.#applied = { bridges, ports };
  }

  /** @returns false where the table is not as we left it: another program has changed or flushed it. */
  async #change(before: ReadonlyMap<string, PortMapping>, after: ReadonlyMap<string, PortMapping>): Promise<boolean> {
    const removed = [...before].filter(([key]) => !after.has(key)).map(([, port]) => port);
    const added = [...after].filter(([key]) => !before.has(key)).map(([, port]) => port);
    if (removed.length + added.length === 0) return true;
    try {
      await runBatch("nft", ["-f", "-"], elementsBatch(this.table, { added, removed }));
      return true;
    } catch (error) {
      this.log("warn", "the packet filter's table was changed from outside and is written anew", {
        table: this.table,
        error,
      });
      return false;
    }
  }
}

/** Otherwise the kernel may not know tables of that family. */
function hostHasIpv6(): boolean {
  return existsSync("/proc/net/if_inet6");
}
