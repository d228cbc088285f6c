/**
 * The streams of Docker's multiplexed format (Engine API, "Stream format" of ContainerAttach), and Lighter's own: how the
 * process ended, a JSON document that comes last on the connections of `/lighter/containers/`.
 */
export const STDCOPY_STREAM = { stdin: 0, stdout: 1, stderr: 2, systemError: 3, result: 4 } as const;

/** One frame: stream number, three zero bytes, the length in big endian, then the payload. */
export function stdcopyFrame(stream: 1 | 2 | 4, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(8 + payload.length);
  frame.writeUInt32BE(stream << 24, 0);
  frame.writeUInt32BE(payload.length, 4);
  frame.set(payload, 8);
  return frame;
}
