import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { LighterError } from "../../base/errors.ts";
import { createTarReader, isTarHeader, type TarEntry } from "./tar-entries.ts";

/** Reads an archive in pieces of a size, as a network gives them. */
function readAll(bytes: Uint8Array, pieceBytes: number): { entry: TarEntry; content: string }[] {
  const found: { entry: TarEntry; content: string }[] = [];
  let entry: TarEntry | null = null;
  let content: Uint8Array[] = [];
  const reader = createTarReader({
    onEntry: (next) => {
      entry = next;
      content = [];
    },
    onContent: (piece) => content.push(new Uint8Array(piece)),
    onEnd: () => {
      if (entry) found.push({ entry, content: Buffer.concat(content).toString() });
    },
  });
  for (let at = 0; at < bytes.length; at += pieceBytes) reader.push(bytes.subarray(at, at + pieceBytes));
  reader.finish();
  return found;
}

/** A real archive by GNU tar of a small tree. */
function archive(format: string): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), "lighter-tar-"));
  try {
    const script = `mkdir -p d/e ${"l".repeat(120)}/${"m".repeat(120)}; printf one > d/a; printf ${"x".repeat(700)} > d/e/b
      ln -s ../a d/e/link; ln d/a d/hard; : > d/empty; chmod 4750 d/a; printf 2 > ${"l".repeat(120)}/${"m".repeat(120)}/ä`;
    spawnSync("sh", ["-c", script], { cwd: directory });
    return spawnSync("tar", [`--format=${format}`, "--sort=name", "-c", "."], { cwd: directory }).stdout;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe("an archive by GNU tar", () => {
  for (const format of ["gnu", "pax"]) {
    for (const pieceBytes of [1, 511, 512, 65_536]) {
      test(`of format ${format} in pieces of ${pieceBytes}`, () => {
        const bytes = archive(format);
        const found = new Map(readAll(bytes, pieceBytes).map((item) => [item.entry.name, item]));
        const summary = [...found.values()].map(({ entry, content }) => [entry.name, entry.kind, content.length]);
        const long = `./${"l".repeat(120)}/`;
        expect(summary).toEqual([
          ["./", "directory", 0],
          ["./d/", "directory", 0],
          ["./d/a", "file", 3],
          ["./d/e/", "directory", 0],
          ["./d/e/b", "file", 700],
          ["./d/e/link", "symlink", 0],
          ["./d/empty", "file", 0],
          ["./d/hard", "hardlink", 0],
          [long, "directory", 0],
          [`${long}${"m".repeat(120)}/`, "directory", 0],
          [`${long}${"m".repeat(120)}/ä`, "file", 1],
        ]);
        expect(found.get("./d/a")?.entry.mode).toBe(0o4750);
        expect(found.get("./d/e/link")?.entry.linkName).toBe("../a");
        expect(found.get("./d/hard")?.entry.linkName).toBe("./d/a");
        for (const { entry, content } of found.values()) {
          const stored = bytes.subarray(entry.contentStart, entry.contentStart + entry.size);
          expect(Buffer.from(stored).toString()).toBe(content);
          expect(isTarHeader(bytes.subarray(entry.start))).toBe(true);
          expect(entry.end % 512).toBe(0);
        }
      });
    }
  }
});

test("an archive that breaks off, and what is none, are refused", () => {
  const bytes = archive("gnu");
  const inContent = readAll(bytes, 512).find(({ entry }) => entry.size === 700)?.entry.contentStart ?? 0;
  expect(() => readAll(bytes.subarray(0, inContent + 100), 512)).toThrow("unexpected EOF");
  expect(() => readAll(bytes.subarray(0, inContent - 100), 512)).toThrow("unexpected EOF");
  expect(() => readAll(Buffer.from("hello ".repeat(200)), 512)).toThrow("invalid tar header");
  expect(readAll(new Uint8Array(1024), 512)).toEqual([]);
});

test("damaged bytes end in entries or a refusal", () => {
  const bytes = archive("pax");
  const damage = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 8 });
  fc.assert(
    fc.property(damage, fc.boolean(), (changes, repair) => {
      const damaged = new Uint8Array(bytes);
      for (const [at, value] of changes) damaged[at] = value;
      if (repair) for (let at = 0; at + 512 <= damaged.length; at += 512) writeChecksum(damaged.subarray(at, at + 512));
      try {
        readAll(damaged, 4096);
      } catch (error) {
        expect(error).toBeInstanceOf(LighterError);
      }
    }),
    { numRuns: 300, interruptAfterTimeLimit: 3000 },
  );
});

/** So that damage gets past the checksum, into what it protects. */
function writeChecksum(block: Uint8Array): void {
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
}
