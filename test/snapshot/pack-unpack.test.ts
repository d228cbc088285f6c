import { describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { nativePath } from "../../src/base/native.ts";
import { digestOf } from "../../src/image/digest.ts";
import { compress, exportTar, pack, unpack, unpackFile, usage } from "../../src/snapshot/archive.ts";
import { scratchDirectory } from "./scratch-directory.ts";
import { type Member, readTar, tar, tarStream } from "./tar-fixture.ts";

const LONG = `${"deep/".repeat(30)}${"n".repeat(120)}`;
/** cap_net_raw=ep in version 2 (linux/capability.h), in bytes that are also text. */
const CAPABILITY = Buffer.from("0100000200200000000000000000000000000000", "hex");

/** All kinds of members, in the order in which packing writes them. */
const MEMBERS: readonly Member[] = [
  { name: "a-dir/", type: "5", mode: 0o750, uid: 1000, gid: 50, mtime: 1_100_000_000 },
  { name: "a-dir/file", content: "hello\n", mode: 0o640, uid: 1000, gid: 50, mtime: 1_200_000_000 },
  { name: "a-dir/hard", type: "1", link: "a-dir/file", mode: 0o640, uid: 1000, gid: 50, mtime: 1_200_000_000 },
  { name: "big-owner", pax: { uid: "4000000000", gid: "3000000000" }, content: "x" },
  { name: "block", type: "4", mode: 0o660, gid: 6, major: 7, minor: 300 },
  { name: "capable", content: "program", mode: 0o755, pax: { "SCHILY.xattr.security.capability": CAPABILITY } },
  { name: "char", type: "3", mode: 0o666, major: 1, minor: 3 },
  { name: "empty" },
  { name: "fifo", type: "6", mode: 0o600 },
  { name: "link", type: "2", link: "../../anywhere/else", mode: 0o777, uid: 7, gid: 8 },
  { name: "marked", content: "m", pax: { "SCHILY.xattr.user.note": "a=b" } },
  { name: "naïve ñame", content: "utf-8" },
  { name: "sticky/", type: "5", mode: 0o1777 },
  { name: "suid", content: "#!", mode: 0o6755, uid: 5 },
];

function describeMembers(members: readonly Member[]): Promise<string[]> {
  return readTar(tar(...members));
}

describe("a layer's archive", () => {
  test("comes out of its directory as it went in: owners, modes, times, links, devices, attributes", async () => {
    using scratch = scratchDirectory();
    const into = join(scratch.path, "fs");
    mkdirSync(into);
    await unpack(tarStream(...MEMBERS), into, { blob: null, lower: [] });
    expect(lstatSync(join(into, "a-dir/file")).ino).toBe(lstatSync(join(into, "a-dir/hard")).ino);
    expect(lstatSync(join(into, "suid")).mode & 0o7777).toBe(0o6755);
    const blob = join(scratch.path, "blob");
    await pack(into, blob);
    expect(await readTar(readFileSync(blob))).toEqual(await describeMembers(MEMBERS));
  });

  test("keeps names and links of any length", async () => {
    using scratch = scratchDirectory();
    const into = join(scratch.path, "fs");
    mkdirSync(into);
    const members: Member[] = [
      { name: "x", pax: { path: LONG }, content: "deep" },
      { name: "l", type: "2", pax: { linkpath: LONG } },
    ];
    await unpack(tarStream(...members), into, { blob: null, lower: [] });
    expect(readFileSync(join(into, LONG), "utf8")).toBe("deep");
    expect(readlinkSync(join(into, "l"))).toBe(LONG);
    await pack(into, join(scratch.path, "blob"));
    const second = join(scratch.path, "second");
    mkdirSync(second);
    await unpackFile(join(scratch.path, "blob"), second, { lower: [] });
    expect(readFileSync(join(second, LONG), "utf8")).toBe("deep");
    expect(readlinkSync(join(second, "l"))).toBe(LONG);
  });

  test("is read by GNU tar as we wrote it", async () => {
    using scratch = scratchDirectory();
    const into = join(scratch.path, "fs");
    mkdirSync(into);
    await unpack(tarStream(...MEMBERS), into, { blob: null, lower: [] });
    const first = await pack(into, join(scratch.path, "blob"));
    const other = join(scratch.path, "other");
    mkdirSync(other);
    execFileSync("tar", ["-xpf", join(scratch.path, "blob"), "--xattrs", "--xattrs-include=*", "-C", other]);
    expect(await pack(other, join(scratch.path, "again"))).toEqual(first);
  });

  test.each(["v7", "ustar", "gnu", "pax"])("is read as GNU tar wrote it in the %s format", async (format) => {
    using scratch = scratchDirectory();
    const from = join(scratch.path, "from");
    mkdirSync(from);
    // What v7 can say.
    const members = MEMBERS.filter(({ name }) => /^(a-dir|empty|link|sticky|suid)/.test(name));
    await unpack(tarStream(...members), from, { blob: null, lower: [] });
    const first = await pack(from, join(scratch.path, "blob"));
    const archive = execFileSync("tar", ["-c", `--format=${format}`, "--numeric-owner", "-C", from, "."]);
    const into = join(scratch.path, "into");
    mkdirSync(into);
    await unpack(Readable.from([archive]), into, { blob: null, lower: [] });
    expect(await pack(into, join(scratch.path, "again"))).toEqual(first);
  });

  test.each([
    ["gnu", []],
    ["pax", ["--sparse-version=0.0"]],
    ["pax", ["--sparse-version=0.1"]],
    ["pax", ["--sparse-version=1.0"]],
  ])("gives back the holes of a sparse file (%s %p)", async (format, options) => {
    using scratch = scratchDirectory();
    const from = join(scratch.path, "from");
    mkdirSync(from);
    const size = 64 * 1024 * 1024;
    writeFileSync(join(from, "sparse"), "start");
    truncateSync(join(from, "sparse"), size);
    execFileSync("dd", [
      "if=/dev/urandom",
      `of=${from}/sparse`,
      "bs=64k",
      "seek=500",
      "count=3",
      "conv=notrunc",
      "status=none",
    ]);
    const archive = execFileSync("tar", ["-c", "--sparse", `--format=${format}`, ...options, "-C", from, "."]);
    const into = join(scratch.path, "into");
    mkdirSync(into);
    await unpack(Readable.from([archive]), into, { blob: null, lower: [] });
    execFileSync("cmp", [join(from, "sparse"), join(into, "sparse")]);
    expect(statSync(join(into, "sparse")).blocks * 512).toBeLessThan(1024 * 1024);

    // And of our own archive, read by us and by GNU tar.
    const { size: packed } = await pack(into, join(scratch.path, "blob"));
    expect(packed).toBeLessThan(1024 * 1024);
    const other = join(scratch.path, "other");
    mkdirSync(other);
    execFileSync("tar", ["-xf", join(scratch.path, "blob"), "-C", other]);
    execFileSync("cmp", [join(from, "sparse"), join(other, "sparse")]);
  });

  test("is the same bytes for the same files, whatever the order they were made in", async () => {
    using scratch = scratchDirectory();
    const digests = [];
    for (const order of [MEMBERS, MEMBERS.toReversed()]) {
      const into = join(scratch.path, `fs-${digests.length}`);
      mkdirSync(into);
      // A link cannot come before its target.
      const members = [...order].sort((a, b) => Number(a.type === "1") - Number(b.type === "1"));
      await unpack(tarStream(...members), into, { blob: null, lower: [] });
      digests.push(await pack(into, join(scratch.path, `blob-${digests.length}`)));
    }
    expect(digests[0]).toEqual(digests[1]);
  });

  test("of nothing is Docker's empty layer", async () => {
    using scratch = scratchDirectory();
    const empty = join(scratch.path, "fs");
    mkdirSync(empty);
    const { digest, size } = await pack(empty, join(scratch.path, "blob"));
    expect({ digest, size }).toEqual({
      digest: "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
      size: 1024,
    });
  });
});

describe("an archive may be packed", () => {
  const plain = tar({ name: "file", content: "content\n".repeat(10_000) });
  const cases: [name: string, packed: Buffer, compression: "none" | "gzip" | "zstd"][] = [
    ["plain", plain, "none"],
    ["gzip", gzipSync(plain), "gzip"],
    [
      "several gzip members",
      Buffer.concat([gzipSync(plain.subarray(0, 1000)), gzipSync(plain.subarray(1000))]),
      "gzip",
    ],
    ["zstd", zstdCompressSync(plain), "zstd"],
    [
      "several zstd frames",
      Buffer.concat([zstdCompressSync(plain.subarray(0, 1000)), zstdCompressSync(plain.subarray(1000))]),
      "zstd",
    ],
  ];
  test.each(cases)("%s: hashed as it came and inflated, stored as it came", async (_name, packed, compression) => {
    using scratch = scratchDirectory();
    const into = join(scratch.path, "fs");
    mkdirSync(into);
    const blob = join(scratch.path, "blob");
    expect(await unpack(Readable.from([packed]), into, { blob, lower: [] })).toEqual({
      blob: { digest: digestOf(packed), size: packed.length },
      compression,
      tar: { digest: digestOf(plain), size: plain.length },
      content: "content\n".length * 10_000,
    });
    expect(readFileSync(blob).equals(packed)).toBe(true);
    expect(readFileSync(join(into, "file"), "utf8")).toBe("content\n".repeat(10_000));
  });

  test.each(["xz", "bzip2"])("%s: stored inflated, for layers know no such compression", async (program) => {
    using scratch = scratchDirectory();
    const into = join(scratch.path, "fs");
    mkdirSync(into);
    const blob = join(scratch.path, "blob");
    const packed = execFileSync(program, ["-c"], { input: plain });
    const expected = { digest: digestOf(plain), size: plain.length };
    expect(await unpack(Readable.from([packed]), into, { blob, lower: [] })).toEqual({
      blob: expected,
      compression: "none",
      tar: expected,
      content: "content\n".length * 10_000,
    });
    expect(readFileSync(blob).equals(plain)).toBe(true);
  });
});

describe("marks of what is gone", () => {
  test("become overlayfs's own and names again", async () => {
    using scratch = scratchDirectory();
    const into = join(scratch.path, "fs");
    mkdirSync(into);
    const marks = { mode: 0o600, mtime: 0 };
    const members: Member[] = [
      { name: "dir/", type: "5" },
      { name: "dir/.wh..wh..opq", ...marks },
      { name: "dir/new", content: "n" },
      { name: ".wh.gone", ...marks },
    ];
    await unpack(tarStream(...members), into, { blob: null, lower: [] });
    const gone = lstatSync(join(into, "gone"));
    expect([gone.isCharacterDevice(), gone.rdev]).toEqual([true, 0]);
    await pack(into, join(scratch.path, "blob"));
    expect((await readTar(readFileSync(join(scratch.path, "blob")))).sort()).toEqual(
      (await describeMembers(members)).sort(),
    );
  });

  test("hide what lies below and leave what the same layer brings", async () => {
    using scratch = scratchDirectory();
    const lower = join(scratch.path, "1/fs");
    const upper = join(scratch.path, "2/fs");
    mkdirSync(lower, { recursive: true });
    mkdirSync(upper, { recursive: true });
    await unpack(
      tarStream(
        { name: "gone", content: "" },
        { name: "kept", content: "old" },
        { name: "replaced/", type: "5" },
        { name: "replaced/old", content: "" },
        { name: "opaque/", type: "5" },
        { name: "opaque/old", content: "" },
      ),
      lower,
      { blob: null, lower: [] },
    );
    await unpack(
      tarStream(
        { name: ".wh.gone" },
        { name: "kept", content: "new" },
        { name: ".wh.kept" },
        { name: ".wh.replaced" },
        { name: "replaced/", type: "5" },
        { name: "replaced/new", content: "" },
        { name: "opaque/new", content: "" },
        { name: "opaque/.wh..wh..opq" },
        { name: ".wh..wh.plnk/1.2", content: "AUFS" },
      ),
      upper,
      { blob: null, lower: [lower] },
    );
    const merged = { kind: "overlay", snapshots: scratch.path, lower: [2, 1], upper: null } as const;
    const names = (await readTar(exportTar(merged))).map((line) => line.split(" ")[0]);
    expect(names).toEqual(["kept", "opaque/", "opaque/new", "replaced/", "replaced/new"]);
  });
});

test("a directory that a layer only implies looks like the one below it", async () => {
  using scratch = scratchDirectory();
  const [lower, upper] = [join(scratch.path, "lower"), join(scratch.path, "upper")];
  mkdirSync(lower);
  mkdirSync(upper);
  const attributes = { mode: 0o2770, uid: 33, gid: 44, pax: { "SCHILY.xattr.user.a": "b" } };
  await unpack(tarStream({ name: "srv/", type: "5", ...attributes }), lower, { blob: null, lower: [] });
  await unpack(tarStream({ name: "srv/data/x", content: "x" }), upper, { blob: null, lower: [lower] });
  await pack(upper, join(scratch.path, "blob"));
  const expected = await describeMembers([{ name: "srv/", type: "5", ...attributes }]);
  expect((await readTar(readFileSync(join(scratch.path, "blob"))))[0]).toBe(expected[0]);
});

test("overlayfs's own attributes do not come out of an archive, nor into one", async () => {
  using scratch = scratchDirectory();
  const into = join(scratch.path, "fs");
  mkdirSync(into);
  const redirect = { "SCHILY.xattr.trusted.overlay.redirect": "/etc", "SCHILY.xattr.trusted.overlay.opaque": "y" };
  await unpack(tarStream({ name: "d/", type: "5", pax: redirect }), into, { blob: null, lower: [] });
  await pack(into, join(scratch.path, "blob"));
  expect(await readTar(readFileSync(join(scratch.path, "blob")))).toEqual(
    await describeMembers([{ name: "d/", type: "5" }]),
  );
});

test("an exported root has no time later than asked for", async () => {
  using scratch = scratchDirectory();
  writeFileSync(join(scratch.path, "old"), "");
  utimesSync(join(scratch.path, "old"), 500, 500);
  writeFileSync(join(scratch.path, "new"), "");
  const lines = await readTar(exportTar({ kind: "directory", path: scratch.path }, { newestSeconds: 1000 }));
  expect(lines.map((line) => line.split(" ")[4])).toEqual(["1000", "500"]);
});

test("a compressed archive is the same bytes on one processor and on all, and the archive again", async () => {
  using scratch = scratchDirectory();
  const plain = join(scratch.path, "plain");
  for (const content of [Buffer.alloc(0), Buffer.from("x".repeat(3_000_000)), randomBytes(1_500_000)]) {
    writeFileSync(plain, content);
    const [one, all] = [join(scratch.path, randomUUID()), join(scratch.path, randomUUID())];
    const { digest, size } = await compress(plain, all);
    const words = [nativePath("lighter-archive"), "compress", `--from=${plain}`, `--blob=${one}`];
    // Descriptor 3 is where it answers.
    execFileSync("sh", ["-c", 'exec taskset -c 0 "$@" 3>/dev/null', "sh", ...words]);
    expect(readFileSync(one).equals(readFileSync(all))).toBe(true);
    expect<[string, number]>([digestOf(readFileSync(all)), statSync(all).size]).toEqual([digest, size]);
    // By the system's own gzip, and so as others read members that follow each other.
    const inflated = execFileSync("gzip", ["-dc", all], { maxBuffer: content.length + 1 });
    expect(inflated.equals(content)).toBe(true);
  }
});

test("a layer weighs what its directory weighs, whichever way it came", async () => {
  using scratch = scratchDirectory();
  const into = join(scratch.path, "fs");
  mkdirSync(into);
  const { content } = await unpack(tarStream(...MEMBERS), into, { blob: null, lower: [] });
  expect(content).toBeGreaterThan(0);
  expect(content).toBe(await usage(into));
  expect((await pack(into, join(scratch.path, "blob"))).content).toBe(content);
});
