import { existsSync } from "node:fs";
import { join } from "node:path";
import { outputOf, Refusal } from "./command.mjs";
import { GUEST_KERNEL } from "./paths.mjs";
import { unpackPackage } from "./unpack-package.mjs";

/**
 * A kernel for the virtual machine in which the tests meet a host that this one is not. It is unpacked into the cache, not
 * installed, for it is not to be booted from.
 */
export async function provideGuestKernel() {
  if (existsSync(join(GUEST_KERNEL, "boot"))) return;
  const name = /Depends: (linux-image-\S+)/.exec(
    outputOf("apt-cache", ["depends", "linux-image-cloud-amd64"]) ?? "",
  )?.[1];
  console.log(`fetching a kernel for a virtual machine (${name})`);
  if (name === undefined || !(await unpackPackage(name, GUEST_KERNEL))) {
    throw new Refusal("the tests need a kernel for a virtual machine: apt has no package linux-image-cloud-amd64");
  }
}
