/** How long a test waits for something that normally takes milliseconds: long enough for a machine under load. */
export const DEADLINE_MS = 15_000;

/** The promise's result, or a rejection that says what did not happen in time. */
export async function within<T>(what: string, promise: Promise<T>, timeoutMs: number = DEADLINE_MS): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`not within ${timeoutMs} ms: ${what}`)), timeoutMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

const LOOK_EVERY_MS = 10;

/**
 * Looks until `look` finds something, and returns it. Only for what tells nobody when it changes: processes of others,
 * control groups, links. Where there is an event, wait for the event.
 */
export async function eventually<T>(
  what: string | (() => string),
  look: () => T | undefined | Promise<T | undefined>,
  timeoutMs: number = DEADLINE_MS,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > end) {
      throw new Error(`not within ${timeoutMs} ms: ${typeof what === "string" ? what : what()}`);
    }
    await Bun.sleep(LOOK_EVERY_MS);
  }
}
