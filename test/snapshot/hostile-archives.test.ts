import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { LighterError } from "../../src/base/errors.ts";
import { copyIn, spool, unpack } from "../../src/snapshot/archive.ts";
import { scratchDirectory } from "./scratch-directory.ts";
import { type Member, tar } from "./tar-fixture.ts";

/** What is beside the root that is unpacked into; no archive may touch it. */
const SECRET = "outside";

const scratch = scratchDirectory();
afterAll(() => scratch[Symbol.dispose]());
let count = 0;

/** Unpacks into a fresh root in every way there is, and returns the root. */
async function unpackInto(archive: Buffer): Promise<string> {
  const place = join(scratch.path, String(count++));
  const root = join(place, "root");
  mkdirSync(root, { recursive: true });
  writeFileSync(join(place, "secret"), SECRET);
  await unpack(Readable.from([archive]), root, { blob: null, lower: [] });
  return root;
}

/** What stands beside the last root: nothing but the secret, as it was. */
function expectUntouched(): void {
  const place = join(scratch.path, String(count - 1));
  expect(readdirSync(place).sort()).toEqual(["root", "secret"]);
  expect(readFileSync(join(place, "secret"), "utf8")).toBe(SECRET);
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (error) {
    if (!(error instanceof LighterError)) throw error;
    return `${error.kind} ${error.code}`;
  }
}

describe("an archive that wants to leave its root is refused", () => {
  const cases: [name: string, members: Member[], code: string][] = [
    ["by a name", [{ name: "../secret", content: "x" }], "invalid ARCHIVE_UNSAFE_NAME"],
    ["by a name from inside", [{ name: "a/../../secret", content: "x" }], "invalid ARCHIVE_UNSAFE_NAME"],
    ["by a long name", [{ name: "x", pax: { path: "../secret" }, content: "x" }], "invalid ARCHIVE_UNSAFE_NAME"],
    ["by a hard link", [{ name: "x", type: "1", link: "../secret" }], "invalid ARCHIVE_UNSAFE_NAME"],
    ["by a whiteout of the parent", [{ name: "a/.wh..." }], "invalid ARCHIVE_UNSAFE_NAME"],
    ["by a whiteout of itself", [{ name: "a/.wh.." }], "invalid ARCHIVE_UNSAFE_NAME"],
    ["by a hard link to what is not in it", [{ name: "x", type: "1", link: "etc/passwd" }], "not-found ARCHIVE_ENOENT"],
  ];
  test.each(cases)("%s", async (_name, members, code) => {
    expect(await codeOf(unpackInto(tar(...members)))).toBe(code);
    expectUntouched();
  });
});

describe("an archive's links lead nowhere outside", () => {
  test("a file below an absolute link ends inside (CVE-2019-14271's class)", async () => {
    const archive = tar({ name: "out", type: "2", link: "/" }, { name: "out/etc/x", content: "inside" });
    const root = await unpackInto(archive);
    expect(readFileSync(join(root, "etc/x"), "utf8")).toBe("inside");
    expectUntouched();
  });

  test("a file below a relative link out ends inside", async () => {
    const archive = tar({ name: "out", type: "2", link: "../../.." }, { name: "out/secret", content: "inside" });
    const root = await unpackInto(archive);
    expect(readFileSync(join(root, "secret"), "utf8")).toBe("inside");
    expectUntouched();
  });

  test("a directory that becomes a link in the same archive does not lead out", async () => {
    const archive = tar(
      { name: "d/", type: "5" },
      { name: "d/first", content: "" },
      { name: "d", type: "2", link: "../" },
      { name: "d/secret", content: "inside" },
    );
    const root = await unpackInto(archive);
    expect(readFileSync(join(root, "secret"), "utf8")).toBe("inside");
    expectUntouched();
  });

  test("a file takes a link's place and is not written through it", async () => {
    const archive = tar({ name: "x", type: "2", link: "../secret" }, { name: "x", content: "mine" });
    const root = await unpackInto(archive);
    expect(readFileSync(join(root, "x"), "utf8")).toBe("mine");
    expectUntouched();
  });

  test("a hard link to a link is one more link, not what it leads to", async () => {
    const archive = tar({ name: "x", type: "2", link: "../secret" }, { name: "y", type: "1", link: "x" });
    const root = await unpackInto(archive);
    expect(readlinkSync(join(root, "y"))).toBe("../secret");
  });

  test("a link's target inside it is not written by an attribute of the link", async () => {
    const archive = tar(
      { name: "t", content: "t", mode: 0o600 },
      { name: "l", type: "2", link: "t", mode: 0o777, pax: { "SCHILY.xattr.user.x": "y" } },
    );
    const root = await unpackInto(archive);
    expect(readlinkSync(join(root, "l"))).toBe("t");
  });

  test("copying into a root follows its links inside", async () => {
    const root = await unpackInto(tar({ name: "etc", type: "2", link: "/../../.." }));
    const archive = Readable.from([tar({ name: "secret", content: "inside" })]);
    await copyIn({ kind: "directory", path: root }, "/etc", archive, { keepKind: false, owner: null });
    expect(readFileSync(join(root, "secret"), "utf8")).toBe("inside");
    expectUntouched();
  });
});

describe("what is no archive is refused with its reason", () => {
  const good = tar({ name: "file", content: "c".repeat(2000) }, { name: "dir/", type: "5" });
  const size = (text: string) => Buffer.from(text.padEnd(12, "\0"), "latin1");
  const cases: [name: string, archive: Buffer, code: string][] = [
    ["text", Buffer.from("this is not an archive, ".repeat(100)), "invalid ARCHIVE_NOT_TAR"],
    ["a zip file", Buffer.from(`PK\x05\x06${"\0".repeat(18)}`.padEnd(1024, "\0")), "invalid ARCHIVE_NOT_TAR"],
    ["a few bytes", Buffer.from("hi"), "invalid ARCHIVE_TRUNCATED"],
    ["an end inside a header", good.subarray(0, 300), "invalid ARCHIVE_TRUNCATED"],
    ["an end inside a file", good.subarray(0, 1000), "invalid ARCHIVE_TRUNCATED"],
    ["an end inside gzip", gzipSync(good).subarray(0, 60), "invalid ARCHIVE_TRUNCATED"],
    ["an end inside zstd", zstdCompressSync(good).subarray(0, 30), "invalid ARCHIVE_TRUNCATED"],
    ["gzip of text", gzipSync("no archive".repeat(100)), "invalid ARCHIVE_NOT_TAR"],
    ["damaged gzip", damaged(gzipSync(good)), "invalid ARCHIVE_CORRUPT"],
    ["a checksum that is wrong", damaged(good), "invalid ARCHIVE_NOT_TAR"],
    ["a negative size", tar({ name: "x", sizeField: Buffer.alloc(12, 0xff) }), "invalid ARCHIVE_TOO_LARGE"],
    [
      "a size of 96 bits",
      tar({ name: "x", sizeField: Buffer.concat([Buffer.of(0x80), Buffer.alloc(11, 0xff)]) }),
      "invalid ARCHIVE_TOO_LARGE",
    ],
    ["a size beyond its end", tar({ name: "x", sizeField: size("77777777777") }), "invalid ARCHIVE_TRUNCATED"],
    ["a size that is no number", tar({ name: "x", sizeField: size("12x4567") }), "invalid ARCHIVE_NOT_TAR"],
    [
      "an extended header of 8 GiB",
      tar({ name: "p", type: "x", sizeField: size("77777777777") }),
      "invalid ARCHIVE_TOO_LARGE",
    ],
    [
      "a record longer than its header",
      tar({ name: "p", type: "x", content: "999 path=x\n" }),
      "invalid ARCHIVE_NOT_TAR",
    ],
    ["a record without a key", tar({ name: "p", type: "x", content: "8 path\n\n\n" }), "invalid ARCHIVE_NOT_TAR"],
    ["a record shorter than itself", tar({ name: "p", type: "x", content: "0 a=b\n" }), "invalid ARCHIVE_NOT_TAR"],
    ["a zero byte inside a name", tar({ name: "x", pax: { path: "a\0/../b" } }), "invalid ARCHIVE_NOT_TAR"],
    ["a name of 5000 bytes", tar({ name: "x", pax: { path: "a/".repeat(2500) } }), "invalid ARCHIVE_TOO_LARGE"],
    ["an owner beyond 32 bits", tar({ name: "x", pax: { uid: "99999999999" } }), "invalid ARCHIVE_TOO_LARGE"],
    ["a member of unknown type", tar({ name: "x", type: "Q" }), "invalid ARCHIVE_UNSUPPORTED"],
    [
      "sparse regions that overlap",
      tar({ name: "x", content: "ab", pax: { "GNU.sparse.size": "9", "GNU.sparse.map": "4,1,4,1" } }),
      "invalid ARCHIVE_NOT_TAR",
    ],
    [
      "a sparse region beyond the file",
      tar({ name: "x", content: "ab", pax: { "GNU.sparse.size": "3", "GNU.sparse.map": "2,2" } }),
      "invalid ARCHIVE_NOT_TAR",
    ],
    [
      "a sparse region that overflows",
      tar({ name: "x", pax: { "GNU.sparse.size": "9", "GNU.sparse.map": "9223372036854775807,9223372036854775807" } }),
      "invalid ARCHIVE_TOO_LARGE",
    ],
    [
      "a sparse map that never ends",
      tar({ name: "x", content: "9999999\n", pax: { "GNU.sparse.major": "1", "GNU.sparse.realsize": "9" } }),
      "invalid ARCHIVE_TRUNCATED",
    ],
  ];
  test.each(cases)("%s", async (_name, archive, code) => {
    expect(await codeOf(unpackInto(archive))).toBe(code);
  });

  test("nothing at all is an archive of nothing, as in Docker", async () => {
    expect(readdirSync(await unpackInto(Buffer.alloc(0)))).toEqual([]);
  });
});

test("a directory is not replaced by a file where that is forbidden, nor the reverse", async () => {
  const root = await unpackInto(tar({ name: "dir/", type: "5" }, { name: "file", content: "" }));
  const access = { kind: "directory", path: root } as const;
  const into = (member: Member, keepKind: boolean) =>
    codeOf(copyIn(access, "/", Readable.from([tar(member)]), { keepKind, owner: null }));
  expect(await into({ name: "dir", content: "" }, true)).toBe("invalid ARCHIVE_FILE_OVER_DIRECTORY");
  expect(await into({ name: "file/", type: "5" }, true)).toBe("invalid ARCHIVE_DIRECTORY_OVER_FILE");
  expect(await into({ name: "dir", content: "" }, false)).toBe("none");
  expect(await into({ name: "file/", type: "5" }, false)).toBe("none");
});

test("an archive of blobs cannot name a place outside", async () => {
  const place = join(scratch.path, "spool");
  mkdirSync(place);
  expect(await codeOf(spool(Readable.from([tar({ name: "../x", content: "" })]), place))).toBe(
    "invalid ARCHIVE_UNSAFE_NAME",
  );
  const links = tar({ name: "a/link", type: "2", link: "../../../etc/passwd" }, { name: "f", content: "f" });
  const spooled = await spool(Readable.from([links]), place);
  expect(spooled.map(({ name, kind, target }) => [name, kind, target])).toEqual([
    ["a/link", "link", "etc/passwd"],
    ["f", "file", ""],
  ]);
  expect(existsSync(join(place, "a"))).toBe(false);
});

test("whatever bytes are changed, an archive is unpacked inside its root or refused", async () => {
  const archive = tar(
    { name: "d/", type: "5" },
    { name: "d/f", pax: { path: "d/long", "SCHILY.xattr.user.a": "b" }, content: "content" },
    { name: "l", type: "2", link: "d" },
    { name: "h", type: "1", link: "d/long" },
  );
  const change = fc.record({ at: fc.nat(archive.length - 1), to: fc.integer({ min: 0, max: 255 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat(archive.length), async (changes, end) => {
      const bytes = Buffer.from(archive);
      for (const { at, to } of changes) bytes[at] = to;
      // A header counts only with its sum, so most changes would be seen there and nowhere else.
      for (let block = 0; block + 512 <= bytes.length; block += 512) repairSum(bytes.subarray(block, block + 512));
      const code = await codeOf(unpackInto(bytes.subarray(0, end)));
      expect(code).not.toContain("ARCHIVE_FAILED");
      expectUntouched();
    }),
    { numRuns: 150, interruptAfterTimeLimit: 4_000, markInterruptAsFailure: false },
  );
});

function repairSum(block: Buffer): void {
  if (block.toString("latin1", 257, 262) !== "ustar") return;
  block.write(" ".repeat(8), 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
}

function damaged(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (let at = 20; at < Math.min(copy.length, 60); at++) copy[at] = 0x5a;
  return copy;
}
