/** Octal digits that fit into a size field; larger files are written in GNU's base 256. */
const OCTAL_SIZE_LIMIT = 8 ** 11;

const BLOCK_BYTES = 512;

/**
 * A ustar header (POSIX.1-2017, pax) for an archive that we compose of files that are there already. Owner root, time
 * zero: the same files give the same archive.
 * @param name at most 100 bytes; a directory's ends with a slash.
 */
export function tarHeader(name: string, sizeBytes: number): Buffer {
  const isDirectory = name.endsWith("/");
  const header = Buffer.alloc(BLOCK_BYTES);
  header.write(name, 0, 100);
  header.write(isDirectory ? "0000755\0" : "0000644\0", 100);
  header.write("0000000\0".repeat(2), 108);
  if (sizeBytes < OCTAL_SIZE_LIMIT) {
    header.write(`${sizeBytes.toString(8).padStart(11, "0")}\0`, 124);
  } else {
    header.writeUInt8(0x80, 124);
    header.writeBigUInt64BE(BigInt(sizeBytes), 128);
  }
  header.write(`${"0".repeat(11)}\0`, 136);
  header.write(" ".repeat(8), 148);
  header.write(isDirectory ? "5" : "0", 156);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

/** The zeros that fill a file's last block. */
export function tarPadding(sizeBytes: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** What ends an archive: two blocks of zeros. */
export const TAR_END = Buffer.alloc(2 * BLOCK_BYTES);
