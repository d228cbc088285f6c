import { readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fail } from "../base/errors.ts";
import type { Image } from "../image/image-store.ts";
import { parseReference, type Reference } from "../image/reference.ts";
import { type AptSource, aptProxyEnvironment, aptSources, needPackage } from "./apt.ts";
import { command } from "./command.ts";
import { rootImage, temporaryRoot, writeRootFile } from "./root-files.ts";
import type { Template, TemplateParts, TemplateProgress } from "./template.ts";

const RELEASE = "bookworm";
const RELEASES = [RELEASE, `${RELEASE}-updates`, `${RELEASE}-security`];
const DEBOOTSTRAP = "/usr/sbin/debootstrap";

/** Debian's smallest base, made from the mirror that this machine is configured to use. */
export const debian: Template = {
  name: "debian",
  description: `Debian ${RELEASE}, minbase, from this machine's apt mirror`,
  tags: [parseReference(`debian:${RELEASE}`), parseReference("debian:latest")],
  build,
};

async function* build(
  parts: TemplateParts,
  tags: readonly Reference[],
  signal?: AbortSignal,
): AsyncGenerator<TemplateProgress, Image> {
  yield* needPackage(DEBOOTSTRAP, "debootstrap", undefined, signal);
  const sources = (await aptSources()).filter(
    ({ release, component }) => RELEASES.includes(release) && component === "main",
  );
  const mirror = sources.find(({ release }) => release === RELEASE);
  if (!mirror) {
    fail(
      "unavailable",
      "TEMPLATE_UNAVAILABLE",
      `this machine's apt has no source for Debian ${RELEASE} main: add one to /etc/apt/sources.list.d and run apt-get update`,
    );
  }
  await using root = await temporaryRoot(parts);
  for await (const line of bootstrap(root.path, mirror, signal)) {
    const stage = /^I: (.*?)(\.\.\.)?$/.exec(line)?.[1];
    if (stage) yield { status: stage };
  }
  yield { status: "Cleaning up" };
  const newestMs = await releaseDate(root.path);
  await configure(root.path, sources);
  await clean(root.path, newestMs);
  yield { status: "Making the image" };
  return await rootImage(parts, root.path, {
    tags,
    config: { Cmd: ["bash"] },
    newestMs,
    recipe: `lighter template build debian`,
    signal,
  });
}

/** In a mount namespace of its own: debootstrap mounts /proc in the root that it makes. */
async function* bootstrap(root: string, mirror: AptSource, signal?: AbortSignal): AsyncGenerator<string> {
  const args = ["--mount", "--propagation", "private", DEBOOTSTRAP, "--variant=minbase", RELEASE, root, mirror.site];
  yield* command("unshare", args, { env: await aptProxyEnvironment(), signal });
}

/** When the mirror's state was published: the same state gives the same image. */
async function releaseDate(root: string): Promise<number> {
  const lists = join(root, "var/lib/apt/lists");
  for (const name of await readdir(lists)) {
    if (!/Release$/.test(name)) continue;
    const date = /^Date: (.*)$/m.exec(await readFile(join(lists, name), "utf8"))?.[1];
    if (date && !Number.isNaN(Date.parse(date))) return Date.parse(date);
  }
  return Date.now();
}

/** What a container's Debian does otherwise than a machine's, as the official images have it. */
async function configure(root: string, sources: readonly AptSource[]): Promise<void> {
  const lines = sources.map(({ site, release, component }) => `deb ${site} ${release} ${component}\n`);
  await writeRootFile(root, "etc/apt/sources.list", lines.join(""));
  // Packages must not start services while an image is built: there is no init to stop them (policy-rc.d(8)).
  await writeRootFile(root, "usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755);
  // An image whose build is interrupted is thrown away: no need to sync each unpacked file (dpkg(1)).
  await writeRootFile(root, "etc/dpkg/dpkg.cfg.d/container", "force-unsafe-io\n");
  await writeRootFile(
    root,
    "etc/apt/apt.conf.d/container",
    [
      'Acquire::Languages "none";',
      'Acquire::GzipIndexes "true";',
      'APT::AutoRemove::SuggestsImportant "false";',
      'Dir::Cache::pkgcache "";',
      'Dir::Cache::srcpkgcache "";',
      'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb || true"; };',
      "",
    ].join("\n"),
  );
  // debootstrap copies the host's; containers get their own mounted over these.
  for (const name of ["hostname", "hosts", "resolv.conf"]) await writeRootFile(root, `etc/${name}`, "");
  // Filled at first boot; two containers must not share one (machine-id(5)).
  await writeRootFile(root, "etc/machine-id", "", 0o444);
}

const EMPTIED_DIRECTORIES = [
  "var/lib/apt/lists",
  "var/cache/apt/archives",
  "var/cache/ldconfig",
  "var/log/apt",
  "tmp",
  "run",
];
const EMPTIED_LOGS = ["btmp", "faillog", "lastlog", "wtmp"];
const REMOVED = [
  "var/log/alternatives.log",
  "var/log/bootstrap.log",
  "var/log/dpkg.log",
  "var/cache/debconf/config.dat-old",
  "var/cache/debconf/templates.dat-old",
  "var/lib/dpkg/available-old",
  "var/lib/dpkg/diversions-old",
  "var/lib/dpkg/status-old",
  "etc/group-",
  "etc/gshadow-",
  "etc/passwd-",
  "etc/shadow-",
];

/** Removes what only tells how and when this root was made. */
async function clean(root: string, newestMs: number): Promise<void> {
  for (const directory of EMPTIED_DIRECTORIES) {
    for (const name of await readdir(join(root, directory))) {
      // apt wants to find its own there.
      if (name !== "partial") await rm(join(root, directory, name), { recursive: true });
    }
  }
  for (const path of REMOVED) await rm(join(root, path), { force: true });
  for (const name of await readdir(join(root, "var/log"))) {
    if (EMPTIED_LOGS.includes(name)) await truncate(join(root, "var/log", name));
  }
  await fixPasswordDates(root, newestMs);
}

/** The third field of shadow(5) is the day of the last change: today for every account that was just made. */
async function fixPasswordDates(root: string, newestMs: number): Promise<void> {
  const path = join(root, "etc/shadow");
  const day = String(Math.floor(newestMs / 86_400_000));
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replace(/^([^:]*:[^:]*:)\d+(?=:)/gm, `$1${day}`));
}
