import { chmod, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fail } from "../base/errors.ts";
import { type Id, shortId } from "../base/ids.ts";
import type { BuildRun } from "./build-run.ts";
import { cacheKey } from "./cache.ts";
import { argumentsOf } from "./change-config.ts";
import { commitStep, probeCache, withIntermediate, writeLayer } from "./commit-step.ts";
import { heredocText, parseHeredocMark } from "./dockerfile/heredoc.ts";
import type { InstructionOf } from "./dockerfile/instruction.ts";
import { requireClassic } from "./require-classic.ts";
import type { StageState } from "./stage-state.ts";

/** RUN: a process on top of the layers so far; what it writes becomes a layer. */
export async function runInstruction(
  build: BuildRun,
  state: StageState,
  instruction: InstructionOf<"RUN">,
): Promise<StageState> {
  requireClassic({ mount: instruction.mounts.length > 0, security: instruction.security !== null });
  const command = commandOf(instruction, state);
  const environment = state.config.Env ?? [];
  const variables = build.args.forRun(environment);
  const recorded = build.args.recorded(variables);
  // No command begins with a bar, so that arguments are never taken for a part of one.
  const shown = recorded.length ? [`|${recorded.length}`, ...recorded, ...command.args] : command.args;
  const network = instruction.network ?? "";
  const key = cacheKey(state.imageId, ["RUN", shown, command.script, network]);
  const cached = await probeCache(build, state, key);
  if (cached) return cached;

  return withIntermediate(build, async (id) => {
    const layer = await writeLayer(build, state, id, async (snapshotKey, lower) => {
      const script = join(build.parts.snapshotter.upper(snapshotKey), scriptName(id));
      if (command.script !== null) {
        await writeFile(script, command.script);
        await chmod(script, 0o755);
      }
      const { exitCode } = await build.parts.runStep({
        id,
        lower,
        snapshotKey,
        args: command.script === null ? command.args : [`/${scriptName(id)}`],
        env: [...environment, ...variables],
        cwd: state.config.WorkingDir || "/",
        user: state.config.User ?? "",
        networkMode: network === "" || network === "default" ? build.options.networkMode : network,
        resources: build.options.resources,
        shmSizeBytes: build.options.shmSizeBytes,
        extraHosts: build.options.extraHosts,
        securityOptions: build.options.securityOptions,
        onOutput: outputTo(build),
        abort: build.signal,
      });
      if (command.script !== null) await rm(script, { force: true });
      if (exitCode !== 0) stepFailed(command.args, exitCode);
    });
    return commitStep(build, state, key, shown.join(" "), layer);
  });
}

/** The exit code behind a failure of RUN, for the client's own exit code. */
export function exitCodeOf(error: { readonly code: string; readonly cause?: unknown }): number | undefined {
  const { cause } = error;
  const hasCode = error.code === "BUILD_STEP_FAILED" && typeof cause === "object" && cause !== null;
  return hasCode && "exitCode" in cause && typeof cause.exitCode === "number" ? cause.exitCode : undefined;
}

function stepFailed(args: readonly string[], exitCode: number): never {
  const message = `The command '${args.join(" ")}' returned a non-zero code: ${exitCode}`;
  fail("invalid", "BUILD_STEP_FAILED", message, { cause: { exitCode } });
}

interface Command {
  readonly args: readonly string[];
  /** A here-document that names its own interpreter: to be run as a file. */
  readonly script: string | null;
}

/**
 * A command that is nothing but a here-document is that document, as a script for the shell or, beginning with `#!`, for
 * whom it names. Otherwise the shell gets command and documents as they stand, and reads them itself.
 */
function commandOf({ command, heredocs }: InstructionOf<"RUN">, state: StageState): Command {
  const [only] = heredocs;
  const [line = ""] = command.words;
  if (only && heredocs.length === 1 && parseHeredocMark(line)) {
    const text = heredocText(only);
    const args = argumentsOf({ form: "shell", words: [text] }, state.config);
    return { args, script: text.startsWith("#!") ? text : null };
  }
  const bodies = heredocs.map(({ content, name }) => `\n${content}${name}`);
  const words = heredocs.length ? [line + bodies.join("")] : command.words;
  return { args: argumentsOf({ form: command.form, words }, state.config), script: null };
}

/** In the root's own directory: there, making and removing it leaves no trace in the layer. */
function scriptName(id: Id): string {
  return `.heredoc-${shortId(id)}`;
}

/** Output as progress: characters are not torn apart, and stderr is red as Docker has it. */
function outputTo(build: BuildRun): (stream: "stdout" | "stderr", bytes: Uint8Array) => Promise<void> {
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  return async (stream, bytes) => {
    const text = decoders[stream].decode(bytes, { stream: true });
    if (text) await build.say(stream === "stderr" ? `\u001b[91m${text}\u001b[0m` : text);
  };
}
