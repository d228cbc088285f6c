import { messageOf } from "../base/errors.ts";
import type { Api } from "../client/api.ts";
import { readText } from "../client/api.ts";
import { describeFailure } from "./describe-failure.ts";
import { indentJson } from "./indent-json.ts";
import { print, printError } from "./output.ts";

/** The JSON text of one object. */
export type Find = (name: string) => Promise<string>;

/**
 * Prints objects as one indented JSON array, or each through a template. What cannot be found is reported after the
 * rest, and makes the exit status 1.
 */
export async function inspectObjects(
  names: readonly string[],
  format: string | undefined,
  find: Find,
): Promise<number> {
  const found: string[] = [];
  const failures: string[] = [];
  for (const name of names) {
    try {
      found.push((await find(name)).trim());
    } catch (error) {
      failures.push(describeFailure(error));
    }
  }
  if (format === undefined || format === "") await print(indentJson(`[${found.join(",")}]`, "    "));
  else if (format === "json") await print(`[${found.join(",")}]`);
  else await printTemplate(found, format);
  for (const failure of failures) await printError(failure);
  return failures.length === 0 ? 0 : 1;
}

/** Finds an object at a path of the API. */
export function findAt(api: Api, path: (name: string) => string): Find {
  return async (name) => readText((await api.call("GET", path(encodeURIComponent(name)))).body);
}

async function printTemplate(documents: readonly string[], format: string): Promise<void> {
  const { compileTemplate } = await import("./go-template/go-template.ts");
  const { zeroValueOf } = await import("./go-template/zero-values.ts");
  const compile = () => {
    try {
      const missingField = (name: string) => `map has no entry for key ${JSON.stringify(name)}`;
      return compileTemplate(format, { missingField, zeroValue: zeroValueOf });
    } catch (error) {
      throw new Error(`template parsing error: ${messageOf(error)}`);
    }
  };
  const template = compile();
  for (const document of documents) {
    try {
      await print(template(JSON.parse(document)));
    } catch (error) {
      throw new Error(`template parsing error: ${messageOf(error)}`);
    }
  }
}
