import { posix } from "node:path";
import { fail } from "../../base/errors.ts";
import { expandWord } from "../dockerfile/expand.ts";
import { heredocText, parseHeredocMark } from "../dockerfile/heredoc.ts";
import type { InstructionOf } from "../dockerfile/instruction.ts";
import type { Edge, ExecMount, SecretVariable } from "../graph/operation.ts";
import { vertexOf } from "../graph/vertex.ts";
import { argumentsOf } from "./change-config.ts";
import { type Compilation, describe, oneLine, type StagePlace } from "./compilation.ts";
import { parseRunMount, type RunMount } from "./run-mounts.ts";
import type { HistoryStep, StageState } from "./stage-state.ts";

/** Where a here-document that names its own interpreter lies while it runs. */
const SCRIPTS = "/dev/pipes";

/** RUN: a process on the layers so far; what it writes becomes a layer. */
export async function compileRun(
  compilation: Compilation,
  place: StagePlace,
  state: StageState,
  instruction: InstructionOf<"RUN">,
): Promise<HistoryStep> {
  const { args: buildArgs, request } = compilation;
  const environment = state.config.Env ?? [];
  const variables = buildArgs.forRun(environment);
  const recorded = buildArgs.recorded(variables);
  const inputs: Edge[] = [];
  const addInput = (edge: Edge | null) => (edge === null ? null : inputs.push(edge) - 1);
  const root: ExecMount = {
    type: "bind",
    target: "/",
    input: addInput(state.root),
    selector: "",
    readonly: false,
    output: 0,
  };
  const command = commandOf(instruction, state);
  const mounts: ExecMount[] = [root];
  if (command.script !== null) mounts.push(scriptMount(command.script, addInput));
  const secretEnv: SecretVariable[] = [];
  const lookup = buildArgs.stageLookup(environment);
  for (const text of instruction.mounts) {
    const mount = parseRunMount(text.includes("$") ? expandWord(text, lookup, compilation.escapeChar) : text);
    if (mount.type === "secret" && mount.variable !== null) {
      secretEnv.push({ id: mount.id, variable: mount.variable, optional: !mount.required });
    }
    const compiled = await compileMount(compilation, mount, addInput);
    if (compiled) mounts.push(compiled);
  }
  // No command begins with a bar, so that arguments are never taken for a part of one.
  const shown = [...(recorded.length ? [`|${recorded.length}`, ...recorded] : []), ...command.args].join(" ");
  const vertex = vertexOf(
    {
      kind: "exec",
      args: command.args,
      env: [...environment, ...recorded],
      hiddenEnv: variables.filter((variable) => !recorded.includes(variable)),
      cwd: state.config.WorkingDir || "/",
      user: state.config.User ?? "",
      hostname: request.hostname,
      extraHosts: request.extraHosts,
      ulimits: [],
      cgroupParent: "",
      network: networkOf(instruction.network, request.networkMode),
      security: securityOf(instruction.security),
      mounts,
      secretEnv,
    },
    inputs,
    describe(compilation, place, instruction, oneLine(instruction.code)),
  );
  return { createdBy: `RUN ${shown} # buildkit`, classicCreatedBy: () => shown, vertex };
}

interface Command {
  readonly args: readonly string[];
  /** A here-document that names its own interpreter: to be run as a file. */
  readonly script: { readonly name: string; readonly text: string } | null;
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
    if (text.startsWith("#!")) {
      const name = posix.basename(only.name);
      return { args: [posix.join(SCRIPTS, name)], script: { name, text } };
    }
    return { args: argumentsOf({ form: "shell", words: [text] }, state.config), script: null };
  }
  const bodies = heredocs.map(({ content, name }) => `\n${content}${name}`);
  const words = heredocs.length ? [line + bodies.join("")] : command.words;
  return { args: argumentsOf({ form: command.form, words }, state.config), script: null };
}

function scriptMount(
  { name, text }: { name: string; text: string },
  addInput: (edge: Edge) => number | null,
): ExecMount {
  const change = {
    type: "mkfile",
    path: `/${name}`,
    mode: 0o755,
    data: new TextEncoder().encode(text),
    owner: null,
  } as const;
  const actions = [{ input: -1, secondaryInput: -1, output: 0, change }];
  const vertex = vertexOf({ kind: "file", actions }, [], { name: `[internal] preparing inline document ${name}` });
  return {
    type: "bind",
    target: SCRIPTS,
    input: addInput({ vertex, output: 0 }),
    selector: "",
    readonly: true,
    output: null,
  };
}

async function compileMount(
  compilation: Compilation,
  mount: RunMount,
  addInput: (edge: Edge | null) => number | null,
): Promise<ExecMount | null> {
  switch (mount.type) {
    case "bind": {
      const edge = mount.from === null ? compilation.context() : await compilation.rootOf(mount.from);
      return {
        type: "bind",
        target: mount.target,
        input: addInput(edge),
        selector: mount.source,
        readonly: mount.readonly,
        output: null,
      };
    }
    case "cache": {
      const input = mount.from === null ? null : addInput(await compilation.rootOf(mount.from));
      const { target, id, sharing, source, readonly, uid, gid, mode } = mount;
      return { type: "cache", target, id, sharing, input, selector: source, readonly, uid, gid, mode };
    }
    case "tmpfs":
      return mount;
    case "secret": {
      if (mount.target === null) return null;
      const target = mount.target.startsWith("/") ? mount.target : posix.join("/run/secrets", mount.target);
      const { id, uid, gid, mode, required } = mount;
      return { type: "secret", target, id, uid, gid, mode, optional: !required };
    }
    case "ssh": {
      const { id, uid, gid, mode, required } = mount;
      return {
        type: "ssh",
        target: mount.target ?? "/run/buildkit/ssh_agent.0",
        id,
        uid,
        gid,
        mode,
        optional: !required,
      };
    }
    default:
      return mount satisfies never;
  }
}

function networkOf(asked: string | null, whole: string): string {
  const network = asked ?? (whole === "default" ? "sandbox" : whole);
  if (asked !== null && !["default", "none", "host"].includes(asked)) {
    fail("invalid", "RUN_NETWORK", `invalid network mode: ${JSON.stringify(asked)} (expected default, none or host)`);
  }
  return network === "default" ? "sandbox" : network || "sandbox";
}

function securityOf(asked: string | null): "sandbox" | "insecure" {
  if (asked === null || asked === "sandbox") return "sandbox";
  if (asked === "insecure") return "insecure";
  return fail(
    "invalid",
    "RUN_SECURITY",
    `security ${JSON.stringify(asked)} is not valid (expected sandbox or insecure)`,
  );
}
