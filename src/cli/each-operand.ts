import { describeFailure } from "./describe-failure.ts";
import { print, printError } from "./output.ts";

/** So many requests are on their way at once, as in Docker. */
const PARALLEL = 50;

/**
 * Does the same to several things at once and prints each result (nothing for null) in the order of
 * the command line. Failures are printed after, and make the exit status 1.
 */
export async function eachOperand(
  operands: readonly string[],
  act: (operand: string) => Promise<string | null>,
): Promise<number> {
  const failures: string[] = [];
  for (let first = 0; first < operands.length; first += PARALLEL) {
    const batch = operands.slice(first, first + PARALLEL);
    const outcomes = await Promise.allSettled(batch.map(act));
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") failures.push(describeFailure(outcome.reason));
      else if (outcome.value !== null) await print(outcome.value);
    }
  }
  for (const failure of failures) await printError(failure);
  return failures.length === 0 ? 0 : 1;
}
