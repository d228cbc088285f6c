import { type BuildRecord, isShown, secondsOf } from "./build-progress.ts";

/** For each step why it was taken from the cache or made. */
export function explain(record: BuildRecord): string[] {
  const steps = record.steps().filter((step) => isShown(step) && !step.vertex.name.startsWith("[internal]"));
  return steps.flatMap(({ vertex }) => {
    if (vertex.started === null || vertex.name.startsWith("exporting to")) return [];
    const outcome = vertex.error ? "failed" : vertex.cached ? "cached" : `made in ${secondsOf(vertex).toFixed(1)}s`;
    return [`${vertex.name}`, `    ${outcome}: ${vertex.reason ?? "it has no inputs that could change"}`];
  });
}
