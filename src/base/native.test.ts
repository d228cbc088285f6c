import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unpackProgram } from "./native.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "native-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const script = (text: string) => new TextEncoder().encode(`#!/bin/sh\necho ${text}\n`);

test("a program written out can be executed, and only by its owner", () => {
  const path = unpackProgram(script("hello"), "lighter-x", join(directory, "bin"));
  expect(Bun.spawnSync([path]).stdout.toString()).toBe("hello\n");
  expect(statSync(path).mode & 0o777).toBe(0o500);
});

test("the same program is written once, another version goes beside it", () => {
  const first = unpackProgram(script("one"), "lighter-x", directory);
  const inode = statSync(first).ino;
  expect(unpackProgram(script("one"), "lighter-x", directory)).toBe(first);
  expect(statSync(first).ino).toBe(inode);
  expect(unpackProgram(script("two"), "lighter-x", directory)).not.toBe(first);
  expect(readdirSync(directory)).toHaveLength(2);
});

test("a directory that cannot be made is named", () => {
  expect(() => unpackProgram(script("x"), "lighter-x", "/proc/nowhere/bin")).toThrow(
    /cannot write \/proc\/nowhere\/bin/,
  );
});
