import type { Duplex } from "node:stream";

/**
 * Windows so large that a stream on the same machine rarely waits for an acknowledgement. The connection's own window stays
 * as it is: Bun 1.4.5 sends no more updates of a stream's once `setLocalWindowSize` was called.
 */
export const HTTP2_SETTINGS = { initialWindowSize: 4 * 1024 * 1024, maxFrameSize: 256 * 1024 } as const;

/** HTTP/2 has no use for half of a connection: who ends theirs has left, though the socket may stay half open. */
export function endWhole(connection: Duplex): void {
  connection.once("end", () => connection.destroy());
}
