import { errnoOf } from "../../base/errors.ts";
import { fs } from "../builtin.ts";

/** Checks `-e NAME[=value]`. */
export function parseVariable(text: string): string {
  if (text.startsWith("=") || text === "") throw new Error(`invalid environment variable: ${text}`);
  return text;
}

/** Variables of the files, then those of the flags; a bare name takes the caller's value. */
export function collectEnvironment(files: readonly string[], variables: readonly string[]): string[] {
  const fromFiles = files.flatMap((file) =>
    readPairs(file, "env file").flatMap((line) => {
      if (line.includes("=")) return [line];
      const value = process.env[line];
      return value === undefined ? [] : [`${line}=${value}`];
    }),
  );
  // A bare name that the caller does not have is sent as it is: it removes the image's variable of that name.
  const fromFlags = variables.map((variable) => {
    const value = variable.includes("=") ? undefined : process.env[variable];
    return value === undefined ? variable : `${variable}=${value}`;
  });
  return [...fromFiles, ...fromFlags];
}

/** Labels of the files, then those of the flags. */
export function collectLabels(files: readonly string[], labels: readonly string[]): Record<string, string> {
  const pairs = [...files.flatMap((file) => readPairs(file, "label file")), ...labels];
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      return at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** Checks `--label key[=value]`. */
export function parseLabel(text: string): string {
  if (text.startsWith("=")) throw new Error(`invalid label '${text}': empty name`);
  return text;
}

/** The lines of a file of variables or labels: no blank lines, no comments, no blanks before the name. */
function readPairs(file: string, what: string): string[] {
  return readText(file)
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .map((line) => line.trimStart())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const name = line.split("=", 1)[0] ?? "";
      if (name === "") throw new Error(`invalid ${what} (${file}): no variable name on line '${line}'`);
      if (/\s/.test(name)) throw new Error(`invalid ${what} (${file}): variable '${name}' contains whitespaces`);
      return line;
    });
}

function readText(file: string): string {
  try {
    return fs().readFileSync(file, "utf8");
  } catch (error) {
    const reason = errnoOf(error) === "ENOENT" ? "no such file or directory" : (errnoOf(error) ?? "cannot be read");
    throw new Error(`open ${file}: ${reason}`);
  }
}
