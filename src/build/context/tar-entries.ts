import { fail } from "../../base/errors.ts";

/** One member of a tar archive, and where it lies in it. Offsets and sizes in bytes. */
export interface TarEntry {
  readonly name: string;
  readonly kind: "file" | "directory" | "symlink" | "hardlink" | "other";
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly linkName: string;
  readonly size: number;
  /** Of the first header that belongs to it: extensions come before the entry's own. */
  readonly start: number;
  readonly contentStart: number;
  /** Behind the padding. */
  readonly end: number;
}

export interface TarReader {
  /** Takes the next bytes of the archive. `onContent` gets each piece of a file's content in order. */
  push(bytes: Uint8Array): void;
  /** @throws invalid where the archive broke off. */
  finish(): void;
}

export interface TarListener {
  /** A header is complete; the content of a file follows. */
  readonly onEntry: (entry: TarEntry) => void;
  readonly onContent: (bytes: Uint8Array) => void;
  /** The content is complete, empty or not. */
  readonly onEnd: () => void;
}

const BLOCK = 512;
/** Names in extension headers; what is longer is an attack. */
const MAX_EXTENSION_BYTES = 1024 * 1024;

type State =
  | { readonly phase: "header" }
  | { readonly phase: "extension"; readonly type: string; readonly size: number }
  | { readonly phase: "content"; left: number; padding: number }
  | { readonly phase: "padding"; left: number }
  | { readonly phase: "done" };

/**
 * Reads tar's headers as they stream by: ustar, pax (POSIX.1-2001: path, linkpath, size) and GNU's long names. Nothing is
 * kept but one header. @throws invalid for what is no tar archive.
 */
export function createTarReader(listener: TarListener): TarReader {
  let state: State = { phase: "header" };
  let offset = 0;
  let start: number | null = null;
  let pending = new Uint8Array(0);
  let overrides = new Map<string, string>();
  let globals = new Map<string, string>();

  function push(bytes: Uint8Array): void {
    let rest: Uint8Array = bytes;
    while (rest.length) {
      switch (state.phase) {
        case "header":
        case "extension": {
          const wanted = state.phase === "header" ? BLOCK : padded(state.size);
          const taken = rest.subarray(0, wanted - pending.length);
          const all: Uint8Array = pending.length ? concat(pending, taken) : taken;
          rest = rest.subarray(taken.length);
          offset += taken.length;
          if (all.length < wanted) {
            // Copied: the caller may use its buffer again.
            pending = new Uint8Array(all);
            break;
          }
          pending = new Uint8Array(0);
          state = state.phase === "header" ? readHeader(all) : readExtension(state.type, all.subarray(0, state.size));
          break;
        }
        case "content": {
          const content = rest.subarray(0, state.left);
          rest = rest.subarray(content.length);
          offset += content.length;
          listener.onContent(content);
          state.left -= content.length;
          if (state.left === 0) state = endOfContent(state.padding);
          break;
        }
        case "padding": {
          const skipped = Math.min(rest.length, state.left);
          rest = rest.subarray(skipped);
          offset += skipped;
          state.left -= skipped;
          if (state.left === 0) state = { phase: "header" };
          break;
        }
        case "done":
          return;
      }
    }
  }

  function readHeader(block: Uint8Array): State {
    start ??= offset - BLOCK;
    if (block.every((byte) => byte === 0)) return { phase: "done" };
    if (!hasRightChecksum(block)) fail("invalid", "CONTEXT_NOT_TAR", "archive/tar: invalid tar header");
    const type = String.fromCharCode(block[156] ?? 0);
    const size = readNumber(block, 124, 12);
    if (type === "x" || type === "g" || type === "L" || type === "K") {
      if (size > MAX_EXTENSION_BYTES) fail("invalid", "CONTEXT_NOT_TAR", "archive/tar: header field too long");
      return size === 0 ? { phase: "header" } : { phase: "extension", type, size };
    }
    return beginEntry(block, type, size);
  }

  function readExtension(type: string, bytes: Uint8Array): State {
    if (type === "L") overrides.set("path", readText(bytes, 0, bytes.length));
    else if (type === "K") overrides.set("linkpath", readText(bytes, 0, bytes.length));
    else if (type === "g") globals = new Map([...globals, ...readPaxRecords(bytes)]);
    else overrides = new Map([...overrides, ...readPaxRecords(bytes)]);
    return { phase: "header" };
  }

  function beginEntry(block: Uint8Array, type: string, headerSize: number): State {
    const override = (key: string) => overrides.get(key) ?? globals.get(key);
    const paxSize = override("size");
    if (paxSize !== undefined && !/^\d{1,15}$/.test(paxSize)) {
      fail("invalid", "CONTEXT_NOT_TAR", "archive/tar: invalid tar header: its size is no number");
    }
    const name = override("path") ?? ustarName(block);
    const kind = kindOf(type, name);
    // Only files have content, whatever a header says of a directory's size.
    const size = kind === "file" || kind === "other" ? Number(paxSize ?? headerSize) : 0;
    listener.onEntry({
      name,
      kind,
      mode: readNumber(block, 100, 8) & 0o7777,
      linkName: override("linkpath") ?? readText(block, 157, 100),
      size,
      start: start ?? 0,
      contentStart: offset,
      end: offset + padded(size),
    });
    start = null;
    overrides = new Map();
    return size === 0 ? endOfContent(0) : { phase: "content", left: size, padding: padded(size) - size };
  }

  function endOfContent(padding: number): State {
    listener.onEnd();
    return padding === 0 ? { phase: "header" } : { phase: "padding", left: padding };
  }

  function finish(): void {
    // Archives without the two empty blocks at their end exist and are whole.
    const isWhole = state.phase === "done" || (state.phase === "header" && !pending.length && start === null);
    if (!isWhole)
      fail("invalid", "CONTEXT_TRUNCATED", "unexpected EOF: the build context ends in the middle of an entry");
  }

  return { push, finish };
}

/** Whether a file begins like a tar archive. */
export function isTarHeader(block: Uint8Array): boolean {
  return block.length >= BLOCK && block[0] !== 0 && hasRightChecksum(block.subarray(0, BLOCK));
}

function kindOf(type: string, name: string): TarEntry["kind"] {
  switch (type) {
    case "0":
    case "\0":
    case "7":
      // Before POSIX a directory was a file whose name ends in a slash.
      return name.endsWith("/") ? "directory" : "file";
    case "1":
      return "hardlink";
    case "2":
      return "symlink";
    case "5":
      return "directory";
    default:
      return "other";
  }
}

function ustarName(block: Uint8Array): string {
  const name = readText(block, 0, 100);
  const prefix = readText(block, 257, 6) === "ustar" && block[262] === 0 ? readText(block, 345, 155) : "";
  return prefix ? `${prefix}/${name}` : name;
}

function readText(block: Uint8Array, at: number, length: number): string {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

/** Octal digits, or GNU's base 256 where the first bit is set. */
function readNumber(block: Uint8Array, at: number, length: number): number {
  const field = block.subarray(at, at + length);
  if ((field[0] ?? 0) & 0x80) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, (field[0] ?? 0) & 0x7f);
    return Number.isSafeInteger(value) ? value : fail("invalid", "CONTEXT_NOT_TAR", "archive/tar: invalid tar header");
  }
  const digits = readText(block, at, length).trim();
  if (!/^[0-7]*$/.test(digits)) fail("invalid", "CONTEXT_NOT_TAR", "archive/tar: invalid tar header");
  return digits ? Number.parseInt(digits, 8) : 0;
}

/** `<length> <key>=<value>\n`, the length counting itself, in bytes. */
function readPaxRecords(bytes: Uint8Array): Map<string, string> {
  const records = new Map<string, string>();
  const decoder = new TextDecoder();
  let at = 0;
  while (at < bytes.length) {
    const blank = bytes.indexOf(0x20, at);
    const length = blank < 0 ? Number.NaN : Number(decoder.decode(bytes.subarray(at, blank)));
    const equals = bytes.indexOf(0x3d, blank);
    const end = at + length;
    if (!Number.isInteger(length) || equals < 0 || equals >= end || end > bytes.length) {
      fail("invalid", "CONTEXT_NOT_TAR", "archive/tar: invalid tar header: a broken extended record");
    }
    records.set(decoder.decode(bytes.subarray(blank + 1, equals)), decoder.decode(bytes.subarray(equals + 1, end - 1)));
    at = end;
  }
  return records;
}

/** The sum of all bytes, those of the checksum itself counted as blanks. */
function hasRightChecksum(block: Uint8Array): boolean {
  let sum = 0;
  for (let at = 0; at < BLOCK; at++) sum += at >= 148 && at < 156 ? 0x20 : (block[at] ?? 0);
  const digits = readText(block, 148, 8).trim();
  return /^[0-7]+$/.test(digits) && Number.parseInt(digits, 8) === sum;
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
