import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { startReferenceRegistry, type TestRegistry } from "../test/registry/reference-registry.ts";
import { rootArchive } from "./root-archive.ts";

const CACHE = resolve(import.meta.dir, "../.cache");

/** The Debian root as the archive of an image `bench-root`, in the form that all engines load; made once and kept. */
export async function imageArchive(): Promise<string> {
  const path = resolve(CACHE, "debian-image.tar");
  if (existsSync(path)) return path;
  const partial = `${path}.partial`;
  rmSync(partial, { force: true });
  await skopeo(`tarball:${await rootArchive()}`, `docker-archive:${partial}:bench-root:latest`);
  renameSync(partial, path);
  return path;
}

/** A registry on the loopback that has the Debian root as `root:1`, packed by somebody who is not measured. */
export async function registryWithRoot(): Promise<TestRegistry & { readonly image: string }> {
  const data = resolve(CACHE, "debian-registry");
  if (!existsSync(data)) {
    const partial = `${data}.partial`;
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial);
    await using registry = await startReferenceRegistry({ data: partial });
    await skopeo("--dest-tls-verify=false", `tarball:${await rootArchive()}`, `docker://${registry.host}/root:1`);
    renameSync(partial, data);
  }
  const registry = await startReferenceRegistry({ data });
  return { ...registry, image: `${registry.host}/root:1` };
}

async function skopeo(...words: string[]): Promise<void> {
  const child = Bun.spawn(["skopeo", "copy", "-q", ...words], { stdout: "ignore", stderr: "inherit" });
  if ((await child.exited) !== 0) throw new Error(`skopeo copy ${words.join(" ")}: failed`);
}
