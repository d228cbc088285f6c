import { BUILD_PACKAGES, installMissing, RUN_PACKAGES, TEST_PACKAGES } from "./apt-packages.mjs";
import { asCommand, Refusal } from "./command.mjs";
import { provideDockerClient, provideSessionClient } from "./docker-client.mjs";
import { provideGuestKernel } from "./guest-kernel.mjs";
import { installByLockfile } from "./npm-packages.mjs";

/** Makes a machine with Node, npm and apt ready to build and run Lighter. Does nothing that has been done. */
export async function setUp() {
  if (process.platform !== "linux") throw new Refusal(`Lighter needs Linux, this is ${process.platform}`);
  await installMissing([...BUILD_PACKAGES, ...RUN_PACKAGES]);
  await installByLockfile();
}

/** {@link setUp}, and what the tests and benchmarks need besides. */
export async function setUpForTests() {
  requireRoot();
  await setUp();
  await installMissing(TEST_PACKAGES);
  await provideDockerClient();
  await provideSessionClient();
  await provideGuestKernel();
}

/** Containers of the demo and the tests need namespaces, mounts, links and rules of the real system. */
export function requireRoot() {
  if (process.getuid?.() !== 0) {
    throw new Refusal("this makes namespaces, mounts and network links: run it as root (sudo npm ...)");
  }
}

await asCommand(import.meta.url, setUp);
