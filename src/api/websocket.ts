import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { fail } from "../base/errors.ts";

/** RFC 6455: the server's part of the protocol, without extensions. */
const ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const OPCODE = { continuation: 0x0, text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;
const FINAL = 0x80;
const MASKED = 0x80;
/** A terminal's input comes in small frames; what is larger than this is no client of ours. */
const MAX_FRAME_BYTES = 1024 * 1024;
const PROTOCOL_ERROR = 1002;

/**
 * The head of the answer that opens a connection (section 4.2.2).
 * @throws invalid `WEBSOCKET` where the request is none that this version of the protocol knows
 */
export function websocketHandshake(headers: IncomingHttpHeaders): string {
  const { upgrade = "", "sec-websocket-key": key = "", "sec-websocket-version": version } = headers;
  if (upgrade.toLowerCase() !== "websocket" || version !== "13" || !/^[A-Za-z0-9+/]{22}==$/.test(key)) {
    fail("invalid", "WEBSOCKET", "this endpoint speaks the WebSocket protocol, version 13: use a client that does");
  }
  const accept = createHash("sha1")
    .update(key + ACCEPT_GUID)
    .digest("base64");
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

/** The messages' bytes of an opened connection as one stream each way; what we send goes in binary frames. */
export function websocketStream(socket: Socket): Duplex {
  const parser = new FrameParser();
  const stream = new Duplex({
    allowHalfOpen: true,
    read: () => socket.resume(),
    write: (chunk, _encoding, done) => send(socket, OPCODE.binary, chunk, done),
    final: (done) => send(socket, OPCODE.close, Buffer.from([0x03, 0xe8]), () => socket.end(done)),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on("data", (chunk: Buffer) => {
    for (const frame of parser.push(chunk)) {
      if (frame === "invalid") return refuse(socket, stream);
      if (frame.opcode === OPCODE.close) stream.push(null);
      else if (frame.opcode === OPCODE.ping) send(socket, OPCODE.pong, frame.payload, () => {});
      else if (frame.opcode !== OPCODE.pong && !stream.push(frame.payload)) socket.pause();
      if (frame.opcode === OPCODE.close) return;
    }
  });
  socket.once("end", () => stream.readableEnded || stream.push(null));
  socket.once("close", () => stream.destroy());
  return stream;
}

function refuse(socket: Socket, stream: Duplex): void {
  const code = Buffer.alloc(2);
  code.writeUInt16BE(PROTOCOL_ERROR);
  send(socket, OPCODE.close, code, () => stream.destroy());
}

function send(socket: Socket, opcode: number, payload: Buffer, done: (error?: Error | null) => void): void {
  if (!socket.writable) {
    done();
    return;
  }
  socket.cork();
  socket.write(frameHead(opcode, payload.length));
  socket.write(payload, done);
  socket.uncork();
}

/** Section 5.2; a server does not mask. */
export function frameHead(opcode: number, length: number): Buffer {
  if (length < 126) return Buffer.from([FINAL | opcode, length]);
  if (length < 65_536) return Buffer.from([FINAL | opcode, 126, length >> 8, length & 0xff]);
  const head = Buffer.alloc(10);
  head[0] = FINAL | opcode;
  head[1] = 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** Cuts a client's bytes into frames; `invalid` ends it. Fragments are handed on as they come: only their bytes count. */
export class FrameParser {
  #rest: Buffer = Buffer.alloc(0);

  *push(chunk: Buffer): Generator<Frame | "invalid"> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const frame = this.#next();
      if (frame === null) return;
      yield frame;
      if (frame === "invalid") return;
    }
  }

  #next(): Frame | "invalid" | null {
    const bytes = this.#rest;
    if (bytes.length < 2) return null;
    const first = bytes.readUInt8(0);
    const second = bytes.readUInt8(1);
    const opcode = first & 0x0f;
    // Reserved bits belong to extensions, which were not agreed on; a client's frames are always masked (5.1).
    const known = Object.values(OPCODE).some((code) => code === opcode);
    if ((first & 0x70) !== 0 || (second & MASKED) === 0 || !known) return "invalid";
    const short = second & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (opcode >= OPCODE.close && (lengthBytes > 0 || (first & FINAL) === 0)) return "invalid";
    const at = 2 + lengthBytes;
    if (bytes.length < at + 4) return null;
    const length =
      lengthBytes === 2 ? bytes.readUInt16BE(2) : lengthBytes === 8 ? Number(bytes.readBigUInt64BE(2)) : short;
    if (length > MAX_FRAME_BYTES) return "invalid";
    if (bytes.length < at + 4 + length) return null;
    const mask = bytes.subarray(at, at + 4);
    const payload = Buffer.from(bytes.subarray(at + 4, at + 4 + length));
    for (let index = 0; index < length; index++) payload[index] = (payload[index] ?? 0) ^ (mask[index & 3] ?? 0);
    this.#rest = bytes.subarray(at + 4 + length);
    return { opcode, payload };
  }
}
