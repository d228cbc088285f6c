import { fail, LighterError } from "../../base/errors.ts";
import type { From, Instruction, InstructionOf, Stage } from "./instruction.ts";
import { type Directives, readStatements, type Statement } from "./lines.ts";
import { parseInstruction } from "./parse-instruction.ts";
import { located } from "./source-excerpt.ts";
import type { EscapeCharacter } from "./words.ts";

export interface Dockerfile {
  readonly directives: Directives;
  /** ARG before the first FROM: visible in FROM, and in a stage that names them again. */
  readonly globalArgs: readonly InstructionOf<"ARG">[];
  readonly stages: readonly Stage[];
  /** In Docker's words, ready to print. */
  readonly warnings: readonly string[];
}

/** A Dockerfile is small; what is larger is something else. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Parses a Dockerfile into stages of typed instructions. `fileName` is for messages.
 * @throws invalid: `dockerfile parse error on line 3: unknown instruction: FOO (did you mean ...?)`, then file, line and a caret.
 */
export function parseDockerfile(source: string, fileName: string): Dockerfile {
  if (source.length > MAX_BYTES) {
    fail(
      "invalid",
      "DOCKERFILE_SYNTAX",
      `${fileName} is ${source.length} characters long: a Dockerfile may have ${MAX_BYTES}`,
    );
  }
  if (!source) fail("invalid", "DOCKERFILE_EMPTY", `the Dockerfile (${fileName}) cannot be empty`);
  const { directives, statements } = readStatements(source);
  if (!statements.length) {
    fail("invalid", "DOCKERFILE_EMPTY", `failed to parse ${fileName}: file with no instructions (begin with FROM)`);
  }

  const file = { name: fileName, text: source };
  const globalArgs: InstructionOf<"ARG">[] = [];
  const stages: { from: From; instructions: Instruction[] }[] = [];
  for (const statement of statements) {
    const at = `dockerfile parse error on line ${statement.firstLine}: `;
    const instruction = located(file, statement, () =>
      prefixed(at, () => parseInstruction(statement, directives.escape)),
    );
    const stage = stages.at(-1);
    if (instruction.kind === "FROM") stages.push({ from: instruction, instructions: [] });
    else if (stage) stage.instructions.push(instruction);
    else if (instruction.kind === "ARG") globalArgs.push(instruction);
    else {
      located(file, statement, () =>
        fail("invalid", "DOCKERFILE_NO_STAGE", `${at}no build stage in current context (expected FROM or ARG first)`),
      );
    }
  }
  if (!stages.length) {
    fail("invalid", "DOCKERFILE_NO_STAGE", `failed to parse ${fileName}: no build stage in it (expected a FROM)`);
  }
  return { directives, globalArgs, stages, warnings: warningsOf(statements) };
}

/** Parses instructions that stand alone: an ONBUILD trigger, or the changes of `commit` and `import`. */
export function parseFragment(source: string, what: string, escapeChar: EscapeCharacter = "\\"): Instruction[] {
  const { statements } = readStatements(escapeChar === "\\" ? source : `# escape=${escapeChar}\n${source}`);
  return statements.map((statement) =>
    located({ name: what, text: source }, statement, () =>
      prefixed(`dockerfile parse error on line ${statement.firstLine}: `, () => {
        const instruction = parseInstruction(statement, escapeChar);
        if (instruction.kind === "FROM") fail("invalid", "DOCKERFILE_ARGUMENTS", "FROM isn't allowed here");
        return instruction;
      }),
    ),
  );
}

/** The stage with this name (any case) or number, as `--target` and `COPY --from` look it up. */
export function findStage(stages: readonly Stage[], nameOrNumber: string): number | null {
  const name = nameOrNumber.toLowerCase();
  const byName = stages.findLastIndex((stage) => stage.from.stageName === name);
  if (byName >= 0) return byName;
  return /^\d{1,4}$/.test(name) && Number(name) < stages.length ? Number(name) : null;
}

/** Puts words before those of a failure. */
function prefixed<T>(words: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof LighterError)) throw error;
    return fail(error.kind, error.code, words + error.message, { cause: error });
  }
}

function warningsOf(statements: readonly Statement[]): string[] {
  const empty = statements.filter((statement) => statement.hasEmptyContinuation);
  if (!empty.length) return [];
  return [
    ...empty.map((statement) => `[WARNING]: Empty continuation line found in:\n    ${statement.text}`),
    "[WARNING]: Empty continuation lines will become errors in a future release.",
  ];
}
