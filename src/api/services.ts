import type { Engine } from "../engine/engine.ts";

/** Whom the handlers ask. */
export interface Services {
  readonly engine: Engine;
}
