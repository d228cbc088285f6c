import { stripVTControlCharacters } from "node:util";
import { STDERR, write } from "../output.ts";
import { terminalSize } from "../streams/terminal.ts";
import { type BuildRecord, isShown, type StepState, secondsOf } from "./build-progress.ts";
import type { BuildView } from "./show-plain.ts";

const DRAW_EVERY_MS = 100;
/** Lines of output below each running step. */
const TAIL_LINES = 6;

const BLUE = "\x1b[34m";
const RED = "\x1b[31m";
const DIM = "\x1b[2m";
const RESET = "\x1b[0m";

/** Redraws one picture: every step with its time, below those that run the end of what they print. */
export function terminalView(record: BuildRecord): BuildView {
  const begun = performance.now();
  let drawnLines = 0;
  let isDirty = true;
  const draw = async (isLast: boolean) => {
    isDirty = false;
    // A terminal that does not know its size says 0.
    const size = terminalSize();
    const [rows, columns] = [size?.rows || 24, size?.columns || 80];
    const seconds = (performance.now() - begun) / 1000;
    const lines = picture(record.steps().filter(isShown), seconds, isLast);
    // What does not fit above the fold is past and only scrolls by at the end.
    const shown = isLast ? lines : lines.slice(-Math.max(1, rows - 2));
    const text = shown.map((line) => `${cut(line, columns)}\x1b[K`).join("\n");
    const up = drawnLines > 0 ? `\x1b[${drawnLines}A\r\x1b[J` : "";
    drawnLines = shown.length;
    await write(STDERR, `${up}${text}\n`);
  };
  const timer = setInterval(() => void draw(false), DRAW_EVERY_MS);
  return {
    record,
    take: async (status) => {
      record.take(status);
      isDirty = true;
    },
    end: async () => {
      clearInterval(timer);
      if (isDirty || drawnLines > 0) await draw(true);
    },
  };
}

/** The picture's lines, with colours. */
export function picture(steps: readonly StepState[], seconds: number, isLast: boolean): string[] {
  const done = steps.filter(({ vertex }) => vertex.completed !== null).length;
  const lines = [`[+] Building ${seconds.toFixed(1)}s (${done}/${steps.length})${isLast ? " FINISHED" : ""}`];
  for (const { vertex, counters, tail } of steps) {
    if (vertex.started === null) continue;
    const isRunning = vertex.completed === null;
    const time = `${secondsOf(vertex).toFixed(1)}s`;
    if (vertex.error) lines.push(`${RED} => ERROR ${vertex.name}  ${time}${RESET}`);
    else lines.push(`${isRunning ? "" : BLUE} => ${vertex.cached ? "CACHED " : ""}${vertex.name}  ${time}${RESET}`);
    if (!isRunning) continue;
    for (const { name, current, total } of counters.values()) {
      lines.push(` => => ${name} ${total > 0 ? `${Math.floor((100 * current) / total)}%` : current || ""}`);
    }
    for (const line of tail.filter(Boolean).slice(-TAIL_LINES)) {
      // What a step prints moves no cursor of ours.
      lines.push(`${DIM} => => # ${stripVTControlCharacters(line.split("\r").at(-1) ?? "")}${RESET}`);
    }
  }
  return lines;
}

function cut(line: string, columns: number): string {
  const visible = stripVTControlCharacters(line);
  if (visible.length <= columns) return line;
  const colour = line.slice(0, line.indexOf(visible.slice(0, 1)));
  return `${colour}${visible.slice(0, columns - 1)}…${RESET}`;
}
