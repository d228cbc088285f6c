import type { SolveStatusDocument } from "../../client/build/status-documents.ts";
import { STDERR, write } from "../output.ts";
import { type BuildRecord, isShown, type StepState, secondsOf } from "./build-progress.ts";

/** Something that shows a build as it goes. */
export interface BuildView {
  readonly record: BuildRecord;
  readonly take: (status: SolveStatusDocument) => Promise<void>;
  readonly end: () => Promise<void>;
}

/** Line by line, each with its step's number in front, as `docker build --progress=plain` has it. */
export function plainView(record: BuildRecord): BuildView {
  const told = new Set<string>();
  const open = new Map<number, string>();
  let last = 0;
  const say = async (step: StepState, text: string) => {
    const gap = last !== 0 && last !== step.number ? "\n" : "";
    last = step.number;
    await write(STDERR, `${gap}#${step.number} ${text}\n`);
  };
  const sayOnce = async (key: string, step: StepState, text: string) => {
    if (told.has(key)) return;
    told.add(key);
    await say(step, text);
  };
  return {
    record,
    take: async (status) => {
      const { changed, output } = record.take(status);
      for (const step of changed) {
        const { digest, name, started, completed, cached, error } = step.vertex;
        if (started === null || !isShown(step)) continue;
        await sayOnce(`${digest} name`, step, name);
        if (completed === null) continue;
        const rest = open.get(step.number);
        if (rest) await say(step, `${secondsOf(step.vertex).toFixed(3)} ${rest}`);
        open.delete(step.number);
        const outcome = error
          ? `ERROR: ${error.split("\n")[0]}`
          : cached
            ? "CACHED"
            : `DONE ${secondsOf(step.vertex).toFixed(1)}s`;
        await sayOnce(`${digest} end`, step, outcome);
      }
      for (const { step, text } of output) {
        const lines = ((open.get(step.number) ?? "") + text).split("\n");
        open.set(step.number, lines.pop() ?? "");
        for (const line of lines) await say(step, `${secondsOf(step.vertex).toFixed(3)} ${line}`);
      }
    },
    end: async () => {},
  };
}

/** Says nothing. */
export function quietView(record: BuildRecord): BuildView {
  return {
    record,
    take: async (status) => void record.take(status),
    end: async () => {},
  };
}
