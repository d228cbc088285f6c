import { formatGoValue, isTruthy, sortedEntries } from "./go-value.ts";
import { type Body, type Call, type Operand, type Pipeline, parseTemplate } from "./parse-template.ts";
import { templateFunctions } from "./template-functions.ts";

/** What to make of fields that a value does not have. */
export interface TemplateOptions {
  /** The text of the error; without it such a field is Go's `<no value>`. */
  readonly missingField?: (name: string) => string;
  /** The value of a field that is missing or null; undefined for "none is known". */
  readonly zeroValue?: (name: string) => unknown;
}

/** Renders one value; a value's functions are methods: `{{.Label "x"}}`. */
export type Template = (value: unknown) => string;

/**
 * Compiles a Go text/template as Docker's `--format` takes it.
 * @throws Error in text/template's words, at once for syntax and unknown functions, when rendering for the rest
 */
export function compileTemplate(source: string, options: TemplateOptions = {}): Template {
  const body = parseTemplate(source);
  checkFunctions(body);
  return (value) => {
    const run = new Run(options, value);
    run.body(body, value);
    return run.output;
  };
}

/** Thrown to leave a loop. */
class LoopExit {
  constructor(readonly kind: "break" | "continue") {}
}

/** One rendering: what was written so far, and the variables in scope. */
class Run {
  output = "";
  #scopes: Map<string, unknown>[];

  constructor(
    private readonly options: TemplateOptions,
    root: unknown,
  ) {
    this.#scopes = [new Map([["", root]])];
  }

  body(body: Body, dot: unknown): void {
    for (const node of body) {
      switch (node.kind) {
        case "text":
          this.output += node.text;
          break;
        case "action": {
          const value = this.#pipeline(node.pipeline, dot);
          if (node.pipeline.variables.length === 0) this.output += formatGoValue(value);
          break;
        }
        case "if":
        case "with":
          this.#scoped(() => {
            const value = this.#pipeline(node.pipeline, dot);
            const inner = node.kind === "with" ? value : dot;
            if (isTruthy(value)) this.body(node.body, inner);
            else this.body(node.otherwise, dot);
          });
          break;
        case "range":
          this.#scoped(() => this.#range(node, dot));
          break;
        case "break":
        case "continue":
          throw new LoopExit(node.kind);
        default:
          node satisfies never;
      }
    }
  }

  #range(node: { pipeline: Pipeline; body: Body; otherwise: Body }, dot: unknown): void {
    const entries = entriesOf(this.#pipeline({ ...node.pipeline, variables: [] }, dot));
    if (entries.length === 0) {
      this.body(node.otherwise, dot);
      return;
    }
    const [first, second] = node.pipeline.variables;
    for (const [key, value] of entries) {
      try {
        this.#scoped((scope) => {
          if (second !== undefined) scope.set(first ?? "", key).set(second, value);
          else if (first !== undefined) scope.set(first, value);
          this.body(node.body, value);
        });
      } catch (error) {
        if (!(error instanceof LoopExit)) throw error;
        if (error.kind === "break") return;
      }
    }
  }

  #scoped(use: (scope: Map<string, unknown>) => void): void {
    const scope = new Map<string, unknown>();
    this.#scopes.push(scope);
    try {
      use(scope);
    } finally {
      this.#scopes.pop();
    }
  }

  #pipeline(pipeline: Pipeline, dot: unknown): unknown {
    const [first, ...others] = pipeline.calls;
    let value = this.#call(first, dot, []);
    for (const call of others) value = this.#call(call, dot, [value]);
    for (const name of pipeline.variables) {
      const scope = pipeline.assigns === "set" ? this.#scopes.findLast((candidate) => candidate.has(name)) : undefined;
      (scope ?? this.#scopes.at(-1))?.set(name, value);
    }
    return value;
  }

  #call([head, ...words]: Call, dot: unknown, piped: readonly unknown[]): unknown {
    if (head.kind === "function" && (head.name === "and" || head.name === "or")) {
      return this.#shortCircuit(head.name, words, dot, piped);
    }
    const values = [...words.map((word) => this.#operand(word, dot)), ...piped];
    if (head.kind === "function") return templateFunctions[head.name]?.(...values);
    const value = this.#operand(head, dot);
    if (typeof value === "function") return value(...values);
    if (values.length > 0) throw new Error("can't give argument to non-function");
    return value;
  }

  /** Returns the first operand that decides, without evaluating the rest, as text/template does since Go 1.18. */
  #shortCircuit(name: "and" | "or", words: readonly Operand[], dot: unknown, piped: readonly unknown[]): unknown {
    let value: unknown;
    for (const word of words) {
      value = this.#operand(word, dot);
      if (isTruthy(value) === (name === "or")) return value;
    }
    return piped.length > 0 ? piped[0] : value;
  }

  #operand(operand: Operand, dot: unknown): unknown {
    switch (operand.kind) {
      case "literal":
        return operand.value;
      case "field":
        return this.#fields(dot, operand.path);
      case "variable": {
        const scope = this.#scopes.findLast((candidate) => candidate.has(operand.name));
        if (!scope) throw new Error(`undefined variable "$${operand.name}"`);
        return this.#fields(scope.get(operand.name), operand.path);
      }
      case "function":
        return this.#call([operand], dot, []);
      case "group":
        return this.#fields(this.#pipeline(operand.pipeline, dot), operand.path);
      default:
        return operand satisfies never;
    }
  }

  #fields(start: unknown, path: readonly string[]): unknown {
    return path.reduce((value, name) => this.#field(value, name), start);
  }

  #field(value: unknown, name: string): unknown {
    const { missingField, zeroValue } = this.options;
    const present = typeof value === "object" && value !== null && Object.hasOwn(value, name);
    const found: unknown = present ? Reflect.get(value, name) : undefined;
    if (found !== undefined && found !== null) return found;
    const isNil = value === undefined || value === null;
    const zero = isNil ? undefined : zeroValue?.(name);
    if (zero !== undefined) return zero;
    if (present || (!isNil && !missingField)) return found;
    const message = isNil ? `nil pointer evaluating .${name}` : missingField?.(name);
    throw new Error(`template: :1:2: executing "" at <.${name}>: ${message}`);
  }
}

function entriesOf(value: unknown): readonly (readonly [unknown, unknown])[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.map((item, index) => [index, item]);
  if (typeof value === "number") return Array.from({ length: value }, (_, index) => [index, index]);
  if (typeof value === "object") return sortedEntries(value);
  throw new Error(`range can't iterate over ${formatGoValue(value)}`);
}

/** An unknown function is an error of the template, whether or not it is reached. */
function checkFunctions(body: Body): void {
  for (const node of body) {
    if ("pipeline" in node) checkPipeline(node.pipeline);
    if ("body" in node) {
      checkFunctions(node.body);
      checkFunctions(node.otherwise);
    }
  }
}

function checkPipeline(pipeline: Pipeline): void {
  for (const operand of pipeline.calls.flat()) {
    if (operand.kind === "group") checkPipeline(operand.pipeline);
    const lazy = operand.kind === "function" && (operand.name === "and" || operand.name === "or");
    if (operand.kind === "function" && !lazy && !Object.hasOwn(templateFunctions, operand.name)) {
      throw new Error(`template: :1: function ${JSON.stringify(operand.name)} not defined`);
    }
  }
}
