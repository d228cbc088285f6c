import { fail } from "../base/errors.ts";

/** signal(7) for x86 and ARM; the same numbers as in the kernel's generic header. */
const NUMBERS: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  IOT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  POLL: 29,
  PWR: 30,
  SYS: 31,
};

/** What C libraries leave to programs of the kernel's 32 to 64. */
const RTMIN = 34;
const RTMAX = 64;

/**
 * The number of a signal as users write it: `SIGTERM`, `term`, `15`, `RTMIN+3`, `SIGRTMAX-1`.
 * @throws invalid `INVALID_SIGNAL`
 */
export function parseSignal(text: string): number {
  if (/^[+-]?\d+$/.test(text)) {
    const number = Number(text);
    if (number === 0) fail("invalid", "INVALID_SIGNAL", `invalid signal: ${text}`);
    if (number < 0 || number > RTMAX) {
      fail("invalid", "INVALID_SIGNAL", `The linux daemon does not support signal ${text}`);
    }
    return number;
  }
  const name = text.toUpperCase().replace(/^SIG/, "");
  const number = Object.hasOwn(NUMBERS, name) ? NUMBERS[name] : realTimeSignal(name);
  return number ?? fail("invalid", "INVALID_SIGNAL", `invalid signal: ${text}`);
}

function realTimeSignal(name: string): number | undefined {
  const match = /^RT(?:MIN(?:\+(\d{1,2}))?|MAX(?:-(\d{1,2}))?)$/.exec(name);
  if (!match) return undefined;
  const number = name.startsWith("RTMIN") ? RTMIN + Number(match[1] ?? 0) : RTMAX - Number(match[2] ?? 0);
  return number >= RTMIN && number <= RTMAX ? number : undefined;
}
