import { existsSync } from "node:fs";
import { exitCodeOf, outputOf, Refusal, run } from "./command.mjs";

/** To compile the C programs, all of them static, so that the machine that runs them needs none of this. */
export const BUILD_PACKAGES = [
  "gcc",
  "libc6-dev",
  "musl-tools",
  "libseccomp-dev",
  "libssl-dev",
  "zlib1g-dev",
  "libdeflate-dev",
  "libzstd-dev",
  "liblzma-dev",
  "libbz2-dev",
];

/** What the engine calls on: templates are made from the first two, addresses and rules are set with the others. */
export const RUN_PACKAGES = ["busybox-static", "debootstrap", "nftables", "iproute2"];

/** What the tests compare with. */
export const TEST_PACKAGES = [
  "runc",
  "skopeo",
  "docker-registry",
  "podman",
  "buildah",
  "openssl",
  "openssh-server",
  "xz-utils",
  "bzip2",
  "git",
  "redis-tools",
  "cpio",
  "qemu-system-x86",
];

/** Clients that nobody here wrote, for test:clients; the others of them come from npm. */
export const CLIENT_PACKAGES = ["docker-compose", "python3-docker", "skopeo"];

/**
 * Installs those that are missing; asks nothing and touches nothing else.
 * @param {readonly string[]} packages
 */
export async function installMissing(packages) {
  const missing = missingPackages(packages);
  if (missing.length === 0) return;
  refuseWithoutApt(missing);
  console.log(`installing ${missing.join(" ")}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  // A machine whose lists are absent or old cannot find the packages: fetch the lists then, and not each time.
  if ((await exitCodeOf("apt-get", installArguments(missing), { env, stdio: "ignore" })) === 0) return;
  await run("apt-get", ["update", "-q"], { env });
  await run("apt-get", installArguments(missing), { env });
}

/** @param {readonly string[]} packages */
function missingPackages(packages) {
  // All that there are: asked for certain names, dpkg-query fails as soon as it does not know one of them.
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query has placeholders of the same form.
  const lines = outputOf("dpkg-query", ["--show", "--showformat", "${db:Status-Status} ${Package}\n"]) ?? "";
  const installed = new Set(lines.split("\n"));
  return packages.filter((name) => !installed.has(`installed ${name}`));
}

/** @param {readonly string[]} missing */
function refuseWithoutApt(missing) {
  if (!existsSync("/usr/bin/apt-get")) {
    throw new Refusal(
      `missing: ${missing.join(" ")}\nThis machine has no apt-get. Install what these Debian packages hold, by your own package manager.`,
    );
  }
  if (process.getuid?.() !== 0) {
    throw new Refusal(`missing packages; as root: apt-get install --no-install-recommends ${missing.join(" ")}`);
  }
}

/** @param {readonly string[]} packages */
function installArguments(packages) {
  return ["install", "-y", "-q", "--no-install-recommends", ...packages];
}
