import { formatTable } from "./table.ts";

/** The command's phases, each with its own time and the moment since the process began, then the engine's. */
export function formatTrace(
  phases: readonly { readonly name: string; readonly atMs: number }[],
  engineHeader: string,
): string {
  const own = phases.map(({ name, atMs }, index) => [
    `cli: ${name}`,
    (atMs - (phases[index - 1]?.atMs ?? 0)).toFixed(2),
    atMs.toFixed(2),
  ]);
  const engine = engineHeader
    .split(",")
    .filter((part) => part.includes("="))
    .map((part) => {
      const [name = "", ms = ""] = part.trim().split("=");
      return [`engine: ${name}`, Number(ms).toFixed(2), ""];
    });
  return formatTable([["PHASE", "MS", "AT MS"], ...own, ...engine]).trimEnd();
}
