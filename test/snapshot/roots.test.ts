import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import {
  changes,
  copyIn,
  copyOut,
  copyTree,
  emptyDirectory,
  exportTar,
  hashTrees,
  statPath,
  unpack,
  usage,
} from "../../src/snapshot/archive.ts";
import type { OverlayRoot, RootAccess } from "../../src/snapshot/root-access.ts";
import { scratchDirectory } from "./scratch-directory.ts";
import { type Member, readTar, tarStream } from "./tar-fixture.ts";

const scratch = scratchDirectory();
afterAll(() => scratch[Symbol.dispose]());
let last = 0;

/** A new snapshot of these members, and its key. */
async function snapshot(...members: readonly Member[]): Promise<number> {
  const key = ++last;
  mkdirSync(join(scratch.path, `${key}/fs`), { recursive: true });
  mkdirSync(join(scratch.path, `${key}/work`));
  await unpack(tarStream(...members), upper(key), { blob: null, lower: [] });
  return key;
}

function upper(key: number): string {
  return join(scratch.path, `${key}/fs`);
}

function overlay(key: number | null, ...lower: number[]): OverlayRoot {
  return { kind: "overlay", snapshots: scratch.path, lower, upper: key };
}

const BASE: readonly Member[] = [
  { name: "bin", type: "2", link: "usr/bin" },
  { name: "etc/", type: "5" },
  { name: "etc/group", content: "root:x:0:\nstaff:x:50:\n" },
  { name: "etc/passwd", content: "root:x:0:0::/root:/bin/sh\nann:x:1000:50::/srv/ann:/bin/sh\n" },
  { name: "tmp/", type: "5", mode: 0o1777 },
  { name: "usr/", type: "5" },
  { name: "usr/bin/", type: "5" },
  { name: "usr/bin/tool", content: "tool", mode: 0o755 },
];

/** A file of a tar archive by its name and content, as the tests below compare them. */
async function namesOf(archive: ReturnType<typeof exportTar>): Promise<string[]> {
  return (await readTar(archive)).map((line) => line.split(" ")[0] ?? "");
}

describe("a path of a root is what Docker says it is", () => {
  const directory = 2 ** 31;
  const cases: [path: string, name: string, mode: number, link: string][] = [
    ["/usr/bin/tool", "tool", 0o755, ""],
    ["/bin", "bin", 2 ** 27 + 0o777, "/usr/bin"],
    ["/bin/", "bin", directory + 0o755, ""],
    ["/bin/tool", "tool", 0o755, ""],
    ["/tmp", "tmp", directory + 2 ** 20 + 0o777, ""],
    ["/", "/", directory + 0o755, ""],
    ["/etc/.", ".", directory + 0o755, ""],
    ["../../etc/../bin/tool", "tool", 0o755, ""],
  ];
  let root: RootAccess;
  beforeAll(async () => {
    const members = BASE.map((member) => (member.name === "bin" ? { ...member, mode: 0o777 } : member));
    root = overlay(null, await snapshot(), await snapshot(...members));
  });
  test.each(cases)("%s", async (path, name, mode, linkTarget) => {
    const stat = await statPath(root, path);
    expect({ name: stat.name, mode: stat.mode, linkTarget: stat.linkTarget }).toEqual({ name, mode, linkTarget });
  });
  test.each([
    ["/nothing", "ARCHIVE_ENOENT"],
    ["/usr/bin/tool/", "ARCHIVE_ENOTDIR"],
    ["/usr/bin/tool/x", "ARCHIVE_ENOTDIR"],
  ])("%s is not there", (path, code) => expect(statPath(root, path)).rejects.toMatchObject({ code }));
});

describe("a path is copied out", () => {
  test("under its own last name", async () => {
    const root = overlay(null, await snapshot(...BASE));
    expect(await namesOf(copyOut(root, "/usr/bin"))).toEqual(["bin/", "bin/tool"]);
    expect(await namesOf(copyOut(root, "/usr/bin/tool"))).toEqual(["tool"]);
    expect(await readTar(copyOut(root, "/bin"))).toEqual(
      ["bin symlink 644 0:0 1000000000 -> usr/bin"].map((line) => line.replace("644", "777")),
    );
    expect(await namesOf(copyOut(root, "/bin/."))).toEqual(["./", "./tool"]);
  });

  test("or breaks off with the reason", async () => {
    const root = overlay(null, await snapshot(...BASE));
    await expect(readTar(copyOut(root, "/nothing"))).rejects.toMatchObject({ kind: "not-found" });
  });

  test("the whole root without what a container mounts in it", async () => {
    const key = await snapshot({ name: "new", content: "" });
    const root = overlay(key, await snapshot(...BASE));
    expect(await namesOf(exportTar(root))).toEqual([
      "bin",
      "etc/",
      "etc/group",
      "etc/passwd",
      "new",
      "tmp/",
      "usr/",
      "usr/bin/",
      "usr/bin/tool",
    ]);
  });

  test("of an image without layers there is nothing", async () => {
    expect(await namesOf(exportTar(overlay(null)))).toEqual([]);
  });
});

describe("an archive is copied in", () => {
  test("to a stopped container's upper directory", async () => {
    const [key, base] = [await snapshot(), await snapshot(...BASE)];
    const member = { name: "file", content: "new", uid: 5, gid: 6, mode: 0o600 };
    await copyIn(overlay(key, base), "/bin", tarStream(member), { keepKind: true, owner: null });
    expect(readFileSync(join(upper(key), "usr/bin/file"), "utf8")).toBe("new");
    expect(existsSync(join(upper(base), "usr/bin/file"))).toBe(false);
    const { uid, gid } = statSync(join(upper(key), "usr/bin/file"));
    expect([uid, gid]).toEqual([5, 6]);
  });

  test.each([
    ["1000", [1000, 1000]],
    ["ann", [1000, 50]],
    ["ann:nogroup", null],
    ["ann:staff", [1000, 50]],
    ["0:50", [0, 50]],
  ])("as the owner %s", async (owner, expected) => {
    const [key, base] = [await snapshot(), await snapshot(...BASE)];
    const done = copyIn(overlay(key, base), "/tmp", tarStream({ name: "file" }), { keepKind: true, owner });
    if (expected === null) {
      await expect(done).rejects.toMatchObject({ code: "ARCHIVE_UNKNOWN_GROUP" });
      return;
    }
    await done;
    const { uid, gid } = statSync(join(upper(key), "tmp/file"));
    expect([uid, gid]).toEqual(expected);
  });

  test("only where a directory is", async () => {
    const root = overlay(await snapshot(), await snapshot(...BASE));
    const into = (path: string) => copyIn(root, path, tarStream({ name: "x" }), { keepKind: true, owner: null });
    await expect(into("/usr/bin/tool")).rejects.toMatchObject({ code: "ARCHIVE_NOT_A_DIRECTORY" });
    await expect(into("/nothing")).rejects.toMatchObject({ code: "ARCHIVE_ENOENT" });
  });
});

describe("a running process's root", () => {
  const root = join(scratch.path, "live");
  let inside: ChildProcess;

  beforeAll(async () => {
    mkdirSync(join(root, "proc"), { recursive: true });
    copyFileSync("/bin/busybox", join(root, "busybox"));
    chmodSync(join(root, "busybox"), 0o755);
    symlinkSync(`/proc/${process.pid}/root`, join(root, "host"));
    writeFileSync(join(root, "file"), "inside");
    // In namespaces of its own but for processes, so that its /proc shows the host's: docker run --pid=host.
    const script = `mount -t proc proc ${root}/proc && exec chroot ${root} /busybox sh -c 'echo ready; exec /busybox sleep 100'`;
    inside = spawn("unshare", ["--mount", "--propagation", "private", "sh", "-c", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    if (inside.stdout) await once(inside.stdout, "data");
  });
  afterAll(async () => {
    inside.kill("SIGKILL");
    await once(inside, "exit");
  });

  test("is read and written through the process", async () => {
    const live = { kind: "live", pid: inside.pid ?? 0 } as const;
    expect(await namesOf(copyOut(live, "/file"))).toEqual(["file"]);
    await copyIn(live, "/", tarStream({ name: "in", content: "in" }), { keepKind: true, owner: null });
    expect(readFileSync(join(root, "in"), "utf8")).toBe("in");
  });

  test("does not lead to the host by /proc, as a container with the host's processes would like (CVE-2018-15664's class)", async () => {
    const live = { kind: "live", pid: inside.pid ?? 0 } as const;
    for (const path of ["/host/etc/passwd", `/proc/${process.pid}/root/etc/passwd`]) {
      await expect(statPath(live, path)).rejects.toMatchObject({ code: "ARCHIVE_ELOOP" });
    }
    // Read as text, such a link means a place in the container, as any other.
    expect((await statPath(live, "/host/")).mtime).toBe((await statPath(live, "/")).mtime);
    await expect(statPath(live, `/proc/${process.pid}/cwd/`)).rejects.toMatchObject({ code: "ARCHIVE_ENOENT" });
    const into = copyIn(live, "/host/tmp", tarStream({ name: "x" }), { keepKind: true, owner: null });
    await expect(into).rejects.toMatchObject({ code: "ARCHIVE_ELOOP" });
  });
});

describe("changes are told as docker diff tells them", () => {
  const LETTERS = "CAD";
  const base: readonly Member[] = [
    ...BASE,
    { name: "opt/", type: "5" },
    { name: "opt/a/", type: "5" },
    { name: "opt/a/b", content: "b" },
  ];

  /** What a shell does to a root, inside an overlay of its own. */
  async function changesBy(script: string): Promise<string> {
    const [key, lower] = [await snapshot(), await snapshot(...base)];
    const merged = join(scratch.path, "merged");
    mkdirSync(merged, { recursive: true });
    const mount = `mount -t overlay overlay -o lowerdir=${upper(lower)},upperdir=${upper(key)},workdir=${scratch.path}/${key}/work ${merged}`;
    execFileSync("unshare", ["--mount", "--propagation", "private", "sh", "-ec", `${mount}; cd ${merged}; ${script}`]);
    const told = await changes({ ...overlay(key, lower), upper: key });
    return told.map(({ path, kind }) => `${LETTERS[kind]} ${path}`).join(", ");
  }

  // The right side is what Docker 20.10 with overlay2 prints of the same root.
  const cases: [script: string, expected: string][] = [
    [":", ""],
    ["touch new", "A /new"],
    ["rm usr/bin/tool", "C /usr, C /usr/bin, D /usr/bin/tool"],
    ["echo >> usr/bin/tool", "C /usr, C /usr/bin, C /usr/bin/tool"],
    ["mkdir -p opt/a/c/d", "C /opt, C /opt/a, A /opt/a/c, A /opt/a/c/d"],
    ["chmod 700 tmp", "C /tmp"],
    ["chown 5 opt", "C /opt"],
    ["rm -r opt/a", "C /opt, D /opt/a"],
    ["rm -r opt; mkdir opt; touch opt/x", "C /opt, A /opt/x, D /opt/a"],
    ["rm -r opt; mkdir -p opt/a; touch opt/a/c", "C /opt, C /opt/a, A /opt/a/c, D /opt/a/b"],
    ["rm -r opt; touch opt", "C /opt"],
    ["rm usr/bin/tool; mkdir -p usr/bin/tool/x", "C /usr, C /usr/bin, C /usr/bin/tool, A /usr/bin/tool/x"],
    ["touch tmp/x; rm tmp/x", ""],
    ["chmod 700 usr/bin/tool; chmod 755 usr/bin/tool", ""],
    ["ln -s x usr/l; mknod null c 1 3", "A /null, C /usr, A /usr/l"],
    ["mv opt srv", "D /opt, A /srv, A /srv/a, A /srv/a/b"],
  ];
  test.each(cases)("%s", async (script, expected) => {
    expect((await changesBy(script)).split(", ").sort()).toEqual(expected.split(", ").sort());
  });
});

describe("trees are copied between roots", () => {
  const keep = { owner: null, mode: null };

  test("from an image into a container that has no image", async () => {
    const [from, below, key] = [await snapshot(...BASE), await snapshot(), await snapshot()];
    const items = [{ from: "/bin/tool", to: "/opt/tool" }];
    await copyTree(overlay(null, below, from), overlay(key), items, keep);
    expect(readFileSync(join(upper(key), "opt/tool"), "utf8")).toBe("tool");
  });

  test("from one overlay into another", async () => {
    const [from, below, key] = [await snapshot(...BASE), await snapshot(), await snapshot()];
    await copyTree(overlay(null, below, from), overlay(key, from), [{ from: "/etc", to: "/srv" }], keep);
    expect(readFileSync(join(upper(key), "srv/group"), "utf8")).toContain("staff");
  });

  test("with owner and mode, made directories included, those that were there not", async () => {
    const key = await snapshot();
    const base = await snapshot(...BASE, { name: "srv/", type: "5", mode: 0o711 });
    const items = [
      { from: "/usr", to: "/srv/new/deep" },
      { from: "/etc", to: "/srv" },
    ];
    await copyTree(overlay(null, base), overlay(key, base), items, { owner: "ann:staff", mode: 0o700 });
    const lines = (await readTar(exportTar({ kind: "directory", path: upper(key) }))).map((line) =>
      line.split(" ").slice(0, 4).join(" "),
    );
    expect(lines).toEqual([
      "srv/ directory 711 0:0",
      "srv/group file 700 1000:50",
      "srv/new/ directory 755 1000:50",
      "srv/new/deep/ directory 700 1000:50",
      "srv/new/deep/bin/ directory 700 1000:50",
      "srv/new/deep/bin/tool file 700 1000:50",
      "srv/passwd file 700 1000:50",
    ]);
  });

  test("with hard links, holes, devices and attributes", async () => {
    const members: readonly Member[] = [
      { name: "tree/", type: "5" },
      { name: "tree/a", content: "a", pax: { "SCHILY.xattr.user.k": "v" } },
      { name: "tree/b", type: "1", link: "tree/a" },
      { name: "tree/null", type: "3", major: 1, minor: 3 },
      { name: "tree/to", type: "2", link: "/anywhere", mode: 0o777 },
    ];
    const [from, key] = [await snapshot(...members), await snapshot()];
    await copyTree(overlay(null, from), overlay(key), [{ from: "tree", to: "tree" }], keep);
    const read = (path: string) => readTar(exportTar({ kind: "directory", path }));
    expect(await read(upper(key))).toEqual(await read(upper(from)));
  });

  test("and an archive is unpacked where that is asked for; what only looks like one is copied", async () => {
    const source = join(scratch.path, "add");
    mkdirSync(source);
    execFileSync("tar", ["-czf", join(source, "real.tgz"), "-C", upper(await snapshot(...BASE)), "etc"]);
    writeFileSync(join(source, "fake.tgz"), readFileSync(join(source, "real.tgz")).subarray(0, 30));
    const key = await snapshot();
    const items = ["real.tgz", "fake.tgz"].map((name) => ({ from: name, to: `/d/${name}`, extractInto: "/d" }));
    await copyTree({ kind: "directory", path: source }, overlay(key), items, keep);
    expect(readFileSync(join(upper(key), "d/etc/group"), "utf8")).toContain("staff");
    expect(statSync(join(upper(key), "d/fake.tgz")).size).toBe(30);
    expect(existsSync(join(upper(key), "d/real.tgz"))).toBe(false);
  });

  test("but a directory and another file never take each other's place", async () => {
    const [base, key] = [await snapshot(...BASE), await snapshot()];
    const copy = (from: string, to: string) => copyTree(overlay(null, base), overlay(key, base), [{ from, to }], keep);
    await expect(copy("/etc", "/usr/bin/tool")).rejects.toMatchObject({ code: "ARCHIVE_DIRECTORY_OVER_FILE" });
    await expect(copy("/usr/bin/tool", "/etc")).rejects.toMatchObject({ code: "ARCHIVE_FILE_OVER_DIRECTORY" });
    await expect(copy("/nothing", "/x")).rejects.toMatchObject({ code: "ARCHIVE_ENOENT" });
  });
});

describe("a tree's digest", () => {
  const digest = async (...members: readonly Member[]) => {
    const [value] = await hashTrees({ kind: "directory", path: upper(await snapshot(...members)) }, ["/t"], {
      owners: false,
    });
    return value;
  };
  const tree: readonly Member[] = [
    { name: "t/", type: "5" },
    { name: "t/a", content: "a" },
    { name: "t/l", type: "2", link: "a" },
  ];

  test("does not depend on times and owners", async () => {
    const other = tree.map((member) => ({ ...member, mtime: 5, uid: 7, gid: 8 }));
    expect(await digest(...other)).toBe(await digest(...tree));
  });

  const differences: [what: string, tree: Member[]][] = [
    ["content", [{ name: "t/a", content: "b" }]],
    ["a mode", [{ name: "t/a", content: "a", mode: 0o600 }]],
    ["a link's target", [{ name: "t/l", type: "2", link: "b" }]],
    ["one name more", [{ name: "t/z", content: "" }]],
    ["an attribute", [{ name: "t/a", content: "a", pax: { "SCHILY.xattr.user.k": "v" } }]],
    ["another kind", [{ name: "t/a", type: "6" }]],
  ];
  test.each(differences)("differs with %s", async (_what, changed) => {
    expect(await digest(...tree, ...changed)).not.toBe(await digest(...tree));
  });

  test("of several paths come in their order, links followed", async () => {
    const root = { kind: "directory", path: upper(await snapshot(...tree)) } as const;
    const [file, link] = await hashTrees(root, ["t/a", "t/l"], { owners: false });
    expect(link).toBe(file);
    await expect(hashTrees(root, ["t/missing"], { owners: false })).rejects.toMatchObject({ code: "ARCHIVE_ENOENT" });
  });
});

test("a directory weighs what its files say, each once", async () => {
  const key = await snapshot(
    { name: "a", content: "12345" },
    { name: "b", type: "1", link: "a" },
    { name: "d/", type: "5" },
    { name: "d/c", content: "1234567890" },
    { name: "d/l", type: "2", link: "xyz" },
    { name: ".wh.gone" },
  );
  expect(await usage(upper(key))).toBe(5 + 10 + 3);
});

test("a directory is emptied, but not what its links lead to", async () => {
  const key = await snapshot(...BASE);
  const outside = join(scratch.path, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "kept"), "");
  symlinkSync(outside, join(upper(key), "etc/out"));
  await emptyDirectory(upper(key));
  expect(await namesOf(exportTar({ kind: "directory", path: upper(key) }))).toEqual([]);
  expect(existsSync(join(outside, "kept"))).toBe(true);
});
