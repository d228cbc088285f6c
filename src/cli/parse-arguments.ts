import { fail, messageOf } from "../base/errors.ts";
import type { Command } from "./command.ts";
import type { Option, Options, Values } from "./option.ts";

/** The `code` of a mistake in the flags themselves, for which Docker's exit status is 125. */
export const USAGE = "USAGE";
/** The `code` of a wrong number of words, for which it is 1. */
export const OPERANDS = "OPERANDS";

export type Parsed<V> =
  | { readonly help: true }
  | { readonly help: false; readonly options: V; readonly operands: string[] };

/**
 * Reads a command line by the rules of Go's pflag, in which Docker's scripts are written: `-it`, `-p80:80`, `-p=80:80`,
 * `--rm=false`, `--name x`, `--name=x`, `--` ends the options.
 * @throws invalid {@link USAGE} or {@link OPERANDS}, in pflag's words
 */
export function parseArguments<O extends Options>(command: Command<O>, argv: readonly string[]): Parsed<Values<O>> {
  const options: Options = command.options;
  const values: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(options)) values[name] = option.initial;
  const operands: string[] = [];
  const words = argv[Symbol.iterator]();

  for (let next = words.next(); !next.done; next = words.next()) {
    const word = next.value;
    if (word === "--help") return { help: true };
    if (word === "--") operands.push(...words);
    else if (word.startsWith("--")) long(word);
    else if (word.startsWith("-") && word !== "-") short(word);
    else if (command.optionsFirst) operands.push(word, ...words);
    else operands.push(word);
  }
  checkOperands(command, operands.length);
  // Each value was made by the option of its name, which is what Values<O> says.
  return { help: false, options: values as Values<O>, operands };

  function long(word: string): void {
    const [, name = "", given] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    const canonical = Object.hasOwn(options, name) ? name : aliasOf(options, name);
    const option = canonical === undefined ? undefined : options[canonical];
    if (canonical === undefined || option === undefined) usage(`unknown flag: --${name}`);
    set(canonical, option, given ?? (option.placeholder === "" ? "true" : following(`--${name}`)));
  }

  /** A group of letters: flags, the last of which may take the rest of the word, or the next word, as its value. */
  function short(word: string): void {
    for (let at = 1; at < word.length; at++) {
      const letter = word.charAt(at);
      const found = Object.entries(options).find(([, option]) => option.short === letter);
      if (found === undefined) usage(`unknown shorthand flag: '${letter}' in -${word.slice(at)}`);
      const [name, option] = found;
      const rest = word.slice(at + 1);
      if (option.placeholder !== "" || rest.startsWith("=")) {
        set(name, option, rest.replace(/^=/, "") || following(`'${letter}' in -${word.slice(at)}`));
        return;
      }
      set(name, option, "true");
    }
  }

  function set(name: string, option: Option<unknown>, text: string): void {
    try {
      values[name] = option.add(text, values[name]);
    } catch (error) {
      const spelling = option.short ? `-${option.short}, --${name}` : `--${name}`;
      usage(`invalid argument ${JSON.stringify(text)} for "${spelling}" flag: ${messageOf(error)}`);
    }
  }

  function following(spelling: string): string {
    const next = words.next();
    return next.done ? usage(`flag needs an argument: ${spelling}`) : next.value;
  }
}

function aliasOf(options: Options, alias: string): string | undefined {
  return Object.keys(options).find((name) => options[name]?.aliases?.includes(alias));
}

function checkOperands(command: Pick<Command, "name" | "operands">, count: number): void {
  const { minimum, maximum = Number.POSITIVE_INFINITY } = command.operands;
  if (count >= minimum && count <= maximum) return;
  fail("invalid", OPERANDS, `'lighter ${command.name}' ${expectation(minimum, maximum)}`);
}

function expectation(minimum: number, maximum: number): string {
  if (maximum === 0) return "accepts no arguments";
  if (minimum === maximum) return `requires ${counted(minimum)}`;
  if (maximum === Number.POSITIVE_INFINITY) return `requires at least ${counted(minimum)}`;
  if (minimum === 0) return `requires at most ${counted(maximum)}`;
  return `requires at least ${minimum} and at most ${counted(maximum)}`;
}

function counted(count: number): string {
  return `${count} argument${count === 1 ? "" : "s"}`;
}

function usage(message: string): never {
  return fail("invalid", USAGE, message);
}
