import { DEADLINE_MS, within } from "./deadline.ts";

/**
 * A program on a terminal of its own, as a person would run it. Bun's pty is used because node: has none; it is
 * the program's controlling terminal, from which SIGWINCH and control-C come.
 */
export class TerminalSession implements AsyncDisposable {
  #screen = "";
  #printedAll = false;
  #changed = Promise.withResolvers<void>();
  readonly #child: Bun.Subprocess;
  readonly #terminal: Bun.Terminal;

  constructor(
    readonly command: readonly string[],
    env: Record<string, string | undefined>,
    size: { rows: number; columns: number } = { rows: 24, columns: 80 },
  ) {
    const decoder = new TextDecoder();
    // Options and not a Terminal made before: that one keeps the program's side open, so that there is no end of file, and
    // it would not be the controlling terminal.
    this.#child = Bun.spawn([...command], {
      env: { TERM: "xterm", ...env },
      terminal: {
        rows: size.rows,
        cols: size.columns,
        data: (_terminal, data) => {
          this.#screen += decoder.decode(data, { stream: true });
          this.#wake();
        },
        // Not the program's own end: what it printed last may still be on its way.
        exit: () => {
          this.#printedAll = true;
          this.#wake();
        },
      },
    });
    const { terminal } = this.#child;
    if (!terminal) throw new Error("no terminal could be made");
    this.#terminal = terminal;
  }

  /** All that was printed so far, with its control sequences. */
  get screen(): string {
    return this.#screen;
  }

  type(text: string): void {
    this.#terminal.write(text);
  }

  resize(rows: number, columns: number): void {
    this.#terminal.resize(columns, rows);
  }

  /** Resolves when the text, or a match of the pattern, has been printed after the offset; returns the offset behind it. */
  async waitFor(expected: string | RegExp, from = 0, timeoutMs: number = DEADLINE_MS): Promise<number> {
    const search = async (): Promise<number> => {
      for (;;) {
        const end = endOf(expected, this.#screen, from);
        if (end !== undefined) return end;
        if (this.#printedAll) throw new Error(`${this.command.join(" ")} ended; ${this.#missing(expected)}`);
        await this.#changed.promise;
      }
    };
    try {
      return await within(`${expected} on the terminal`, search(), timeoutMs);
    } catch (error) {
      throw new Error(`${this.#missing(expected)} (${error})`);
    }
  }

  /** The exit code, once the program has ended. */
  exited(timeoutMs: number = DEADLINE_MS): Promise<number> {
    return within(`end of ${this.command.join(" ")} on a terminal`, this.#child.exited, timeoutMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    this.#terminal.close();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #missing(expected: string | RegExp): string {
    return `${expected} was not printed, but ${JSON.stringify(this.#screen)}`;
  }
}

function endOf(expected: string | RegExp, screen: string, from: number): number | undefined {
  const rest = screen.slice(from);
  if (typeof expected === "string") {
    const index = rest.indexOf(expected);
    return index < 0 ? undefined : from + index + expected.length;
  }
  const match = expected.exec(rest);
  return match ? from + match.index + match[0].length : undefined;
}
