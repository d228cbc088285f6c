import { isatty } from "node:tty";
import { enterRawMode } from "./raw-mode.ts";
import { openStdin } from "./read-stdin.ts";

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** Our own terminal in raw mode: every key goes to the container. Disposing gives it back as it was. */
export interface RawTerminal extends Disposable {
  /** What is typed next; null at the end. */
  read(): Promise<Uint8Array | null>;
}

export function isTerminal(descriptor: number): boolean {
  return isatty(descriptor);
}

/** null when standard output is no terminal. */
export function terminalSize(): TerminalSize | null {
  if (!isatty(1)) return null;
  const [columns, rows] = process.stdout.getWindowSize();
  return { rows, columns };
}

/** Calls back whenever the window's size has changed. */
export function onTerminalResize(changed: (size: TerminalSize) => void): void {
  // Not the signal: whether the stream has looked at the window by then depends on which of the two listened first.
  process.stdout.on("resize", () => {
    const size = terminalSize();
    if (size) changed(size);
  });
}

export function openRawTerminal(): RawTerminal {
  const restore = enterRawMode(0);
  // Whatever ends this process, the shell behind it gets a terminal that echoes.
  process.on("exit", restore);
  return {
    read: openStdin(),
    [Symbol.dispose]() {
      process.off("exit", restore);
      restore();
    },
  };
}
