import { messageOf } from "../base/errors.ts";
import type { Api } from "../client/api.ts";
import { readText } from "../client/api.ts";
import { describeFailure } from "./describe-failure.ts";
import type { Template } from "./go-template/go-template.ts";
import { indentJson } from "./indent-json.ts";
import { print, printError } from "./output.ts";

/** EX_USAGE of sysexits.h, which Docker's CLI returns for a template that it cannot parse. */
const BAD_TEMPLATE_STATUS = 64;

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
  let status = 0;
  if (format === undefined || format === "") await print(indentJson(`[${found.join(",")}]`, "    "));
  else if (format === "json") await print(`[${found.join(",")}]`);
  else status = await printTemplate(found, format);
  for (const failure of failures) await printError(failure);
  return status === 0 && failures.length > 0 ? 1 : status;
}

/** Finds an object at a path of the API. */
export function findAt(api: Api, path: (name: string) => string): Find {
  return async (name) => readText((await api.call("GET", path(encodeURIComponent(name)))).body);
}

/** Returns the exit status. */
async function printTemplate(documents: readonly string[], format: string): Promise<number> {
  const { compileTemplate } = await import("./go-template/go-template.ts");
  const { zeroValueOf } = await import("./go-template/zero-values.ts");
  const missingField = (name: string) => `map has no entry for key ${JSON.stringify(name)}`;
  let template: Template;
  try {
    template = compileTemplate(format, { missingField, zeroValue: zeroValueOf });
  } catch (error) {
    await printError(`template parsing error: ${messageOf(error)}`);
    return BAD_TEMPLATE_STATUS;
  }
  for (const document of documents) {
    try {
      await print(template(JSON.parse(document)));
    } catch (error) {
      await printError(`template parsing error: ${messageOf(error)}`);
      return 1;
    }
  }
  return 0;
}
