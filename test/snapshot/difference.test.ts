import { afterAll, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { exportTar, unpack } from "../../src/snapshot/archive.ts";
import { compareRoots, type Difference, differenceTar, layerDifference } from "../../src/snapshot/difference.ts";
import type { OverlayRoot } from "../../src/snapshot/root-access.ts";
import { scratchDirectory } from "./scratch-directory.ts";
import { type Member, readTar, tarStream } from "./tar-fixture.ts";

const scratch = scratchDirectory();
afterAll(() => scratch[Symbol.dispose]());
let last = 0;

function upper(key: number): string {
  return join(scratch.path, `${key}/fs`);
}

function overlay(key: number | null, ...lower: number[]): OverlayRoot {
  return { kind: "overlay", snapshots: scratch.path, lower, upper: key };
}

async function snapshot(...members: readonly Member[]): Promise<number> {
  const key = ++last;
  mkdirSync(upper(key), { recursive: true });
  mkdirSync(join(scratch.path, `${key}/work`));
  await unpack(tarStream(...members), upper(key), { blob: null, lower: [] });
  return key;
}

/** What a shell does to an overlay's root. */
function write(key: number, lower: readonly number[], script: string): void {
  const merged = join(scratch.path, "merged");
  mkdirSync(merged, { recursive: true });
  const stack = lower.map(upper).join(":");
  const mount = `mount -t overlay overlay -o lowerdir=${stack},upperdir=${upper(key)},workdir=${scratch.path}/${key}/work ${merged}`;
  execFileSync("unshare", ["--mount", "--propagation", "private", "sh", "-ec", `${mount}; cd ${merged}; ${script}`]);
}

const BASE: readonly Member[] = [
  { name: "etc/", type: "5" },
  { name: "etc/motd", content: "hello" },
  { name: "link", type: "2", link: "etc/motd" },
  { name: "opt/", type: "5" },
  { name: "opt/a/", type: "5" },
  { name: "opt/a/one", content: "1" },
  { name: "opt/a/two", content: "22" },
  { name: "tmp/", type: "5", mode: 0o1777 },
];

function lines(differences: readonly Difference[]): string[] {
  return differences.map(({ path, kind, before, now }) => `${"CAD"[kind]} ${path} ${before}>${now}`).sort();
}

const CASES: [script: string, whole: string[], layer?: string[]][] = [
  [":", []],
  ["echo x > new", ["A /new 0>2"]],
  ["mkdir -p d/e; echo x > d/e/f", ["A /d 0>0", "A /d/e 0>0", "A /d/e/f 0>2"]],
  ["printf HELLO > etc/motd", ["C /etc/motd 5>5"]],
  ["touch -d 2001-01-01 etc/motd", [], ["C /etc/motd 5>5"]],
  ["cat etc/motd > x; mv x etc/motd", [], ["C /etc/motd 5>5"]],
  ["chmod 600 etc/motd", ["C /etc/motd 5>5"]],
  ["chown 7 etc", ["C /etc 0>0"]],
  ["setfattr -n user.x -v 1 etc/motd", ["C /etc/motd 5>5"]],
  ["ln -sf elsewhere link", ["C /link 0>0"]],
  ["rm etc/motd", ["D /etc/motd 5>0"]],
  ["rm -r opt", ["D /opt 3>0"]],
  ["rm -r opt; mkdir -p opt/a; echo 3 > opt/a/three", ["A /opt/a/three 0>2", "D /opt/a/one 1>0", "D /opt/a/two 2>0"]],
  ["rm -r opt; echo x > opt", ["C /opt 0>2"]],
  ["rm etc/motd; mkdir etc/motd; echo x > etc/motd/x", ["A /etc/motd/x 0>2", "C /etc/motd 5>0"]],
  ["touch x; rm x", []],
];

describe("what a layer does to those below it", () => {
  test.each(CASES)("%s", async (script, whole, layer = whole) => {
    const [key, base] = [await snapshot(), await snapshot(...BASE)];
    write(key, [base], script);
    expect(lines(await layerDifference(overlay(null, base), key))).toEqual(layer);
  });
});

describe("what one root has otherwise than another", () => {
  test.each(CASES)("%s", async (script, whole) => {
    const [key, base] = [await snapshot(), await snapshot(...BASE)];
    write(key, [base], script);
    expect(lines(await compareRoots(overlay(null, base), overlay(key, base)))).toEqual(whole);
  });

  test("with nothing in common but what is written in them", async () => {
    const later = await snapshot(...BASE.slice(0, 2), { name: "etc/more", content: "more" });
    const earlier = await snapshot(...BASE.slice(0, 3));
    expect(lines(await compareRoots(overlay(null, earlier), overlay(null, later)))).toEqual([
      "A /etc/more 0>4",
      "D /link 0>0",
    ]);
  });

  test("against nothing is all that is there", async () => {
    const key = await snapshot(...BASE);
    const differences = await compareRoots(overlay(null), overlay(null, key));
    expect(differences.map(({ kind }) => kind)).toEqual(BASE.map(() => 1));
  });
});

describe("the difference packed as a layer makes the later root of the earlier", () => {
  test.each(CASES)("%s", async (script) => {
    const [key, base, packed] = [await snapshot(), await snapshot(...BASE), await snapshot()];
    write(key, [base], script);
    const difference = differenceTar(overlay(null, base), overlay(key, base));
    await unpack(difference, upper(packed), { blob: null, lower: [upper(base)] });
    const [made, wanted] = await Promise.all(
      [packed, key].map(async (top) => (await readTar(exportTar(overlay(null, top, base)))).map(withoutTime)),
    );
    expect(made).toEqual(wanted ?? []);
  });

  test("after two commits of the same writes, with what the second took back", async () => {
    const [key, first, base, second] = [await snapshot(), await snapshot(), await snapshot(...BASE), await snapshot()];
    write(key, [base], "echo 1 > one; mkdir dir; echo x > dir/x; rm -r opt");
    await unpack(differenceTar(overlay(null, base), overlay(key, base)), upper(first), {
      blob: null,
      lower: [upper(base)],
    });
    write(key, [base], "rm one; rm -r dir; mkdir opt; echo 2 > opt/two");
    const difference = differenceTar(overlay(null, first, base), overlay(key, base));
    await unpack(difference, upper(second), { blob: null, lower: [upper(first), upper(base)] });
    const names = await readTar(exportTar(overlay(null, second, first, base)));
    expect(names.map((line) => line.split(" ")[0])).toEqual(["etc/", "etc/motd", "link", "opt/", "opt/two", "tmp/"]);
  });
});

/** A directory's time tells of what was written in it, and is not packed for itself. */
function withoutTime(line: string): string {
  return line.replace(/(?<= directory .*) [\d.]{9,}(?= |$)/, "");
}
