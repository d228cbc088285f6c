import { hostArchitecture } from "../image/config.ts";

/** Other names that people use for architectures (containerd/platforms). */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  "x86-64": "amd64",
  aarch64: "arm64",
  i386: "386",
};

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant: string;
}

/** `linux/arm64/v8`, `linux`, `arm64`; what is left out, or all of an empty text, is this machine's. */
export function parsePlatform(text: string): Platform {
  const [first = "", second, variant = ""] = text.toLowerCase().split("/");
  // A word alone is an architecture, or an operating system on this machine's.
  const isArchitecture = second === undefined && first !== "" && first !== "linux" && first !== "windows";
  const architecture = (isArchitecture ? first : second) || hostArchitecture();
  return {
    os: isArchitecture || first === "" ? "linux" : first,
    architecture: ARCHITECTURES[architecture] ?? architecture,
    variant,
  };
}

export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter(Boolean).join("/");
}

export function matchesPlatform(platform: string, os: string, architecture: string): boolean {
  const wanted = parsePlatform(platform);
  return wanted.os === os && wanted.architecture === architecture;
}
