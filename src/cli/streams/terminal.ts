import { isatty, ReadStream } from "node:tty";

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** Our own terminal in raw mode: every key goes to the container. Disposing gives it back as it was. */
export interface RawTerminal extends Disposable {
  readonly input: AsyncIterable<Uint8Array>;
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
  process.on("SIGWINCH", () => {
    const size = terminalSize();
    if (size) changed(size);
  });
}

export function openRawTerminal(): RawTerminal {
  const stdin = new ReadStream(0);
  stdin.setRawMode(true);
  const restore = () => stdin.setRawMode(false);
  // Whatever ends this process, the shell behind it gets a terminal that echoes.
  process.on("exit", restore);
  return {
    input: stdin,
    [Symbol.dispose]() {
      process.off("exit", restore);
      restore();
      stdin.destroy();
    },
  };
}
