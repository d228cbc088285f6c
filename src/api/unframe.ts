import { Transform } from "node:stream";

const HEADER_BYTES = 8;

/**
 * Takes the frames off Docker's multiplexed format and passes on what was in them, both streams as one: what a client
 * over WebSocket gets, where the messages are the framing.
 */
export function unframe(): Transform {
  const header = Buffer.alloc(HEADER_BYTES);
  let headerFilled = 0;
  let payloadLeft = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      for (let at = 0; at < chunk.length; ) {
        if (payloadLeft > 0) {
          const payload = chunk.subarray(at, at + payloadLeft);
          this.push(payload);
          payloadLeft -= payload.length;
          at += payload.length;
        } else {
          const copied = chunk.copy(header, headerFilled, at, at + HEADER_BYTES - headerFilled);
          headerFilled += copied;
          at += copied;
          if (headerFilled < HEADER_BYTES) continue;
          payloadLeft = header.readUInt32BE(4);
          headerFilled = 0;
        }
      }
      done();
    },
  });
}
