import { LighterError } from "../base/errors.ts";
import type { Api } from "../client/api.ts";
import { eachOperand } from "./each-operand.ts";

/** Removes what the operands name below `path`, printing each name; with `force` one that is not there is no failure. */
export function removeEach(api: Api, path: string, names: readonly string[], force: boolean): Promise<number> {
  return eachOperand(names, async (name) => {
    try {
      await api.send("DELETE", `${path}/${encodeURIComponent(name)}`, { query: { force: force ? 1 : undefined } });
      return name;
    } catch (error) {
      if (!force || !(error instanceof LighterError) || error.kind !== "not-found") throw error;
      return null;
    }
  });
}
