import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

const CACHE = resolve(import.meta.dir, "../.cache");

/**
 * A tar archive of a Debian root file system (debootstrap's minbase), made on first use and kept: a real one, for its
 * many small files, links and devices are what import and save have to cope with.
 */
export async function rootArchive(): Promise<string> {
  const path = join(CACHE, "debian-root.tar");
  if (statSync(path, { throwIfNoEntry: false })) return path;
  console.error("making a Debian root file system once (half a minute)");
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(join(CACHE, "debian-"));
  try {
    await command(["debootstrap", "--variant=minbase", "stable", join(work, "root"), ...mirror()]);
    rmSync(join(work, "root/var/cache/apt/archives"), { recursive: true, force: true });
    await command([
      "tar",
      "--create",
      "--numeric-owner",
      "--file",
      join(work, "root.tar"),
      "--directory",
      join(work, "root"),
      ".",
    ]);
    renameSync(join(work, "root.tar"), path);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return path;
}

/** The machine's own mirror, as apt knows it; debootstrap would ask the public one. */
function mirror(): string[] {
  const output = Bun.spawnSync(["apt-get", "indextargets", "--format", "$(SITE)"]).stdout.toString();
  const site = output.split("\n").find((line) => line.startsWith("http"));
  return site ? [site] : [];
}

async function command(words: string[]): Promise<void> {
  const child = Bun.spawn(words, { stdout: "ignore", stderr: "inherit" });
  if ((await child.exited) !== 0) throw new Error(`${words.join(" ")}: failed`);
}
