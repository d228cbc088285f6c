import { fail } from "../../base/errors.ts";
import { parseDuration } from "./duration.ts";
import { type FlagKinds, type Flags, parseFlags, splitFlags } from "./flags.ts";
import { type Heredoc, parseHeredocMark } from "./heredoc.ts";
import type { CommandLine, CopyArguments, From, Instruction, Place } from "./instruction.ts";
import type { Statement } from "./lines.ts";
import { suggest } from "./suggest.ts";
import {
  type EscapeCharacter,
  type KeyValue,
  parseJsonForm,
  splitBlanks,
  splitKeyValues,
  splitWords,
} from "./words.ts";

/** What a parser of one instruction gets: its flags, the text behind them, and the here-documents that follow. */
interface Request {
  readonly name: string;
  readonly flags: Flags;
  readonly args: string;
  readonly heredocs: readonly Heredoc[];
  readonly escapeChar: EscapeCharacter;
  readonly place: Place;
}

interface Grammar {
  readonly flags: FlagKinds;
  readonly parse: (request: Request) => Instruction | From;
}

const COPY_FLAGS: FlagKinds = { chown: "text", chmod: "text", link: "switch", exclude: "list", parents: "switch" };

/** The language: one row an instruction (docs.docker.com/reference/dockerfile). */
const GRAMMAR: ReadonlyMap<string, Grammar> = new Map<string, Grammar>([
  ["ADD", { flags: { ...COPY_FLAGS, checksum: "text", "keep-git-dir": "switch", unpack: "switch" }, parse: parseAdd }],
  ["ARG", { flags: {}, parse: parseArg }],
  ["CMD", { flags: {}, parse: (request) => ({ ...request.place, kind: "CMD", command: commandLine(request.args) }) }],
  ["COPY", { flags: { ...COPY_FLAGS, from: "text" }, parse: parseCopy }],
  [
    "ENTRYPOINT",
    { flags: {}, parse: (request) => ({ ...request.place, kind: "ENTRYPOINT", command: commandLine(request.args) }) },
  ],
  ["ENV", { flags: {}, parse: (request) => ({ ...request.place, kind: "ENV", pairs: keyValues(request) }) }],
  ["EXPOSE", { flags: {}, parse: (request) => ({ ...request.place, kind: "EXPOSE", ports: atLeastOne(request) }) }],
  ["FROM", { flags: { platform: "text" }, parse: parseFrom }],
  [
    "HEALTHCHECK",
    {
      flags: { interval: "text", timeout: "text", "start-period": "text", "start-interval": "text", retries: "text" },
      parse: parseHealthcheck,
    },
  ],
  [
    "LABEL",
    { flags: {}, parse: (request) => ({ ...request.place, kind: "LABEL", pairs: keyValues(request), literal: false }) },
  ],
  [
    "MAINTAINER",
    { flags: {}, parse: (request) => ({ ...request.place, kind: "MAINTAINER", name: exactlyOne(request) }) },
  ],
  ["ONBUILD", { flags: {}, parse: parseOnBuild }],
  ["RUN", { flags: { mount: "list", network: "text", security: "text", device: "list" }, parse: parseRun }],
  ["SHELL", { flags: {}, parse: parseShell }],
  [
    "STOPSIGNAL",
    { flags: {}, parse: (request) => ({ ...request.place, kind: "STOPSIGNAL", signal: exactlyOne(request) }) },
  ],
  ["USER", { flags: {}, parse: (request) => ({ ...request.place, kind: "USER", user: exactlyOne(request) }) }],
  ["VOLUME", { flags: {}, parse: parseVolume }],
  ["WORKDIR", { flags: {}, parse: (request) => ({ ...request.place, kind: "WORKDIR", path: exactlyOne(request) }) }],
]);

/**
 * One statement as a typed instruction. Variables stay as they are written; flags and forms are checked.
 * @throws invalid, saying what was expected but not where: the caller knows the file.
 */
export function parseInstruction(statement: Statement, escapeChar: EscapeCharacter): Instruction | From {
  const [, word = "", rest = ""] = /^\s*(\S+)\s*(.*)$/s.exec(statement.text) ?? [];
  const name = word.toUpperCase();
  const grammar = GRAMMAR.get(name);
  if (!grammar) {
    const hint = suggest(name, [...GRAMMAR.keys()]);
    fail(
      "invalid",
      "DOCKERFILE_INSTRUCTION",
      `unknown instruction: ${word}${hint || ` (expected one of ${[...GRAMMAR.keys()].join(", ")})`}`,
    );
  }
  const { words, rest: args } = splitFlags(rest);
  return grammar.parse({
    name,
    flags: parseFlags(words, grammar.flags),
    args: args.trim(),
    heredocs: statement.heredocs,
    escapeChar,
    place: { firstLine: statement.firstLine, lastLine: statement.lastLine, code: statement.text.trim() },
  });
}

function parseAdd(request: Request): Instruction {
  return {
    ...request.place,
    kind: "ADD",
    ...copyArguments(request),
    checksum: request.flags.text("checksum"),
    keepGitDir: request.flags.isOn("keep-git-dir"),
    unpack: request.flags.isOn("unpack"),
  };
}

function parseCopy(request: Request): Instruction {
  return { ...request.place, kind: "COPY", ...copyArguments(request), from: request.flags.text("from") };
}

function copyArguments({ name, flags, args, heredocs }: Request): CopyArguments {
  const words = parseJsonForm(args) ?? splitBlanks(args);
  const destination = words.at(-1);
  if (words.length < 2 || destination === undefined) {
    fail(
      "invalid",
      "DOCKERFILE_ARGUMENTS",
      `${name} requires at least two arguments, but only one was provided. Destination could not be determined`,
    );
  }
  if (heredocs.length && parseHeredocMark(destination)) {
    fail("invalid", "DOCKERFILE_ARGUMENTS", `${name} cannot accept a heredoc as a destination`);
  }
  const sources = words.slice(0, -1);
  return {
    sources: heredocs.length ? sources.filter((source) => !parseHeredocMark(source)) : sources,
    inline: heredocs,
    destination,
    chown: flags.text("chown"),
    chmod: flags.text("chmod"),
    link: flags.isOn("link"),
    exclude: flags.list("exclude"),
    parents: flags.isOn("parents"),
  };
}

function parseArg(request: Request): Instruction {
  const words = splitWords(request.args, request.escapeChar);
  if (!words.length) tooFew("ARG requires at least one argument");
  const args = words.map((word) => {
    const equals = word.indexOf("=");
    const name = equals < 0 ? word : word.slice(0, equals);
    if (!name) fail("invalid", "DOCKERFILE_ARGUMENTS", "ARG names can not be blank");
    return { name, value: equals < 0 ? null : word.slice(equals + 1) };
  });
  return { ...request.place, kind: "ARG", args };
}

const STAGE_NAME = /^[a-z][a-z0-9-_.]*$/;

function parseFrom(request: Request): From {
  const words = splitBlanks(request.args);
  const [base, as, name] = words;
  const named = words.length === 3 && as?.toLowerCase() === "as";
  if (base === undefined || !(words.length === 1 || named)) {
    fail("invalid", "DOCKERFILE_ARGUMENTS", "FROM requires either one or three arguments");
  }
  const stageName = name?.toLowerCase() ?? null;
  if (stageName !== null && !STAGE_NAME.test(stageName)) {
    fail(
      "invalid",
      "DOCKERFILE_STAGE_NAME",
      `invalid name for build stage: ${JSON.stringify(name)}, name can't start with a number or contain symbols`,
    );
  }
  return { ...request.place, kind: "FROM", base, stageName, platform: request.flags.text("platform") };
}

function parseHealthcheck(request: Request): Instruction {
  const [, word = "", rest = ""] = /^(\S*)\s*(.*)$/s.exec(request.args) ?? [];
  if (!word) tooFew("HEALTHCHECK requires at least one argument");
  const { flags } = request;
  const options = {
    interval: healthDuration(flags, "interval"),
    timeout: healthDuration(flags, "timeout"),
    startPeriod: healthDuration(flags, "start-period"),
    startInterval: healthDuration(flags, "start-interval"),
    retries: healthRetries(flags.text("retries")),
  };
  switch (word.toUpperCase()) {
    case "NONE":
      if (rest) fail("invalid", "DOCKERFILE_ARGUMENTS", "HEALTHCHECK NONE takes no arguments");
      return { ...request.place, kind: "HEALTHCHECK", command: null, ...options };
    case "CMD": {
      const command = commandLine(rest);
      if (!command.words.length) tooFew("Missing command after HEALTHCHECK CMD");
      return { ...request.place, kind: "HEALTHCHECK", command, ...options };
    }
    default:
      return fail(
        "invalid",
        "DOCKERFILE_ARGUMENTS",
        `Unknown type ${JSON.stringify(word.toUpperCase())} in HEALTHCHECK (try CMD)`,
      );
  }
}

/** Docker's lower bound for every interval: one millisecond. */
function healthDuration(flags: Flags, name: string): number {
  const duration = parseDuration(flags.text(name) || "0");
  if (duration !== 0 && duration < 1e6) {
    fail("invalid", "DOCKERFILE_ARGUMENTS", `Interval ${JSON.stringify(name)} cannot be less than 1ms`);
  }
  return duration;
}

function healthRetries(text: string | null): number {
  if (!text) return 0;
  if (!/^[-+]?\d{1,9}$/.test(text)) {
    fail("invalid", "DOCKERFILE_ARGUMENTS", `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  const retries = Number(text);
  if (retries < 0) fail("invalid", "DOCKERFILE_ARGUMENTS", `--retries cannot be negative (${retries})`);
  return retries;
}

function parseOnBuild(request: Request): Instruction {
  if (!request.args) tooFew("ONBUILD requires at least one argument");
  const [word = ""] = splitBlanks(request.args);
  const name = word.toUpperCase();
  if (name === "ONBUILD") {
    fail("invalid", "DOCKERFILE_ARGUMENTS", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  }
  if (name === "FROM" || name === "MAINTAINER") {
    fail("invalid", "DOCKERFILE_ARGUMENTS", `${name} isn't allowed as an ONBUILD trigger`);
  }
  const { firstLine, lastLine } = request.place;
  // Checked now, so that the mistake is reported here and not to whoever builds on this image.
  const statement = {
    text: request.args,
    firstLine,
    lastLine,
    heredocs: request.heredocs,
    hasEmptyContinuation: false,
  };
  parseInstruction(statement, request.escapeChar);
  const bodies = request.heredocs.map((heredoc) => `\n${heredoc.content}${heredoc.name}`);
  return { ...request.place, kind: "ONBUILD", trigger: request.args + bodies.join("") };
}

function parseRun(request: Request): Instruction {
  const command = commandLine(request.args);
  return {
    ...request.place,
    kind: "RUN",
    command,
    heredocs: command.form === "exec" ? [] : request.heredocs,
    mounts: request.flags.list("mount"),
    network: request.flags.text("network"),
    security: request.flags.text("security"),
  };
}

function parseShell(request: Request): Instruction {
  const shell = parseJsonForm(request.args);
  if (!shell) fail("invalid", "DOCKERFILE_ARGUMENTS", "SHELL requires the arguments to be in JSON form");
  if (!shell.length) tooFew("SHELL requires at least one argument");
  return { ...request.place, kind: "SHELL", shell };
}

function parseVolume(request: Request): Instruction {
  const paths = (parseJsonForm(request.args) ?? splitBlanks(request.args)).map((path) => path.trim());
  if (!paths.length) tooFew("VOLUME requires at least one argument");
  if (paths.includes("")) fail("invalid", "DOCKERFILE_ARGUMENTS", "VOLUME specified can not be an empty string");
  return { ...request.place, kind: "VOLUME", paths };
}

function commandLine(args: string): CommandLine {
  const words = parseJsonForm(args);
  if (words) return { form: "exec", words };
  return { form: "shell", words: args ? [args] : [] };
}

function keyValues({ name, args, escapeChar }: Request): KeyValue[] {
  const pairs = splitKeyValues(args, escapeChar, name);
  if (!pairs.length) tooFew(`${name} requires at least one argument`);
  if (pairs.some(({ key }) => !key)) fail("invalid", "DOCKERFILE_ARGUMENTS", `${name} names can not be blank`);
  return pairs;
}

function atLeastOne({ name, args }: Request): string[] {
  const words = splitBlanks(args);
  if (!words.length) tooFew(`${name} requires at least one argument`);
  return words;
}

function exactlyOne({ name, args }: Request): string {
  return args || tooFew(`${name} requires exactly one argument`);
}

function tooFew(message: string): never {
  fail("invalid", "DOCKERFILE_ARGUMENTS", message);
}
