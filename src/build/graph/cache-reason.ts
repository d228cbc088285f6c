import { z } from "zod";
import { nowNanoseconds } from "../../base/timestamp.ts";
import type { Store } from "../../store/database.ts";
import type { Job } from "./job.ts";
import { digestOfOperation } from "./vertex.ts";

const TraceSchema = z.object({ operation: z.string(), facts: z.array(z.string()) });
type Trace = z.infer<typeof TraceSchema>;

/** As many places of Dockerfiles as are remembered. */
const MAX_TRACES = 10_000;

/**
 * Says why the cache does not have a step, by what the step in its place was made of the last time, and remembers what it
 * is made of now. A place is a step's name in progress: stage, number and instruction's kind.
 */
export function reasonOf(job: Job, facts: readonly string[], ignoresCache: boolean): string {
  const { store } = job.parts;
  const place = placeOf(job);
  const now: Trace = { operation: digestOfOperation(job.operation, []), facts: [...facts] };
  const before = readTrace(store, place);
  writeTrace(store, place, now);
  if (ignoresCache) return "the cache was not asked for it";
  if (before === null) return "it was not built before";
  if (before.operation !== now.operation) return "the instruction has changed";
  const changed = facts.findIndex((fact, at) => fact !== before.facts[at]);
  if (changed < 0) return "its result is not in the cache any more";
  const input = job.vertex.inputs[changed]?.vertex;
  const name = input?.description.name || "an input";
  return input?.operation.kind === "source" && input.operation.source.type === "local"
    ? `files that it copies have changed (${name})`
    : `what it stands on has changed (${name})`;
}

/** Without arguments, so that a changed instruction is still the one of its place. */
function placeOf({ vertex }: Job): string {
  const { name, place } = vertex.description;
  const [, step = name] = /^(\[[^\]]*\] \S+)/.exec(name) ?? [];
  return `${place?.file ?? ""} ${step}`;
}

function readTrace(store: Store, place: string): Trace | null {
  const row = store.db
    .query<{ document: string }, [string]>("SELECT document FROM build_trace WHERE place = ?")
    .get(place);
  return row && TraceSchema.parse(JSON.parse(row.document));
}

function writeTrace(store: Store, place: string, trace: Trace): void {
  store.transaction(() => {
    store.db
      .query(
        `INSERT INTO build_trace (place, document, last_used_ns) VALUES (?1, ?2, ?3)
         ON CONFLICT (place) DO UPDATE SET document = ?2, last_used_ns = ?3`,
      )
      .run(place, JSON.stringify(trace), nowNanoseconds());
    store.db.run(
      `DELETE FROM build_trace WHERE place IN
         (SELECT place FROM build_trace ORDER BY last_used_ns DESC LIMIT -1 OFFSET ${MAX_TRACES})`,
    );
  });
}
