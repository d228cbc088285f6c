import { fail } from "../base/errors.ts";
import { hostArchitecture } from "./config.ts";

/** What an image runs on, in Go's names. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** `v7`, `v8`; empty for the usual one. */
  readonly variant: string;
}

/** Names that people and kernels use for the same thing (containerd's normalization). */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  "x86-64": "amd64",
  aarch64: "arm64",
  armhf: "arm",
  armel: "arm/v6",
  i386: "386",
  i686: "386",
};

export function hostPlatform(): Platform {
  return normalize("linux", hostArchitecture(), "");
}

/**
 * Reads `linux/arm64/v8`, `arm64` or `linux`; what is left out is the host's.
 * @throws invalid `PLATFORM`, in Docker's words.
 */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split("/");
  if (parts.length > 3 || parts.some((part) => !/^[a-z0-9_.-]+$/.test(part))) {
    fail("invalid", "PLATFORM", `"${text}": invalid argument: expected os/architecture[/variant]`);
  }
  const [first = "", second, variant = ""] = parts;
  if (second !== undefined) return normalize(first, second, variant);
  const isOs = ["linux", "windows", "darwin", "freebsd"].includes(first);
  return isOs ? normalize(first, hostArchitecture(), "") : normalize("linux", first, "");
}

export function formatPlatform({ os, architecture, variant }: Platform): string {
  return variant === "" ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/** What is said of each image in an index (OCI image spec, image-index.md). */
interface IndexEntry {
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string | null } | null;
}

/**
 * The entry of an index that fits a platform best: the same architecture, and of ARM the newest variant that is not
 * newer than the one wanted. Attestations and the like have the platform `unknown/unknown` and so never fit.
 */
export function chooseManifest<Entry extends IndexEntry>(manifests: readonly Entry[], wanted: Platform): Entry | null {
  let best: { readonly descriptor: Entry; readonly rank: number } | null = null;
  for (const descriptor of manifests) {
    const { platform } = descriptor;
    if (!platform) continue;
    const rank = fitness(normalize(platform.os, platform.architecture, platform.variant ?? ""), wanted);
    if (rank > 0 && rank > (best?.rank ?? 0)) best = { descriptor, rank };
  }
  return best?.descriptor ?? null;
}

export function fits(platform: Platform, wanted: Platform): boolean {
  return fitness(normalize(platform.os, platform.architecture, platform.variant), wanted) > 0;
}

/** 0 for "does not run there"; the higher, the better. */
function fitness(offered: Platform, wanted: Platform): number {
  if (offered.os !== wanted.os) return 0;
  if (offered.architecture === wanted.architecture) {
    const [has, wants] = [level(offered), level(wanted)];
    return has <= wants ? 100 + has : 0;
  }
  // 32-bit ARM runs on 64-bit, as the last resort.
  return wanted.architecture === "arm64" && offered.architecture === "arm" ? 1 + level(offered) : 0;
}

/** Of the variant: 7 in `v7`; no variant is the base of its architecture. */
function level({ architecture, variant }: Platform): number {
  const number = Number(/^v(\d+)/.exec(variant)?.[1] ?? 0);
  const base: Partial<Record<string, number>> = { arm: 7, arm64: 8, amd64: 1 };
  return number || (base[architecture] ?? 0);
}

function normalize(os: string, architecture: string, variant: string): Platform {
  const [name = "", implied = ""] = (ARCHITECTURES[architecture] ?? architecture).split("/");
  return { os, architecture: name, variant: variant || implied };
}
