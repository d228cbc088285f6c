import { fail } from "../base/errors.ts";

/** Whether it is packed, one byte, and its length, four (gRPC over HTTP2, Length-Prefixed-Message). */
const PREFIX_BYTES = 5;

/** As Go's servers and BuildKit's clients have it. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

export function frameOf(message: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  frame.writeUInt8(0, 0);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

/**
 * The messages of a half of a call, in order. A message is a view of what was received, not a copy.
 * @throws invalid for one that is too large, packed, or cut off
 */
export async function* messagesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const waiting: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    waiting.push(chunk);
    length += chunk.length;
    // Joined only when a message is complete, so that one in a thousand pieces is copied once.
    if (length < PREFIX_BYTES || length < PREFIX_BYTES + messageLength(firstBytes(waiting))) continue;
    const bytes = waiting.length === 1 ? chunk : Buffer.concat(waiting);
    let at = 0;
    while (length - at >= PREFIX_BYTES) {
      const end = at + PREFIX_BYTES + messageLength(bytes.subarray(at));
      if (end > length) break;
      yield bytes.subarray(at + PREFIX_BYTES, end);
      at = end;
    }
    waiting.splice(0, waiting.length, bytes.subarray(at));
    length -= at;
  }
  if (length > 0) fail("invalid", "GRPC_FRAME", "the stream ended within a message");
}

function firstBytes(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks;
  return first && first.length >= PREFIX_BYTES ? first : Buffer.concat(chunks).subarray(0, PREFIX_BYTES);
}

function messageLength(prefix: Uint8Array): number {
  const view = new DataView(prefix.buffer, prefix.byteOffset, PREFIX_BYTES);
  if (view.getUint8(0) !== 0) fail("not-implemented", "GRPC_FRAME", "compressed messages are not supported");
  const length = view.getUint32(1);
  if (length > MAX_MESSAGE_BYTES) {
    fail("invalid", "GRPC_FRAME", `a message of ${length} bytes is larger than the limit of ${MAX_MESSAGE_BYTES}`);
  }
  return length;
}
