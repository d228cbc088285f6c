import { dlopen, FFIType } from "bun:ffi";

/** Longer than struct termios of any C library. */
const TERMIOS_BYTES = 256;
const TCSANOW = 0;

/**
 * Puts a terminal into raw mode as cfmakeraw(3) and returns how to undo it. The runtime's own setRawMode leaves output
 * processing on (ONLCR), which breaks full-screen programs in the container: their line feeds would return the carriage.
 */
export function enterRawMode(descriptor: number): () => void {
  // The runtime itself is linked with this library, so it is there.
  const { symbols } = dlopen("libc.so.6", {
    tcgetattr: { args: [FFIType.i32, FFIType.ptr], returns: FFIType.i32 },
    tcsetattr: { args: [FFIType.i32, FFIType.i32, FFIType.ptr], returns: FFIType.i32 },
    cfmakeraw: { args: [FFIType.ptr], returns: FFIType.void },
  });
  const before = new Uint8Array(TERMIOS_BYTES);
  if (symbols.tcgetattr(descriptor, before) !== 0) throw new Error("cannot read the terminal's settings");
  const raw = before.slice();
  symbols.cfmakeraw(raw);
  if (symbols.tcsetattr(descriptor, TCSANOW, raw) !== 0) throw new Error("cannot put the terminal into raw mode");
  return () => {
    symbols.tcsetattr(descriptor, TCSANOW, before);
  };
}
