import { readFileSync } from "node:fs";

/** Offsets of ELF-64 (System V ABI, "ELF Header", "Program Header"). */
const PROGRAM_HEADERS_OFFSET = 32;
const PROGRAM_HEADER_SIZE = 54;
const PROGRAM_HEADER_COUNT = 56;
const PT_INTERP = 3;

/** Whether a program needs a dynamic loader, and so other files than itself. What is no ELF file does not. */
export function hasInterpreter(path: string): boolean {
  const file = readFileSync(path);
  const is64 = file.length > 64 && file.readUInt32BE(0) === 0x7f454c46 && file[4] === 2;
  if (!is64) return false;
  const start = Number(file.readBigUInt64LE(PROGRAM_HEADERS_OFFSET));
  const size = file.readUInt16LE(PROGRAM_HEADER_SIZE);
  const count = file.readUInt16LE(PROGRAM_HEADER_COUNT);
  for (let index = 0; index < count; index++) {
    const at = start + index * size;
    if (at + 4 <= file.length && file.readUInt32LE(at) === PT_INTERP) return true;
  }
  return false;
}
