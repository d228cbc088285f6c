/** Times the phases of one piece of work, in order. Cheap enough to run always: a clock read for each mark. */
export class PhaseTrace {
  readonly #phases: { readonly name: string; readonly ms: number }[] = [];
  #last = performance.now();

  /** Ends the phase that has run since the last mark. */
  mark(name: string): void {
    const now = performance.now();
    this.#phases.push({ name, ms: now - this.#last });
    this.#last = now;
  }

  /** `name=1.23,other=0.40`, in milliseconds. */
  toString(): string {
    return this.#phases.map(({ name, ms }) => `${name}=${ms.toFixed(2)}`).join(",");
  }
}
