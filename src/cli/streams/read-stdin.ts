/**
 * Standard input piece by piece; null at its end. A reader instead of a loop over the stream, because leaving such a loop
 * waits for one more key. Bun's stream instead of process.stdin, which costs 8 ms of loading.
 */
export function openStdin(): () => Promise<Uint8Array | null> {
  const reader = Bun.stdin.stream().getReader();
  return async () => (await reader.read()).value ?? null;
}
