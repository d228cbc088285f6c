import type { Engine } from "../engine/engine.ts";
import type { Metrics } from "./metrics.ts";

/** Whom the handlers ask. */
export interface Services {
  readonly engine: Engine;
  readonly metrics: Metrics;
}
