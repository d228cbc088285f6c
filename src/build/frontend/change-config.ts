import { posix } from "node:path";
import { formatDuration } from "../../base/duration.ts";
import { fail } from "../../base/errors.ts";
import { parseSignal } from "../../runtime/signals.ts";
import type { CommandLine, InstructionOf } from "../dockerfile/instruction.ts";

/** Instructions that change only what an image says of itself. */
export type MetadataInstruction = InstructionOf<
  | "CMD"
  | "ENTRYPOINT"
  | "ENV"
  | "EXPOSE"
  | "HEALTHCHECK"
  | "LABEL"
  | "ONBUILD"
  | "SHELL"
  | "STOPSIGNAL"
  | "USER"
  | "VOLUME"
  | "WORKDIR"
>;

/** What of a configuration an instruction may build on: an image's or a container's. */
export interface ReadableConfig {
  readonly Cmd?: readonly string[] | null;
  readonly Env?: readonly string[] | null;
  readonly ExposedPorts?: Readonly<Record<string, unknown>> | null;
  readonly Healthcheck?: { readonly Test?: readonly string[] | null } | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly OnBuild?: readonly string[] | null;
  readonly Shell?: readonly string[] | null;
  readonly Volumes?: Readonly<Record<string, unknown>> | null;
  readonly WorkingDir?: string | null;
}

/** The fields that an instruction sets, to be laid over a configuration. */
export interface ConfigPatch {
  readonly Cmd?: string[] | null;
  readonly Entrypoint?: string[] | null;
  readonly Env?: string[];
  readonly ExposedPorts?: Record<string, Record<string, never>>;
  readonly Healthcheck?: {
    Test: string[];
    Interval: number;
    Timeout: number;
    StartPeriod: number;
    StartInterval: number;
    Retries: number;
  };
  readonly Labels?: Record<string, string>;
  readonly OnBuild?: string[];
  readonly Shell?: string[];
  readonly StopSignal?: string;
  readonly User?: string;
  readonly Volumes?: Record<string, Record<string, never>>;
  readonly WorkingDir?: string;
}

export interface ConfigChange {
  readonly patch: ConfigPatch;
  /** The instruction as history shows it, without the shell before it. */
  readonly comment: string;
}

const DEFAULT_SHELL = ["/bin/sh", "-c"];

export function shellOf(config: ReadableConfig): string[] {
  return config.Shell?.length ? [...config.Shell] : DEFAULT_SHELL;
}

/**
 * What an instruction, its variables expanded, makes of a configuration.
 * @param commandIsSet whether a CMD came before in this stage: ENTRYPOINT drops one that was only inherited.
 * @throws invalid for a port, signal or path that is none, in Docker's words.
 */
export function changeConfig(
  config: ReadableConfig,
  instruction: MetadataInstruction,
  commandIsSet: boolean,
): ConfigChange {
  switch (instruction.kind) {
    case "CMD": {
      const command = argumentsOf(instruction.command, config);
      return { patch: { Cmd: command }, comment: `CMD ${quoteList(command)}` };
    }
    case "ENTRYPOINT": {
      const { command } = instruction;
      const isEmpty = command.words.length === 0;
      const entrypoint = isEmpty ? null : argumentsOf(command, config);
      return {
        patch: { Entrypoint: entrypoint, ...(commandIsSet ? {} : { Cmd: null }) },
        comment: `ENTRYPOINT ${quoteList(entrypoint ?? [])}`,
      };
    }
    case "ENV": {
      const variables = instruction.pairs.map(({ key, value }) => `${key}=${value}`);
      return { patch: { Env: setVariables(config.Env ?? [], variables) }, comment: `ENV ${variables.join(" ")}` };
    }
    case "EXPOSE": {
      const ports = instruction.ports.flatMap(parsePorts);
      const exposed = { ...emptyObjects(config.ExposedPorts), ...Object.fromEntries(ports.map((port) => [port, {}])) };
      return { patch: { ExposedPorts: exposed }, comment: `EXPOSE ${[...instruction.ports].sort().join(" ")}` };
    }
    case "HEALTHCHECK": {
      const Healthcheck = {
        Test: healthTest(instruction.command),
        Interval: instruction.interval,
        Timeout: instruction.timeout,
        StartPeriod: instruction.startPeriod,
        StartInterval: instruction.startInterval,
        Retries: instruction.retries,
      };
      const times = [Healthcheck.Interval, Healthcheck.Timeout, Healthcheck.StartPeriod, Healthcheck.StartInterval];
      const shown = times.map((time) => JSON.stringify(formatDuration(time))).join(" ");
      // Docker prints the structure with %q, which makes a character of the number of retries.
      const comment = `HEALTHCHECK &{${quoteList(Healthcheck.Test)} ${shown} ${quoteRune(Healthcheck.Retries)}}`;
      return { patch: { Healthcheck }, comment };
    }
    case "LABEL": {
      const labels = Object.fromEntries(instruction.pairs.map(({ key, value }) => [key, value]));
      const shown = instruction.pairs.map(({ key, value }) => `${key}=${value}`);
      return { patch: { Labels: { ...config.Labels, ...labels } }, comment: `LABEL ${shown.join(" ")}` };
    }
    case "ONBUILD": {
      const OnBuild = [...(config.OnBuild ?? []), instruction.trigger];
      return { patch: { OnBuild }, comment: `ONBUILD ${instruction.trigger}` };
    }
    case "SHELL":
      return { patch: { Shell: [...instruction.shell] }, comment: `SHELL [${instruction.shell.join(" ")}]` };
    case "STOPSIGNAL":
      parseSignal(instruction.signal);
      return { patch: { StopSignal: instruction.signal }, comment: `STOPSIGNAL ${instruction.signal}` };
    case "USER":
      return { patch: { User: instruction.user }, comment: `USER ${instruction.user}` };
    case "VOLUME": {
      if (instruction.paths.includes("")) {
        fail("invalid", "DOCKERFILE_ARGUMENTS", "VOLUME specified can not be an empty string");
      }
      const added = Object.fromEntries(instruction.paths.map((path) => [path, {}]));
      return {
        patch: { Volumes: { ...emptyObjects(config.Volumes), ...added } },
        comment: `VOLUME [${instruction.paths.join(" ")}]`,
      };
    }
    case "WORKDIR": {
      if (!instruction.path) fail("invalid", "DOCKERFILE_ARGUMENTS", "cannot normalize nothing: WORKDIR needs a path");
      const WorkingDir = joinPath(config.WorkingDir ?? "", instruction.path);
      return { patch: { WorkingDir }, comment: `WORKDIR ${WorkingDir}` };
    }
    default:
      return instruction satisfies never;
  }
}

/** The command as the kernel gets it: the shell form is one word for the shell. */
export function argumentsOf(command: CommandLine, config: ReadableConfig): string[] {
  return command.form === "exec" ? [...command.words] : [...shellOf(config), ...command.words];
}

/** Resolved against the directory before it, absolute and clean, without a slash at its end. */
export function joinPath(directory: string, path: string): string {
  return posix.join("/", path.startsWith("/") ? "" : directory, path).replace(/(?<=.)\/+$/, "");
}

/** Later values win; a variable keeps the place it had. */
export function setVariables(environment: readonly string[], variables: readonly string[]): string[] {
  const result = [...environment];
  for (const variable of variables) {
    const name = variableName(variable);
    const at = result.findIndex((entry) => variableName(entry) === name);
    if (at < 0) result.push(variable);
    else result[at] = variable;
  }
  return result;
}

export function variableName(entry: string): string {
  const equals = entry.indexOf("=");
  return equals < 0 ? entry : entry.slice(0, equals);
}

function healthTest(command: CommandLine | null): string[] {
  if (command === null) return ["NONE"];
  return [command.form === "exec" ? "CMD" : "CMD-SHELL", ...command.words];
}

/** `[[ip:]hostPort:]port[-end][/protocol]`: what stands before the container's port is for `run -p` and dropped here. */
function parsePorts(text: string): string[] {
  const [range = "", protocol = "tcp", ...more] = text.split("/");
  if (more.length || !["tcp", "udp", "sctp"].includes(protocol.toLowerCase())) {
    fail("invalid", "INVALID_PORT", `Invalid proto: ${[protocol, ...more].join("/")} (expected tcp, udp or sctp)`);
  }
  const containerPart = range.slice(range.lastIndexOf(":") + 1);
  const [, first, last] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(containerPart) ?? [];
  const from = Number(first);
  const to = Number(last ?? first);
  if (first === undefined || from > to || to > 65_535) {
    fail("invalid", "INVALID_PORT", `Invalid containerPort: ${containerPart}`);
  }
  return Array.from({ length: to - from + 1 }, (_, offset) => `${from + offset}/${protocol.toLowerCase()}`);
}

function emptyObjects(
  set: Readonly<Record<string, unknown>> | null | undefined,
): Record<string, Record<string, never>> {
  return Object.fromEntries(Object.keys(set ?? {}).map((key) => [key, {}]));
}

/** A list as Go's `%q` prints it. */
function quoteList(words: readonly string[]): string {
  return `[${words.map((word) => JSON.stringify(word)).join(" ")}]`;
}

const RUNE_ESCAPES: Readonly<Record<number, string>> = {
  7: "\\a",
  8: "\\b",
  9: "\\t",
  10: "\\n",
  11: "\\v",
  12: "\\f",
  13: "\\r",
  39: "\\'",
  92: "\\\\",
};

/** A number as Go's `%q` prints it: the character with that code. */
function quoteRune(code: number): string {
  const escaped = RUNE_ESCAPES[code];
  if (escaped !== undefined) return `'${escaped}'`;
  if (code < 32 || code === 127) return `'\\x${code.toString(16).padStart(2, "0")}'`;
  return code <= 0x10ffff ? `'${String.fromCodePoint(code)}'` : "'\uFFFD'";
}
