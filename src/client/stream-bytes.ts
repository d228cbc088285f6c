/** What tar-stream's streams yield, which its types leave open. */
export async function* bytesOf(stream: AsyncIterable<unknown>): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of stream) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError("an archive's stream yielded something else than bytes");
    yield chunk;
  }
}
