import { fail } from "../base/errors.ts";
import { hostArchitecture } from "../image/config.ts";
import type { Image } from "../image/image-store.ts";
import type { BuildRun } from "./build-run.ts";

/**
 * The image that `COPY --from` names: an earlier stage by name or number, or an image of this machine.
 * @param complaint what stands before the reason if there is none.
 * @throws invalid for the stage itself; not-found.
 */
export function imageOfName(build: BuildRun, name: string, complaint: string): Pick<Image, "chainId"> {
  const byName = build.finished.findLast((stage) => stage.name === name.toLowerCase());
  if (byName) return byName.state;
  if (/^\d{1,4}$/.test(name)) {
    const byNumber = build.finished[Number(name)];
    if (byNumber) return byNumber.state;
    const reason = Number(name) === build.finished.length ? "refers to current build stage" : "no such build stage";
    fail("invalid", "NO_SUCH_STAGE", `${complaint}: ${reason}`);
  }
  return build.parts.images.find(name) ?? noSuchImage(name, `${complaint}: `);
}

/**
 * The image that FROM names; null for `scratch`.
 * @throws not-found; invalid for an image of another platform than asked for.
 */
export function baseImage(build: BuildRun, name: string, platform: string): Image | null {
  const stage = build.finished.findLast((finished) => finished.name === name.toLowerCase());
  if (stage) return stage.state.imageId && build.parts.images.get(stage.state.imageId);
  if (name === "scratch") return null;
  const image = build.parts.images.find(name) ?? noSuchImage(name, "");
  const { os, architecture } = image.config;
  if (platform && !matchesPlatform(platform, os, architecture)) {
    fail(
      "invalid",
      "WRONG_PLATFORM",
      `image with reference ${name} was found but its platform (${os}/${architecture}) does not match the specified platform (${platform})`,
    );
  }
  return image;
}

/** Other names that people use for architectures (containerd/platforms). */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  "x86-64": "amd64",
  aarch64: "arm64",
  i386: "386",
};

function matchesPlatform(platform: string, os: string, architecture: string): boolean {
  const parts = platform.toLowerCase().split("/");
  const [first = "", second] = parts;
  // A word alone is an architecture, or an operating system on this machine's.
  const isArchitecture = second === undefined && first !== "linux" && first !== "windows";
  const wantedOs = isArchitecture ? "linux" : first;
  const wanted = isArchitecture ? first : (second ?? hostArchitecture());
  return wantedOs === os && (ARCHITECTURES[wanted] ?? wanted) === architecture;
}

function noSuchImage(name: string, complaint: string): never {
  fail(
    "not-found",
    "IMAGE_NOT_FOUND",
    `${complaint}No such image: ${name} (images cannot be pulled yet: load, import or build it, or make a base image with "lighter template build")`,
  );
}
