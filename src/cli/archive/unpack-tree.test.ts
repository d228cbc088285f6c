import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Header, pack } from "tar-stream";
import { packTree } from "../../client/pack-tree.ts";
import { bytesOf } from "../../client/stream-bytes.ts";
import { unpackTree } from "./unpack-tree.ts";

let directory: string;
let target: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "unpack-"));
  target = join(directory, "target");
});
afterEach(() => rmSync(directory, { recursive: true }));

type Entry = Partial<Header> & { readonly name: string; readonly content?: string };

function archive(...entries: readonly Entry[]): AsyncIterable<Uint8Array> {
  const writer = pack();
  for (const { content, ...header } of entries) writer.entry({ mtime: new Date(0), ...header }, content ?? "");
  writer.finalize();
  return bytesOf(writer);
}

function unpack(...entries: readonly Entry[]): Promise<void> {
  return unpackTree(archive(...entries), target, { keepOwners: false });
}

test("the top of the archive becomes the target, whatever its name", async () => {
  await unpack(
    { name: "etc/", type: "directory", mode: 0o750 },
    { name: "etc/a", content: "1", mode: 0o640 },
    { name: "etc/sub/", type: "directory" },
    { name: "etc/sub/link", type: "symlink", linkname: "../a" },
    { name: "etc/hard", type: "link", linkname: "etc/a" },
  );
  expect(readdirSync(target).sort()).toEqual(["a", "hard", "sub"]);
  expect(lstatSync(target).mode & 0o7777).toBe(0o750);
  expect(lstatSync(join(target, "a")).mode & 0o7777).toBe(0o640);
  expect(readlinkSync(join(target, "sub/link"))).toBe("../a");
  expect(lstatSync(join(target, "hard")).ino).toBe(lstatSync(join(target, "a")).ino);
});

test("a single file becomes the target, in place of one that was there", async () => {
  writeFileSync(target, "old");
  await unpack({ name: "passwd", content: "new" });
  expect(readFileSync(target, "utf8")).toBe("new");
});

test("a directory's content rooted at a dot goes into the target", async () => {
  await unpack({ name: "./", type: "directory" }, { name: "./a", content: "1" }, { name: "./sub/", type: "directory" });
  expect(readdirSync(target).sort()).toEqual(["a", "sub"]);
});

test("a directory that is read-only is filled all the same", async () => {
  await unpack({ name: "d/", type: "directory", mode: 0o555 }, { name: "d/a", content: "1" });
  expect(readFileSync(join(target, "a"), "utf8")).toBe("1");
  expect(lstatSync(target).mode & 0o777).toBe(0o555);
});

const hostile: readonly [name: string, entries: Entry[], message: string][] = [
  ["a name that climbs out", [{ name: "d/../../evil", content: "x" }], "would leave the target directory"],
  ["an absolute name", [{ name: "/evil", content: "x" }], "would leave the target directory"],
  [
    "a file through the archive's own link",
    [
      { name: "d/", type: "directory" },
      { name: "d/out", type: "symlink", linkname: ".." },
      { name: "d/out/evil", content: "x" },
    ],
    "through the symbolic link",
  ],
  [
    "a hard link to what is outside",
    [
      { name: "d/", type: "directory" },
      { name: "d/evil", type: "link", linkname: "d/../../secret" },
    ],
    "would leave the target directory",
  ],
  [
    "a hard link through the archive's own link",
    [
      { name: "d/", type: "directory" },
      { name: "d/out", type: "symlink", linkname: ".." },
      { name: "d/evil", type: "link", linkname: "d/out/secret" },
    ],
    "through the symbolic link",
  ],
  [
    "a file in place of a directory",
    [
      { name: "d/", type: "directory" },
      { name: "d/sub/", type: "directory" },
      { name: "d/sub", content: "x" },
    ],
    "cannot overwrite directory",
  ],
  ["a device", [{ name: "d", type: "character-device", devmajor: 1, devminor: 3 }], "can only be copied as an archive"],
];

test.each(hostile)("%s is refused (CVE-2019-14271, CVE-2018-15664)", async (_name, entries, message) => {
  writeFileSync(join(directory, "secret"), "s");
  await expect(unpack(...entries)).rejects.toThrow(message);
  expect(existsSync(join(directory, "evil"))).toBe(false);
});

test("a link that was there before is not followed", async () => {
  mkdirSync(target);
  symlinkSync("..", join(target, "out"));
  await expect(unpack({ name: "d/out/evil", content: "x" })).rejects.toThrow("through the symbolic link");
  expect(existsSync(join(directory, "evil"))).toBe(false);
});

test("what was packed comes out the same", async () => {
  const source = join(directory, "source");
  mkdirSync(join(source, "sub"), { recursive: true });
  writeFileSync(join(source, "sub/file"), "x".repeat(300_000), { mode: 0o755 });
  writeFileSync(join(source, `${"n".repeat(200)}`), "long");
  symlinkSync("sub/file", join(source, "link"));
  await unpackTree(packTree(source, { rootName: "anything" }), target, { keepOwners: true });
  expect(readdirSync(target, { recursive: true }).sort()).toEqual(readdirSync(source, { recursive: true }).sort());
  expect(readFileSync(join(target, "link"), "utf8")).toBe("x".repeat(300_000));
  expect(lstatSync(join(target, "sub/file")).mode & 0o777).toBe(0o755);
});
