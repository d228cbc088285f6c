/** Whether `LIGHTER_TRACE=1` asks where the time goes. */
export const tracing = process.env.LIGHTER_TRACE === "1";

const phases: { readonly name: string; readonly atMs: number }[] = [];

/** Notes that a phase of the command has just ended. */
export function tracePhase(name: string): void {
  if (tracing) phases.push({ name, atMs: performance.now() });
}

/** What the engine says of a start in its `Lighter-Trace` header: `name=ms,...`. */
export async function printTrace(engineHeader: string | undefined): Promise<void> {
  if (!tracing) return;
  const { formatTrace } = await import("./format-trace.ts");
  const { printError } = await import("./output.ts");
  await printError(formatTrace(phases, engineHeader ?? ""));
}
