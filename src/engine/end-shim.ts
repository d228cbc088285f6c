import type { Shim } from "../runtime/shim.ts";
import { SIGKILL } from "./signal-container.ts";

/** Ends what a shim runs, if it runs anything, and the shim itself. Resolves when nothing is left of them. */
export async function endShim(shim: Shim): Promise<void> {
  if (shim.state.status === "running") {
    const gone = new Promise<void>((resolve) => {
      shim.onExit = (exit) => exit.process === "init" && resolve();
      shim.onDisconnect = () => resolve();
    });
    await shim.kill(SIGKILL).catch(() => {}); // It has ended by itself.
    if (shim.state.status === "running") await gone;
  }
  await shim.release();
}
