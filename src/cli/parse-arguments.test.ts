import { expect, test } from "bun:test";
import { defineCommand } from "./command.ts";
import { bytes, duration, flag, integer, list, map, optionalFlag, text } from "./option.ts";
import { parseArguments } from "./parse-arguments.ts";

const command = defineCommand({
  name: "try",
  summary: "Try",
  usage: "",
  examples: [],
  options: {
    all: flag("", { short: "a" }),
    proxy: flag("", { initial: true }),
    init: optionalFlag(""),
    name: text("", { short: "n", aliases: ["nom"] }),
    env: list("", { short: "e" }),
    count: integer("", { short: "c" }),
    memory: bytes("", { short: "m" }),
    wait: duration(""),
    opt: map("", { short: "o" }),
  },
  operands: { minimum: 0, maximum: 3 },
  run: async () => 0,
});
const another = { ...command, operands: { minimum: 1 }, optionsFirst: true };

const initial = {
  all: false,
  proxy: true,
  init: undefined,
  name: undefined,
  env: [],
  count: undefined,
  memory: undefined,
  wait: undefined,
  opt: {},
};

const accepted: readonly [argv: string[], options: object, operands: string[]][] = [
  [[], {}, []],
  [["--all", "x"], { all: true }, ["x"]],
  [["x", "-a", "y"], { all: true }, ["x", "y"]],
  [["--all=false", "--proxy=0", "--init"], { all: false, proxy: false, init: true }, []],
  [["--init=false"], { init: false }, []],
  [["--name", "a", "--name=b"], { name: "b" }, []],
  [["--nom", "a"], { name: "a" }, []],
  [["--name=", "--env", "--all"], { name: "", env: ["--all"] }, []],
  [["-an", "x"], { all: true, name: "x" }, []],
  [["-anx"], { all: true, name: "x" }, []],
  [["-n=x"], { name: "x" }, []],
  [["-a=false"], { all: false }, []],
  [["-eA=1", "-e", "B=2", "--env=C=x=y"], { env: ["A=1", "B=2", "C=x=y"] }, []],
  [["-c", "-3", "-m1k", "--wait", "1m1.5s"], { count: -3, memory: 1024, wait: 61_500_000_000 }, []],
  [["-o", "k=v=w", "-o", "bare"], { opt: { k: "v=w", bare: "" } }, []],
  [["-", "--", "-a", "--"], {}, ["-", "-a", "--"]],
];

test.each(accepted)("%p is understood", (argv, options, operands) => {
  expect(parseArguments(command, argv)).toEqual({ help: false, options: { ...initial, ...options }, operands });
});

test("where options come first, the words behind the first belong to another program", () => {
  const parsed = parseArguments(another, ["-a", "image", "-a", "--name", "--help", "--"]);
  expect(parsed).toMatchObject({
    options: { all: true, name: undefined },
    operands: ["image", "-a", "--name", "--help", "--"],
  });
});

test("help is asked for wherever an option may stand", () => {
  expect(parseArguments(another, ["-a", "--help"])).toEqual({ help: true });
  expect(parseArguments(command, ["x", "--help", "-Z"])).toEqual({ help: true });
});

const refused: readonly [argv: string[], code: string, message: string][] = [
  [["--nosuch"], "USAGE", "unknown flag: --nosuch"],
  [["--constructor"], "USAGE", "unknown flag: --constructor"],
  [["-aZ"], "USAGE", "unknown shorthand flag: 'Z' in -Z"],
  [["--name"], "USAGE", "flag needs an argument: --name"],
  [["-an"], "USAGE", "flag needs an argument: 'n' in -n"],
  [["-c", "x"], "USAGE", 'invalid argument "x" for "-c, --count" flag: strconv.ParseInt: parsing "x": invalid syntax'],
  [["--all=maybe"], "USAGE", 'for "-a, --all" flag: strconv.ParseBool: parsing "maybe": invalid syntax'],
  [["-m", "1q"], "USAGE", "invalid size: '1q'"],
  [["a", "b", "c", "d"], "OPERANDS", "'lighter try' requires at most 3 arguments"],
];

test.each(refused)("%p is refused in Docker's words", (argv, code, message) => {
  expect(() => parseArguments(command, argv)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(message) }),
  );
});

test.each([
  [{ minimum: 0, maximum: 0 }, ["x"], "accepts no arguments"],
  [{ minimum: 2, maximum: 2 }, ["x"], "requires 2 arguments"],
  [{ minimum: 1 }, [], "requires at least 1 argument"],
  [{ minimum: 1, maximum: 2 }, [], "requires at least 1 and at most 2 arguments"],
])("%p words with %p say what is expected", (operands, argv, message) => {
  expect(() => parseArguments({ ...command, operands }, argv)).toThrow(`'lighter try' ${message}`);
});
