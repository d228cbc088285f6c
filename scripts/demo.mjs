import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { build } from "./build.mjs";
import { asCommand, run } from "./command.mjs";
import { EXECUTABLE, ROOT } from "./paths.mjs";
import { requireRoot, setUp } from "./setup.mjs";

/** The main job from a fresh clone: a base image from a template, an image from a Dockerfile, a container's output. */
async function demo() {
  requireRoot();
  await setUp();
  await build();
  if (!hasImage("busybox")) await run(EXECUTABLE, ["template", "build", "busybox"]);
  await run(EXECUTABLE, ["build", "--quiet", "--tag", "hello", join(ROOT, "examples/hello")]);
  await run(EXECUTABLE, ["run", "--rm", "hello"]);
}

/** @param {string} name */
function hasImage(name) {
  return spawnSync(EXECUTABLE, ["inspect", "--type", "image", name], { stdio: "ignore" }).status === 0;
}

await asCommand(import.meta.url, demo);
