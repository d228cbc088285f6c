/** A piece of one of a process's two outputs. */
export interface OutputPiece {
  readonly stream: "stdout" | "stderr";
  readonly payload: Uint8Array;
}

const HEADER_BYTES = 8;
const STDERR = 2;

/** Takes Docker's multiplexed format apart (Engine API, "Stream format" of ContainerAttach), piece by piece as it comes. */
export async function* splitStdcopy(source: AsyncIterable<Uint8Array>): AsyncGenerator<OutputPiece> {
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    held = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk]);
    while (held.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + held.readUInt32BE(4);
      if (held.length < end) break;
      yield { stream: held[0] === STDERR ? "stderr" : "stdout", payload: held.subarray(HEADER_BYTES, end) };
      held = held.subarray(end);
    }
  }
}
