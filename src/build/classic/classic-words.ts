import { LighterError } from "../../base/errors.ts";
import type { Instruction } from "../dockerfile/instruction.ts";

/** What is refused before the first line, in Docker's words. */
export function refusedBeforehand(error: unknown, dockerfile: string): unknown {
  if (!(error instanceof LighterError)) return error;
  const words: Readonly<Record<string, string>> = {
    DOCKERFILE_NOT_FOUND: `Cannot locate specified Dockerfile: ${dockerfile}`,
    DOCKERFILE_OUTSIDE: `forbidden path outside the build context: ${dockerfile} ()`,
  };
  const [, target] = /^target stage "(.*)" could not/.exec(error.message) ?? [];
  return reworded(
    error,
    target === undefined ? words[error.code] : `failed to reach build target ${target} in Dockerfile`,
  );
}

/** A failure of a step in the classic builder's words, which scripts may look for. */
export function inClassicWords(error: unknown, instruction: Instruction | null): unknown {
  if (!(error instanceof LighterError)) return error;
  if (error.code === "BUILD_STEP_FAILED") {
    const { args, exitCode } = factsOf(error);
    return reworded(error, `The command '${args.join(" ")}' returned a non-zero code: ${exitCode}`);
  }
  if (error.code === "COPY_NOT_FOUND" && instruction) {
    const path = factsOf(error).path.replace(/^\//, "");
    const isContext = instruction.kind === "ADD" || (instruction.kind === "COPY" && instruction.from === null);
    if (/[*?[]/.test(path)) return reworded(error, `${instruction.kind} failed: no source files were specified`);
    const where = isContext ? "file not found in build context or excluded by .dockerignore: " : "";
    return reworded(error, `${instruction.kind} failed: ${where}stat ${path}: file does not exist`);
  }
  const isDownload = error.code === "ADD_DOWNLOAD" || error.code === "ADD_CHECKSUM" || error.code === "GIT_FAILED";
  return isDownload ? reworded(error, `ADD failed: ${error.message}`) : error;
}

function reworded(error: LighterError, message: string | undefined): LighterError {
  if (message === undefined) return error;
  return new LighterError(error.kind, error.code, message, { cause: error.cause });
}

function factsOf({ cause }: LighterError): { args: readonly string[]; exitCode: number; path: string } {
  const facts = { args: [] as readonly string[], exitCode: 0, path: "" };
  if (typeof cause !== "object" || cause === null) return facts;
  if ("args" in cause && Array.isArray(cause.args)) facts.args = cause.args.map(String);
  if ("exitCode" in cause && typeof cause.exitCode === "number") facts.exitCode = cause.exitCode;
  if ("path" in cause && typeof cause.path === "string") facts.path = cause.path;
  return facts;
}
