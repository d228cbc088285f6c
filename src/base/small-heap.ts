/**
 * JavaScriptCore collects garbage when the heap has grown by so much of the machine's memory as it believes there to be. For
 * an engine, whose garbage is buffers of what streams through it, that is far too late on a large machine: measured while a
 * layer of 2 GiB was imported, pushed and pulled, 71 MiB more than at rest, and 32 MiB with this.
 */
const VARIABLE = "BUN_JSC_forceRAMSize";
const SMALL_BYTES = 128 * 1024 * 1024;

/** What a program that streams is to be started with. */
export const SMALL_HEAP: Readonly<Record<string, string>> = { [VARIABLE]: String(SMALL_BYTES) };

/**
 * Returns in a process that has a small heap; any other becomes one, with the same id, by starting anew: the runtime reads
 * the size only as it starts. Descriptors above 2 do not survive that.
 * @param command this program, without its arguments.
 */
export function ensureSmallHeap(command: readonly string[], args: readonly string[]): void {
  const isSmall = process.env[VARIABLE] !== undefined;
  // Nothing that we start is meant.
  delete process.env[VARIABLE];
  const [program] = command;
  if (isSmall || program === undefined || process.execve === undefined) return;
  process.execve(program, [...command, ...args], { ...process.env, ...SMALL_HEAP });
}
