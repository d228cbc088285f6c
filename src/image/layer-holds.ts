import type { ChainId } from "./digest.ts";

/** How many work with which layers at the moment, those that are here and those that are about to come. */
export class LayerHolds {
  readonly #counts = new Map<ChainId, number>();

  has(chainId: ChainId): boolean {
    return this.#counts.has(chainId);
  }

  add(chainIds: readonly ChainId[]): void {
    for (const chainId of chainIds) this.#counts.set(chainId, (this.#counts.get(chainId) ?? 0) + 1);
  }

  remove(chainIds: readonly ChainId[]): void {
    for (const chainId of chainIds) {
      const others = (this.#counts.get(chainId) ?? 1) - 1;
      if (others > 0) this.#counts.set(chainId, others);
      else this.#counts.delete(chainId);
    }
  }

  /** Until whoever awaits a layer that was just made has had the time to hold it. */
  addForThisTurn(chainId: ChainId): void {
    this.add([chainId]);
    setImmediate(() => this.remove([chainId]));
  }
}
