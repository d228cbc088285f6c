import type { Readable } from "node:stream";
import { fail } from "../../base/errors.ts";

/** A piece's length; larger ones are an attack. */
const MAX_PIECE_BYTES = 4 * 1024 * 1024;
const HEADER_BYTES = 4;

/**
 * Reads files one after the other from a stream: each is pieces, four bytes of length (big endian) and as many bytes, ended
 * by a length of zero. The sender needs no file's length beforehand, so that one that grows meanwhile does no harm.
 */
export class PieceReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(source: Readable) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next file's bytes; to be read to the end. @throws invalid where the stream ends too early. */
  async *next(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const header = await this.#take(HEADER_BYTES);
      let left = new DataView(header.buffer, header.byteOffset).getUint32(0);
      if (left === 0) return;
      if (left > MAX_PIECE_BYTES) fail("invalid", "CONTEXT_PIECE", "the build context is not framed as expected");
      while (left > 0) {
        if (this.#rest.length === 0) await this.#more();
        const piece = this.#rest.subarray(0, left);
        this.#rest = this.#rest.subarray(piece.length);
        left -= piece.length;
        yield piece;
      }
    }
  }

  async #take(count: number): Promise<Uint8Array> {
    while (this.#rest.length < count) await this.#more();
    const taken = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return taken;
  }

  async #more(): Promise<void> {
    const { value, done } = await this.#source.next();
    if (done) fail("invalid", "CONTEXT_CUT", "the client stopped sending files");
    this.#rest = this.#rest.length ? Buffer.concat([this.#rest, value]) : value;
  }
}
