import { expect, test } from "bun:test";
import { join } from "node:path";
import accepted from "../../../test/cli/create-bodies.golden.json";
import refused from "../../../test/cli/create-refusals.golden.json";
import { command } from "../commands/create.ts";
import { parseArguments } from "../parse-arguments.ts";
import { containerBody } from "./container-body.ts";

const recordedIn = join(import.meta.dirname, "../../../test/cli");

/** As the recording was made: relative names are the fixtures', and the caller has one variable. */
function bodyOf(argv: readonly string[]): unknown {
  const directory = process.cwd();
  process.chdir(recordedIn);
  process.env.GIVEN_BY_CALLER = "given";
  try {
    const parsed = parseArguments(command, argv);
    if (parsed.help) throw new Error("no help was asked for");
    const [image = "", ...words] = parsed.operands;
    return containerBody(parsed.options, image, words);
  } finally {
    process.chdir(directory);
    delete process.env.GIVEN_BY_CALLER;
  }
}

/** Maps whose keys are the message: an empty object in them is not "nothing". */
const SETS = new Set(["ExposedPorts", "Volumes", "PortBindings"]);
/** An empty list differs from none. */
const NULLABLE_LISTS = new Set(["MaskedPaths", "ReadonlyPaths"]);
/** The docker CLI collects these in a map and sends them in no certain order. */
const UNORDERED = new Set(["Binds", "Ulimits", "Env"]);

/** Without Go's zero values, which the engine reads as "not given". */
function withoutZeros(value: unknown, key = ""): unknown {
  if (Array.isArray(value)) {
    if (NULLABLE_LISTS.has(key)) return value;
    if (value.length === 0 || value.every((item) => item === 0)) return undefined;
    const items = value.map((item) => withoutZeros(item) ?? null);
    return UNORDERED.has(key) ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : items;
  }
  if (typeof value === "object" && value !== null) {
    const keep = SETS.has(key);
    const entries = Object.entries(value).flatMap(([name, inner]): [string, unknown][] => {
      const reduced = withoutZeros(inner, name);
      return reduced === undefined && !keep ? [] : [[name, reduced ?? {}]];
    });
    return entries.length === 0 ? undefined : Object.fromEntries(entries);
  }
  return value === null || value === 0 || value === "" || value === false ? undefined : value;
}

for (const { argv, body } of accepted) {
  test(`create ${argv.join(" ")} sends what the docker CLI sends`, () => {
    const golden = JSON.parse(JSON.stringify(body).replaceAll("$HERE", recordedIn));
    expect(withoutZeros(bodyOf(argv))).toEqual(withoutZeros(golden));
  });
}

for (const { argv, message } of refused) {
  test(`create ${argv.join(" ")} is ${message === undefined ? "left to the engine" : "refused as by the docker CLI"}`, () => {
    const expected = message?.replace(/^docker: /, "").replace("'docker create'", "'lighter create'");
    if (expected === undefined) expect(bodyOf(argv)).toBeObject();
    else expect(() => bodyOf(argv)).toThrow(expected);
  });
}
