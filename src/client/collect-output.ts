import { createDemultiplexer } from "../base/demultiplex.ts";
import { fail } from "../base/errors.ts";

/** What a program wrote. */
export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that writes more than this is for streams, not for strings. */
export const DEFAULT_MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/**
 * Reads an engine's stream to its end; a terminal's output is all standard output.
 * @throws invalid `OUTPUT_TOO_LONG`
 */
export async function collectOutput(
  stream: AsyncIterable<Uint8Array>,
  { tty = false, maxBytes = DEFAULT_MAX_OUTPUT_BYTES }: { readonly tty?: boolean; readonly maxBytes?: number } = {},
): Promise<Output> {
  const decoders = { 1: new TextDecoder(), 2: new TextDecoder() };
  const texts = { 1: "", 2: "" };
  let total = 0;
  const take = (descriptor: 1 | 2, piece: Uint8Array) => {
    total += piece.length;
    if (total > maxBytes) {
      fail("invalid", "OUTPUT_TOO_LONG", `the output is longer than ${maxBytes} bytes: raise maxOutputBytes`);
    }
    texts[descriptor] += decoders[descriptor].decode(piece, { stream: true });
  };
  if (tty) for await (const chunk of stream) take(1, chunk);
  else {
    const demultiplex = createDemultiplexer(take);
    for await (const chunk of stream) await demultiplex(chunk);
  }
  return { stdout: texts[1] + decoders[1].decode(), stderr: texts[2] + decoders[2].decode() };
}
