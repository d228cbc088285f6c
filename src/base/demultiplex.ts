import { fail } from "./errors.ts";
import { STDCOPY_STREAM } from "./stdcopy.ts";

/** The descriptor that a frame is for. */
export type OutputStream = 1 | 2;

const HEADER_BYTES = 8;
const { systemError: SYSTEM_ERROR, result: RESULT } = STDCOPY_STREAM;
/** Of what is a text about the stream, not its content. */
const MAX_TEXT_BYTES = 64 * 1024;

/**
 * Takes apart what the engine sends for a container without a terminal: frames of one byte for the stream, three of
 * zero, four of length (big endian), payload. Frames may be cut anywhere. Payload is passed on as it arrives, never
 * collected, in pieces that share the input's memory.
 * @param onResult told how the process ended, on a connection that says so: a JSON document
 * @throws internal `ENGINE_STREAM` for an error that the engine put into the stream; `BAD_STREAM` for anything else.
 */
export function createDemultiplexer(
  output: (stream: OutputStream, piece: Uint8Array) => void | Promise<void>,
  onResult?: (text: string) => void,
): (bytes: Uint8Array) => Promise<void> {
  const header = new Uint8Array(HEADER_BYTES);
  let headerFilled = 0;
  let stream = 0;
  let left = 0;
  let text: Uint8Array | null = null;

  return async (bytes) => {
    let at = 0;
    while (at < bytes.length) {
      if (left > 0) {
        const piece = bytes.subarray(at, at + left);
        at += piece.length;
        left -= piece.length;
        if (text) collect(text, piece);
        else if (stream === 2) await output(2, piece);
        else await output(1, piece);
        continue;
      }
      const part = bytes.subarray(at, at + HEADER_BYTES - headerFilled);
      header.set(part, headerFilled);
      headerFilled += part.length;
      at += part.length;
      if (headerFilled === HEADER_BYTES) openFrame();
    }
  };

  function openFrame(): void {
    headerFilled = 0;
    stream = header[0] ?? 0;
    left = new DataView(header.buffer).getUint32(4);
    const padded = header[1] === 0 && header[2] === 0 && header[3] === 0;
    if (stream > (onResult ? RESULT : SYSTEM_ERROR) || !padded) {
      fail("unavailable", "BAD_STREAM", `the engine's output is not framed as expected (stream type ${stream})`);
    }
    text = stream >= SYSTEM_ERROR ? new Uint8Array(Math.min(left, MAX_TEXT_BYTES)) : null;
  }

  function collect(all: Uint8Array, piece: Uint8Array): void {
    const start = Math.max(0, all.length - left - piece.length);
    all.set(piece.subarray(0, all.length - start), start);
    if (left > 0) return;
    const decoded = new TextDecoder().decode(all);
    if (stream === SYSTEM_ERROR) fail("internal", "ENGINE_STREAM", decoded);
    onResult?.(decoded);
  }
}
