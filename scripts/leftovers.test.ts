import { expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { leftBehind, nameOf, survey } from "./leftovers.mjs";

const V1_PIDS = "/sys/fs/cgroup/pids";

/** Each makes one thing as an engine would and returns how to remove it. */
const MAKERS: Readonly<Record<string, (mark: string) => () => void>> = {
  mount(mark) {
    const directory = mkdtempSync(join(tmpdir(), `${mark}-`));
    host("mount", "-t", "tmpfs", mark, directory);
    return () => {
      host("umount", directory);
      rmdirSync(directory);
    };
  },
  cgroup(mark) {
    const directory = join(existsSync(V1_PIDS) ? V1_PIDS : "/sys/fs/cgroup", mark);
    mkdirSync(directory);
    return () => rmdirSync(directory);
  },
  link(mark) {
    const name = `x${process.pid}`;
    host("ip", "link", "add", name, "type", "bridge");
    host("ip", "link", "set", name, "alias", mark);
    return () => host("ip", "link", "delete", name);
  },
  table(mark) {
    host("nft", "add", "table", "ip", mark);
    return () => host("nft", "delete", "table", "ip", mark);
  },
  process(mark) {
    const child = Bun.spawn(["sleep", "60"], { env: { LIGHTER_ROOT: `/nowhere/${mark}` } });
    return () => child.kill("SIGKILL");
  },
  directory(mark) {
    const directory = join("/run", mark);
    mkdirSync(directory);
    return () => rmSync(directory, { recursive: true });
  },
};

for (const [kind, make] of Object.entries(MAKERS)) {
  test(`a ${kind} that was left behind is found, with what tells its owner`, () => {
    const mark = `lighter-left${process.pid}${kind}`;
    const before = survey();
    const remove = make(mark);
    try {
      const found = leftBehind(before, survey()).filter(({ evidence }) => evidence.includes(mark));
      expect(found.map((trace) => String(trace.kind))).toEqual([kind]);
      expect(nameOf(found[0] ?? fail())).toStartWith(`${kind} `);
    } finally {
      remove();
    }
  });
}

function host(...command: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(command);
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
}

function fail(): never {
  throw new Error("nothing was found");
}
