import { hostArchitecture } from "../../image/config.ts";
import { formatPlatform, type Platform } from "../../image/platform.ts";
import type { Lookup } from "../dockerfile/expand.ts";
import { variableName } from "./change-config.ts";

/** Usable without an ARG; they leave no trace in history or cache unless an ARG names them (Dockerfile reference, "Predefined ARGs"). */
const PROXIES: ReadonlySet<string> = new Set(
  ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"].flatMap((name) => [name, name.toLowerCase()]),
);

/** Read by the builder itself; nobody needs to ask for them. */
const OWN: ReadonlySet<string> = new Set([
  "BUILDKIT_SYNTAX",
  "BUILDKIT_INLINE_CACHE",
  "BUILDKIT_CONTEXT_KEEP_GIT_DIR",
  "BUILDKIT_DOCKERFILE_CHECK",
  "BUILDKIT_MULTI_PLATFORM",
  "BUILDKIT_SANDBOX_HOSTNAME",
  "SOURCE_DATE_EPOCH",
]);

/** Known before the first FROM (Dockerfile reference, "Automatic platform ARGs in the global scope"). */
function platformArgs(target: Platform, targetStage: string): [string, string][] {
  const build: Platform = { os: "linux", architecture: hostArchitecture(), variant: "" };
  const of = (prefix: string, platform: Platform): [string, string][] => [
    [`${prefix}PLATFORM`, formatPlatform(platform)],
    [`${prefix}OS`, platform.os],
    [`${prefix}OSVERSION`, ""],
    [`${prefix}ARCH`, platform.architecture],
    [`${prefix}VARIANT`, platform.variant],
  ];
  return [...of("BUILD", build), ...of("TARGET", target), ["TARGETSTAGE", targetStage || "default"]];
}

/**
 * Build-time variables. Those before the first FROM are seen by FROM only; a stage sees what its own ARGs name, with
 * the value of `--build-arg`, else its default, else that of the ARG before the first FROM.
 */
export class BuildArgs {
  readonly #given: ReadonlyMap<string, string | null>;
  readonly #global: Map<string, string | null>;
  #stage = new Map<string, string | null>();
  readonly #used = new Set<string>();

  /** @param given from `--build-arg`; null where a name came without value and the client had none. */
  constructor(given: ReadonlyMap<string, string | null>, target: Platform, targetStage: string) {
    this.#given = given;
    this.#global = new Map(platformArgs(target, targetStage));
  }

  declareGlobal(name: string, value: string | null): void {
    this.#used.add(name);
    this.#global.set(name, this.#given.get(name) ?? value ?? this.#global.get(name) ?? null);
  }

  beginStage(): void {
    this.#stage = new Map();
  }

  declare(name: string, value: string | null): void {
    this.#used.add(name);
    this.#stage.set(name, this.#given.get(name) ?? value ?? this.#global.get(name) ?? null);
  }

  /** What FROM sees. */
  globalLookup: Lookup = (name) => this.#global.get(name) ?? undefined;

  /** What a stage's instructions see: its environment first, whatever the arguments say. */
  stageLookup(environment: readonly string[]): Lookup {
    return (name) => {
      const entry = environment.find((candidate) => variableName(candidate) === name);
      return entry?.slice(name.length + 1) ?? this.#value(name) ?? undefined;
    };
  }

  /** `name=value` for RUN, sorted, without those that the environment has: what ARGs name, and proxies. */
  forRun(environment: readonly string[]): string[] {
    const taken = new Set(environment.map(variableName));
    return [...new Set([...this.#stage.keys(), ...PROXIES])]
      .filter((name) => !taken.has(name))
      .flatMap((name) => {
        const value = this.#value(name);
        return value === null ? [] : `${name}=${value}`;
      })
      .sort();
  }

  /** Those of {@link forRun} that history and cache know of. */
  recorded(variables: readonly string[]): string[] {
    return variables.filter((variable) => {
      const name = variableName(variable);
      return this.#stage.has(name) || !PROXIES.has(name);
    });
  }

  /** What was given and no ARG asked for, sorted. */
  unused(): string[] {
    return [...this.#given.keys()]
      .filter((name) => !this.#used.has(name) && !PROXIES.has(name) && !OWN.has(name))
      .sort();
  }

  /** A value that the builder itself reads. */
  given(name: string): string | null {
    return this.#given.get(name) ?? null;
  }

  isGlobal(name: string): boolean {
    return this.#global.has(name);
  }

  isDeclared(name: string): boolean {
    return this.#stage.has(name);
  }

  #value(name: string): string | null {
    if (this.#stage.has(name)) return this.#stage.get(name) ?? null;
    return PROXIES.has(name) ? (this.#given.get(name) ?? null) : null;
  }
}
