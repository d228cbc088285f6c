import type { HistoryEntry, ImageRunConfig } from "./config.ts";
import { entriesOf, fieldOf, isSame, ofEntries } from "./config-fields.ts";

/** Applies one Dockerfile instruction to a configuration; throws for what is none. The builder knows how. */
export type ApplyInstruction = (config: ImageRunConfig, instruction: string) => ImageRunConfig;

/** The instructions that change what a container gets, and nothing else. */
const METADATA = /^(CMD|ENTRYPOINT|ENV|EXPOSE|HEALTHCHECK|LABEL|ONBUILD|STOPSIGNAL|USER|VOLUME|WORKDIR)\s/;

export interface EarlierConfig {
  readonly config: ImageRunConfig;
  /** Fields of which the history does not tell, or not wholly, what they were: the rest is as in the later image. */
  readonly kept: readonly string[];
}

/**
 * The configuration that an image had some steps ago, as far as its history tells. The history is believed for those
 * fields only which it explains up to the end: where replaying all steps gives the value that the image really has.
 * @param start the configuration before `done`, of an image that is known, or an empty one.
 * @param done the steps from there to the state that is asked for. @param undone those after it.
 * @param actual the configuration after `undone`.
 */
export function configBefore(
  start: ImageRunConfig,
  done: readonly HistoryEntry[],
  undone: readonly HistoryEntry[],
  actual: ImageRunConfig,
  apply: ApplyInstruction,
): EarlierConfig {
  const earlier = replay(start, done, apply);
  const later = replay(earlier, undone, apply);
  const fields = [...new Set([...Object.keys(actual), ...Object.keys(later), ...Object.keys(earlier)])].sort();
  const kept = fields.filter((field) => !isSame(fieldOf(later, field), fieldOf(actual, field)));
  const config = Object.fromEntries(
    fields
      .map((field) => {
        const before = fieldOf(earlier, field);
        const explained = !kept.includes(field);
        return [
          field,
          explained ? before : withUnexplained(field, fieldOf(actual, field), fieldOf(later, field), before),
        ] as const;
      })
      .filter(([, value]) => value !== undefined),
  );
  return { config, kept };
}

function replay(config: ImageRunConfig, entries: readonly HistoryEntry[], apply: ApplyInstruction): ImageRunConfig {
  return entries.reduce((current, entry) => {
    const instruction = instructionOf(entry);
    if (instruction === null) return current;
    try {
      return apply(current, instruction);
    } catch {
      // History is written for people: what is no instruction after all explains nothing, and its field stays unexplained.
      return current;
    }
  }, config);
}

/** The Dockerfile instruction that a builder wrote down for a step; null for RUN, COPY and what a person ran. */
export function instructionOf({ created_by, comment }: HistoryEntry): string | null {
  const text = created_by ?? "";
  const classic = /#\(nop\)\s+(.+)$/s.exec(text)?.[1];
  const line = classic ?? (comment?.startsWith("buildkit.") ? text.replace(/ # buildkit$/, "") : null);
  if (line === null || !METADATA.test(line)) return null;
  return asWritten(line);
}

/** Builders print Go's lists and maps: `CMD ["echo" "hi"]`, `VOLUME [/data]`, `EXPOSE map[80/tcp:{}]`. */
function asWritten(line: string): string {
  const plain = /^(EXPOSE|VOLUME) (?:map)?\[([^"\]]*)\]$/.exec(line);
  if (plain) return `${plain[1]} ${plain[2]?.replaceAll(":{}", "")}`;
  const quoted = /^(\w+) \[((?:"(?:[^"\\]|\\.)*" ?)+)\]$/.exec(line);
  return quoted ? `${quoted[1]} [${quoted[2]?.match(/"(?:[^"\\]|\\.)*"/g)?.join(", ")}]` : line;
}

/**
 * A field that the history does not explain. Of lists by name only what is not told of is taken from the later image: a base
 * image's PATH was there from the beginning, and no step says so.
 */
function withUnexplained(field: string, actual: unknown, later: unknown, earlier: unknown): unknown {
  const [all, told, before] = [entriesOf(field, actual), entriesOf(field, later), entriesOf(field, earlier)];
  const isTold = (name: string) => told?.has(name) === true;
  if (!all || !told || !before || ![...told].every(([name, value]) => isSame(all.get(name), value))) return actual;
  const merged = [...[...all].filter(([name]) => !isTold(name)), ...before];
  return ofEntries(field, merged);
}
