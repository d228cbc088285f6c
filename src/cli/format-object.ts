import { messageOf } from "../base/errors.ts";
import { goJson } from "./go-json.ts";

/** One document as `--format` asks: `json`, or a Go template over its fields. */
export async function formatObject(document: object, format: string): Promise<string> {
  if (format === "json") return goJson(document);
  const { compileTemplate } = await import("./go-template/go-template.ts");
  try {
    return compileTemplate(format, { missingField: (name) => `can't evaluate field ${name}` })(document);
  } catch (error) {
    throw new Error(`template parsing error: ${messageOf(error)}`);
  }
}
