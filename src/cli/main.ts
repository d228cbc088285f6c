import { LighterError } from "../base/errors.ts";
import type { Command } from "./command.ts";
import { commands, groups } from "./command-tree.ts";
import { connectEngine, type EngineFlags } from "./connect-engine.ts";
import { describeFailure } from "./describe-failure.ts";
import { globalOptions } from "./global-options.ts";
import { print, printError } from "./output.ts";
import { OPERANDS, parseArguments, USAGE } from "./parse-arguments.ts";
import { tracePhase } from "./trace.ts";

/** Docker's exit status for a command line that cannot be understood. */
const USAGE_STATUS = 125;

process.exit(await main(process.argv.slice(2)));

/** Finds the command, loads its file, parses its flags, runs it; returns the exit status. */
async function main(argv: readonly string[]): Promise<number> {
  try {
    const parsed = parseArguments(globalOptions, argv);
    if (parsed.help) return await printProgramHelp();
    if (parsed.options.version) return await printVersion();
    const [name, ...rest] = parsed.operands;
    if (name === undefined || name === "help") return await printHelpOf(rest);
    const group = groups[name];
    if (group && Object.hasOwn(groups, name)) return await runInGroup(name, rest, parsed.options);
    const loader = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!loader) return await unknownCommand(name);
    return await runCommand((await loader()).command, rest, parsed.options);
  } catch (error) {
    return await reportUsage(globalOptions, error);
  }
}

async function runCommand(command: Command, argv: readonly string[], flags: EngineFlags): Promise<number> {
  let invocation: Parameters<Command["run"]>[0];
  try {
    const parsed = parseArguments(command, argv);
    if (parsed.help) return await printHelp(command);
    const { options, operands } = parsed;
    invocation = {
      options,
      operands,
      engine: async () => (await connectEngine(flags)).api,
      connectedEngine: () => connectEngine(flags),
    };
  } catch (error) {
    return await reportUsage(command, error);
  }
  tracePhase("arguments");
  try {
    return await command.run(invocation);
  } catch (error) {
    return await reportFailure(command, error);
  }
}

async function runInGroup(group: string, argv: readonly string[], flags: EngineFlags): Promise<number> {
  const [name, ...rest] = argv;
  const members = groups[group]?.commands ?? {};
  const loader = name !== undefined && Object.hasOwn(members, name) ? members[name] : undefined;
  if (loader) return runCommand((await loader()).command, rest, flags);
  if (name !== undefined && name !== "--help" && name !== "help") return unknownCommand(`${group} ${name}`, group);
  await print(await (await import("./help.ts")).groupHelp(group));
  return 0;
}

async function printHelpOf(words: readonly string[]): Promise<number> {
  const [first, ...rest] = words;
  if (first === undefined) return printProgramHelp();
  return main([first, ...rest, "--help"]);
}

async function printHelp(command: Command): Promise<number> {
  const { commandHelp } = await import("./help.ts");
  await print(commandHelp(command));
  return 0;
}

async function printProgramHelp(): Promise<number> {
  await print(await (await import("./help.ts")).programHelp());
  return 0;
}

async function printVersion(): Promise<number> {
  const { VERSION } = await import("../base/version.ts");
  await print(`Lighter version ${VERSION}`);
  return 0;
}

async function unknownCommand(name: string, group?: string): Promise<number> {
  const usage = group === undefined ? "" : `Usage:  lighter ${group}\n\n`;
  const help = group === undefined ? "lighter --help" : `lighter ${group} --help`;
  await printError(`lighter: unknown command: lighter ${name}\n\n${usage}Run '${help}' for more information`);
  return 1;
}

async function reportUsage(command: Command, error: unknown): Promise<number> {
  if (!(error instanceof LighterError) || (error.code !== USAGE && error.code !== OPERANDS)) throw error;
  const name = `lighter ${command.name}`.trim();
  const message = error.code === OPERANDS ? `lighter: ${error.message}` : error.message;
  const usage = `Usage:  ${name} ${command.usage}`.trimEnd();
  await printError(`${message}\n\n${usage}\n\nRun '${name} --help' for more information`);
  return error.code === OPERANDS ? 1 : USAGE_STATUS;
}

/** Where Docker prefixes its name and points to the help, so do we. */
async function reportFailure(command: Command, error: unknown): Promise<number> {
  const message = describeFailure(error);
  const status = command.failureStatus?.(error) ?? null;
  if (status === null) {
    await printError(message);
    return 1;
  }
  await printError(`lighter: ${message}\n\nRun 'lighter ${command.name} --help' for more information`);
  return status;
}
