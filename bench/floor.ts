import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * The milliseconds that unshare(1) needs to run `true` in seven new namespaces and another root: what no engine that
 * starts a process by command can be much faster than.
 */
export async function measureFloor(runs: number): Promise<number[]> {
  const root = mkdtempSync(join(tmpdir(), "bench-floor-"));
  try {
    mkdirSync(join(root, "bin"));
    mkdirSync(join(root, "proc"));
    await copyFile("/bin/busybox", join(root, "bin/busybox"));
    symlinkSync("busybox", join(root, "bin/true"));
    const times: number[] = [];
    for (let run = 0; run < runs; run++) times.push(await once(root));
    return times;
  } finally {
    rmSync(root, { recursive: true });
  }
}

async function once(root: string): Promise<number> {
  const namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--fork", "--mount-proc"];
  const started = performance.now();
  const child = Bun.spawn(["unshare", ...namespaces, `--root=${root}`, "/bin/true"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  if ((await child.exited) !== 0) throw new Error("unshare failed");
  return performance.now() - started;
}
