import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { outputOf, Refusal } from "./command.mjs";
import { CACHE, CLIENT_DIRECTORY } from "./paths.mjs";
import { unpackPackage } from "./unpack-package.mjs";

/**
 * The tests drive the real `docker` command too. Where the machine has none, Debian's package is fetched and unpacked
 * into the cache, not installed: installing it would start an engine and make a bridge on the user's machine.
 */
export async function provideDockerClient() {
  const places = [...(process.env.PATH ?? "").split(delimiter), CLIENT_DIRECTORY];
  if (places.some((directory) => existsSync(join(directory, "docker")))) return;
  const name = outputOf("apt-cache", ["show", "docker-cli"]) ? "docker-cli" : "docker.io";
  console.log(`fetching the docker client (${name})`);
  if (!(await unpackPackage(name, join(CACHE, "docker-client")))) {
    throw new Refusal("the tests need the docker client: put `docker` (20.10 or newer) on the PATH");
  }
}

/**
 * Debian's package has a client with BuildKit built in, as long as it is older than 23; newer ones on the PATH leave that to
 * a plugin. Without it the tests that need one are skipped.
 */
export async function provideSessionClient() {
  if (["/usr/bin", CLIENT_DIRECTORY].some((directory) => existsSync(join(directory, "docker")))) return;
  const name = outputOf("apt-cache", ["show", "docker-cli"]) ? "docker-cli" : "docker.io";
  console.log(`fetching an older docker client (${name})`);
  await unpackPackage(name, join(CACHE, "docker-client"));
}
