import { messageOf } from "../base/errors.ts";
import { compileTemplate, type Template } from "./go-template/go-template.ts";
import { allColumns, type ListFormat } from "./list-format.ts";

/** A template over a list's columns: for a document, and for the header line above a table of them. */
export function compileListTemplate<D>(
  source: string,
  format: ListFormat<D>,
): { row(document: D): string; header(): string } {
  const template = compile(source);
  const { columns, methods = {} } = format;
  return {
    row(document) {
      const bound = Object.entries(methods).map(([name, method]) => [
        name,
        (argument: unknown) => method(document, String(argument)),
      ]);
      const texts = Object.entries(columns).map(([name, column]) => [name, column.value(document)]);
      const hidden = { ...Object.fromEntries(bound), toJSON: () => allColumns(document, format) };
      return execute(template, withHidden(Object.fromEntries(texts), hidden));
    },
    header() {
      const headers = Object.entries(columns).map(([name, column]) => [name, column.header]);
      const bound = Object.keys(methods).map((name) => [name, (argument: unknown) => lastPart(String(argument))]);
      return execute(template, withHidden(Object.fromEntries(headers), Object.fromEntries(bound)));
    },
  };
}

/** Methods can be called but are not part of `{{json .}}`. */
function withHidden(visible: object, hidden: object): object {
  const descriptors = Object.entries(hidden).map(([name, value]) => [name, { value, enumerable: false }]);
  return Object.defineProperties({ ...visible }, Object.fromEntries(descriptors));
}

function compile(source: string): Template {
  try {
    return compileTemplate(source, { missingField: (name) => `can't evaluate field ${name}` });
  } catch (error) {
    throw new Error(`failed to parse template: ${messageOf(error)}`);
  }
}

function execute(template: Template, value: object): string {
  try {
    return template(value);
  } catch (error) {
    throw new Error(`failed to execute template: ${messageOf(error)}`);
  }
}

/** `com.example.rack-number` becomes the heading `rack number`, as in Docker. */
function lastPart(label: string): string {
  return label.replaceAll(/[-_]/g, " ").split(".").at(-1) ?? label;
}
