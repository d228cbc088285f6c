import { expect, test } from "bun:test";
import { type Frame, FrameParser, frameHead, websocketHandshake } from "./websocket.ts";

/** A client's frame: masked, as section 5.3 demands. */
function clientFrame(opcode: number, payload: Buffer, flags = 0x80): Buffer {
  const head = frameHead(opcode, payload.length);
  head[0] = flags | opcode;
  head[1] = (head[1] ?? 0) | 0x80;
  const mask = Buffer.from([1, 2, 3, 4]);
  return Buffer.concat([head, mask, payload.map((byte, at) => byte ^ (mask[at & 3] ?? 0))]);
}

test("the handshake is the specification's own example (RFC 6455, 1.3)", () => {
  const headers = {
    upgrade: "websocket",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-version": "13",
  };
  expect(websocketHandshake(headers)).toContain("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
  expect(() => websocketHandshake({ ...headers, "sec-websocket-version": "8" })).toThrow("version 13");
  expect(() => websocketHandshake({ ...headers, "sec-websocket-key": "short" })).toThrow();
  expect(() => websocketHandshake({})).toThrow();
});

test.each([0, 1, 125, 126, 65_535, 65_536, 1_000_000])(
  "a frame of %d bytes arrives whole, however it is cut",
  (size) => {
    const payload = Buffer.alloc(size, "ab");
    const bytes = clientFrame(2, payload);
    for (const step of [bytes.length, Math.max(1, Math.ceil(bytes.length / 7))]) {
      const parser = new FrameParser();
      const frames: (Frame | "invalid")[] = [];
      for (let at = 0; at < bytes.length; at += step) frames.push(...parser.push(bytes.subarray(at, at + step)));
      expect(frames).toEqual([{ opcode: 2, payload }]);
    }
  },
);

test.each([
  ["not masked", Buffer.from([0x82, 0x01, 0x61])],
  ["a reserved bit", clientFrame(2, Buffer.from("a"), 0xc0)],
  ["an unknown opcode", clientFrame(3, Buffer.from("a"))],
  ["a fragmented ping", clientFrame(9, Buffer.from("a"), 0)],
  ["a ping too long", clientFrame(9, Buffer.alloc(200))],
  ["a frame without bounds", Buffer.from([0x82, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0])],
])("%s is refused", (_name, bytes) => {
  expect([...new FrameParser().push(bytes)]).toEqual(["invalid"]);
});
