import { readFileSync } from "node:fs";
import { arch, release } from "node:os";
import { type Capability, readBoundingSet } from "./capabilities.ts";
import { readDefaultMaskedPaths } from "./masked-paths.ts";
import { readHardLimits } from "./ulimits.ts";

/** Facts of this machine on which specs depend. They do not change while an engine runs. */
export interface Host {
  readonly capabilities: ReadonlySet<Capability>;
  readonly kernel: KernelVersion;
  /** As Go names it, which profiles do. */
  readonly architecture: "amd64" | "arm64";
  readonly maskedPaths: readonly string[];
  /** What resource limits cannot exceed, by `RLIMIT_` name; empty with CAP_SYS_RESOURCE, which may raise them (getrlimit(2)). */
  readonly hardLimits: ReadonlyMap<string, number>;
  /** Whether the kernel confines by AppArmor; only then can a profile be asked for. */
  readonly apparmor: boolean;
}

export interface KernelVersion {
  readonly major: number;
  readonly minor: number;
}

export function readHost(): Host {
  const capabilities = readBoundingSet();
  return {
    capabilities,
    kernel: parseKernelVersion(release()),
    architecture: arch() === "arm64" ? "arm64" : "amd64",
    maskedPaths: readDefaultMaskedPaths(),
    hardLimits: capabilities.has("CAP_SYS_RESOURCE") ? new Map() : readHardLimits(),
    apparmor: hasAppArmor(),
  };
}

function hasAppArmor(): boolean {
  try {
    return readFileSync("/sys/module/apparmor/parameters/enabled", "utf8").startsWith("Y");
  } catch {
    // Not built in.
    return false;
  }
}

/** `6.18.44-fc` is 6.18; what is no version is 0.0, older than everything. */
export function parseKernelVersion(text: string): KernelVersion {
  const [, major = "0", minor = "0"] = /^(\d+)\.(\d+)/.exec(text) ?? [];
  return { major: Number(major), minor: Number(minor) };
}

export function isAtLeast(kernel: KernelVersion, major: number, minor: number): boolean {
  return kernel.major > major || (kernel.major === major && kernel.minor >= minor);
}
