import { fail } from "../../base/errors.ts";
import type { Stage } from "../dockerfile/instruction.ts";
import { findStage } from "../dockerfile/parse-dockerfile.ts";

/**
 * The stages that one needs, each after those it stands on or copies from.
 * @param expand replaces variables as FROM sees them. @throws invalid for stages that need each other.
 */
export function stagesInOrder(
  stages: readonly Stage[],
  target: number,
  expand: (word: string) => string,
  isElsewhere: (name: string) => boolean,
): Stage[] {
  const order: Stage[] = [];
  const states = new Map<number, "open" | "done">();
  const visit = (number: number): void => {
    const stage = stages[number];
    if (!stage || states.get(number) === "done") return;
    if (states.get(number) === "open") {
      fail("invalid", "STAGE_CIRCLE", `circular dependency detected on stage: ${stage.from.stageName ?? number}`);
    }
    states.set(number, "open");
    for (const name of namesIn(stage, expand)) {
      if (isElsewhere(name)) continue;
      // A stage that is named like its own base means the image.
      const found = findStage(name === expand(stage.from.base) ? stages.slice(0, number) : stages, name);
      if (found === number) {
        fail("invalid", "NO_SUCH_STAGE", `invalid from flag value ${name}: refers to current build stage`);
      }
      if (found !== null) visit(found);
    }
    states.set(number, "done");
    order.push(stage);
  };
  visit(target);
  return order;
}

/** What a stage names that may be another: its base, `--from`, `--mount=from=`. */
function namesIn({ from, instructions }: Stage, expand: (word: string) => string): string[] {
  const names = [expand(from.base)];
  for (const instruction of instructions) {
    if (instruction.kind === "COPY" && instruction.from !== null) names.push(instruction.from);
    if (instruction.kind !== "RUN") continue;
    for (const mount of instruction.mounts) {
      const [, name] = /(?:^|,)from=([^,]*)/i.exec(mount) ?? [];
      if (name) names.push(expand(name));
    }
  }
  return names;
}
