import { createDemultiplexer } from "../base/demultiplex.ts";
import { fail } from "../base/errors.ts";
import type { WaitAnswer } from "./container-documents.ts";

/** What a program wrote. */
export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** How a program ended and what it wrote. */
export interface Result extends Output {
  readonly exitCode: number;
}

/** A program that writes more than this is for streams, not for strings. */
export const DEFAULT_MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

interface CollectOptions {
  readonly tty?: boolean;
  readonly maxBytes?: number;
  /** Told how the program ended, where the stream says so. */
  readonly onResult?: (text: string) => void;
}

/**
 * Reads the stream of a program that was started for it, to its end.
 * @throws invalid `OUTPUT_TOO_LONG`; unavailable `CONNECTION_LOST`
 */
export async function collectResult(stream: AsyncIterable<Uint8Array>, maxBytes?: number): Promise<Result> {
  let answer: WaitAnswer | undefined;
  const onResult = (text: string) => {
    answer = JSON.parse(text) as WaitAnswer;
  };
  const output = await collectOutput(stream, { maxBytes, onResult });
  return { ...output, exitCode: answer?.StatusCode ?? endUntold() };
}

/** The connection ended in good order, yet without the last frame: the engine was stopped. */
export function endUntold(): never {
  return fail("unavailable", "CONNECTION_LOST", "the engine went away before it told how the program ended");
}

/**
 * Reads an engine's stream to its end; a terminal's output is all standard output.
 * @throws invalid `OUTPUT_TOO_LONG`
 */
export async function collectOutput(
  stream: AsyncIterable<Uint8Array>,
  { tty = false, maxBytes = DEFAULT_MAX_OUTPUT_BYTES, onResult }: CollectOptions = {},
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
    const demultiplex = createDemultiplexer(take, onResult);
    for await (const chunk of stream) await demultiplex(chunk);
  }
  return { stdout: texts[1] + decoders[1].decode(), stderr: texts[2] + decoders[2].decode() };
}
