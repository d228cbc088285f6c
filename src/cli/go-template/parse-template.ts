import { type Token, tokenize } from "./tokenize.ts";

/** An expression that yields a value. */
export type Operand =
  | { readonly kind: "literal"; readonly value: unknown }
  /** `.A.B`: names looked up from the current value. */
  | { readonly kind: "field"; readonly path: readonly string[] }
  /** `$x.A`: from a variable; `$` itself has the name "". */
  | { readonly kind: "variable"; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: "function"; readonly name: string }
  /** `(pipeline).A` */
  | { readonly kind: "group"; readonly pipeline: Pipeline; readonly path: readonly string[] };

/** A first word and its arguments. */
export type Call = readonly [Operand, ...Operand[]];

export interface Pipeline {
  /** `$x :=`, `$i, $v :=`, `$x =` */
  readonly variables: readonly string[];
  readonly assigns: "declare" | "set";
  /** Each gets the value before it as its last argument. */
  readonly calls: readonly [Call, ...Call[]];
}

export type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly pipeline: Pipeline }
  | {
      readonly kind: "if" | "with" | "range";
      readonly pipeline: Pipeline;
      readonly body: Body;
      readonly otherwise: Body;
    }
  | { readonly kind: "break" | "continue" };

export type Body = readonly Node[];

/**
 * Parses the language of Go's text/template, without named templates (`define`, `template`, `block`).
 * @throws Error in text/template's words: `template: :1: unclosed action`
 */
export function parseTemplate(source: string): Body {
  const parser = new Parser(tokenize(source));
  const body = parser.body();
  const rest = parser.next();
  if (rest.kind !== "end") throw parser.unexpected(rest, "input");
  return body;
}

/** Reads a list of tokens from front to back. */
class Parser {
  #at = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  /** Up to `{{end}}`, `{{else}}` or the end of all, which is left for the caller. */
  body(): Body {
    const nodes: Node[] = [];
    for (;;) {
      const token = this.peek();
      if (token.kind === "text") {
        this.next();
        nodes.push({ kind: "text", text: token.text });
      } else if (token.kind !== "open") return nodes;
      else {
        const keyword = this.peek(1);
        if (keyword.kind === "word" && (keyword.text === "end" || keyword.text === "else")) return nodes;
        this.next();
        const node = this.action();
        if (node) nodes.push(node);
      }
    }
  }

  next(): Token {
    const token = this.peek();
    this.#at++;
    return token;
  }

  peek(ahead = 0): Token {
    return this.tokens[this.#at + ahead] ?? { kind: "end", text: "", line: this.tokens.at(-1)?.line ?? 1 };
  }

  unexpected(token: Token, where: string): Error {
    if (token.kind === "end") return new Error(`template: :${token.line}: unexpected EOF`);
    return new Error(`template: :${token.line}: unexpected ${describe(token)} in ${where}`);
  }

  #expect(kind: Token["kind"], where: string): Token {
    const token = this.next();
    if (token.kind !== kind) throw this.unexpected(token, where);
    return token;
  }

  /** Behind `{{`: one action with its `}}`, and with its body if it has one. */
  private action(): Node | null {
    const token = this.peek();
    if (token.kind === "close") throw new Error(`template: :${token.line}: missing value for command`);
    if (token.kind === "word") {
      if (token.text === "if" || token.text === "with" || token.text === "range") {
        this.next();
        return this.#control(token.text);
      }
      if (token.text === "break" || token.text === "continue") {
        this.next();
        this.#expect("close", token.text);
        return { kind: token.text };
      }
    }
    const pipeline = this.#pipeline("command");
    this.#expect("close", "command");
    return { kind: "action", pipeline };
  }

  #control(kind: "if" | "with" | "range"): Node {
    const pipeline = this.#pipeline(kind);
    this.#expect("close", kind);
    const body = this.body();
    return { kind, pipeline, body, otherwise: this.#otherwise(kind) };
  }

  /** `{{end}}`, or `{{else}}` with its body, or `{{else if ...}}`, which is an `if` inside it. */
  #otherwise(kind: "if" | "with" | "range"): Body {
    this.#expect("open", kind);
    const keyword = this.#expect("word", kind);
    if (keyword.text === "end") {
      this.#expect("close", kind);
      return [];
    }
    const chained = this.peek();
    if (kind !== "range" && chained.kind === "word" && chained.text === kind) {
      this.next();
      return [this.#control(kind)];
    }
    this.#expect("close", kind);
    const body = this.body();
    this.#expect("open", kind);
    const end = this.next();
    if (end.kind !== "word" || end.text !== "end") throw this.unexpected(end, kind);
    this.#expect("close", kind);
    return body;
  }

  #pipeline(where: string): Pipeline {
    const { variables, assigns } = this.#declarations();
    const calls: [Call, ...Call[]] = [this.#call(where)];
    while (this.peek().kind === "pipe") {
      this.next();
      calls.push(this.#call(where));
    }
    return { variables, assigns, calls };
  }

  #declarations(): Pick<Pipeline, "variables" | "assigns"> {
    const names: string[] = [];
    let ahead = 0;
    while (this.peek(ahead).kind === "variable") {
      names.push(this.peek(ahead).text);
      const after = this.peek(ahead + 1);
      if (after.kind === "declare" || after.kind === "assign") {
        this.#at += ahead + 2;
        return { variables: names, assigns: after.kind === "declare" ? "declare" : "set" };
      }
      if (after.kind !== "comma") break;
      ahead += 2;
    }
    return { variables: [], assigns: "declare" };
  }

  #call(where: string): Call {
    const call: [Operand, ...Operand[]] = [this.#operand(where)];
    while (!["close", "pipe", "right", "end"].includes(this.peek().kind)) call.push(this.#operand(where));
    return call;
  }

  #operand(where: string): Operand {
    const token = this.next();
    switch (token.kind) {
      case "literal":
        return { kind: "literal", value: token.value };
      case "dot":
        return { kind: "field", path: [] };
      case "field":
        return { kind: "field", path: [token.text, ...this.#moreFields()] };
      case "variable":
        return { kind: "variable", name: token.text, path: this.#moreFields() };
      case "word":
        return { kind: "function", name: token.text };
      case "left": {
        const pipeline = this.#pipeline("parenthesized pipeline");
        this.#expect("right", "parenthesized pipeline");
        return { kind: "group", pipeline, path: this.#moreFields() };
      }
      default:
        throw this.unexpected(token, where);
    }
  }

  /** Fields that follow without a blank: `.A.B`, `$x.A`, `(...).A`. */
  #moreFields(): string[] {
    const names: string[] = [];
    for (let token = this.peek(); token.kind === "field" && token.joined; token = this.peek()) {
      names.push(token.text);
      this.next();
    }
    return names;
  }
}

function describe(token: Token): string {
  const shown: Partial<Record<Token["kind"], string>> = { open: '"{{"', close: '"}}"', word: `{{${token.text}}}` };
  return shown[token.kind] ?? JSON.stringify(token.text);
}
