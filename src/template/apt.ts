import { existsSync } from "node:fs";
import { fail, messageOf } from "../base/errors.ts";
import { command, commandLines } from "./command.ts";
import type { TemplateProgress } from "./template.ts";

/**
 * Sees to it that a program of a package is there, installing the package where that is possible.
 * @param isGood for a path that another package may own.
 * @throws unavailable `TEMPLATE_UNAVAILABLE`, naming the command to run.
 */
export async function* needPackage(
  path: string,
  packageName: string,
  isGood: (path: string) => boolean = () => true,
  signal?: AbortSignal,
): AsyncGenerator<TemplateProgress, void> {
  const isThere = () => existsSync(path) && isGood(path);
  if (isThere()) return;
  const advice = `install it with: apt-get install ${packageName}`;
  if (!existsSync("/usr/bin/apt-get")) unavailable(`${path} of the package ${packageName} is missing: install it`);
  if (process.getuid?.() !== 0) unavailable(`${path} of the package ${packageName} is missing: as root, ${advice}`);
  yield { status: `Installing ${packageName}` };
  const install = () =>
    drain(command("apt-get", ["install", "-y", "--no-install-recommends", packageName], { env, signal }));
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  try {
    // The lists may be missing or too old; they are only fetched then, for that takes longer than the package.
    await install().catch(async () => {
      await drain(command("apt-get", ["update"], { env, signal }));
      await install();
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    unavailable(`cannot install ${packageName} (${messageOf(error)}): ${advice}`, error);
  }
  if (!isThere()) unavailable(`${packageName} is installed but ${path} is not what it should be: reinstall it`);
}

/** An entry of the machine's own apt configuration. */
export interface AptSource {
  /** `http://host/debian`. */
  readonly site: string;
  readonly release: string;
  readonly component: string;
}

/** Where this machine's apt gets its packages from, in the order configured. */
export async function aptSources(): Promise<AptSource[]> {
  if (!existsSync("/usr/bin/apt-get")) return [];
  const format = "$(SITE)|$(RELEASE)|$(COMPONENT)";
  return parseAptSources(
    await commandLines("apt-get", ["indextargets", "--no-release-info", "--format", format, "Created-By: Packages"]),
  );
}

/** @param lines `site|release|component`, as {@link aptSources} asks for. */
export function parseAptSources(lines: readonly string[]): AptSource[] {
  const unique = [...new Set(lines)];
  return unique.flatMap((line) => {
    const [site, release, component] = line.split("|");
    return site && release && component ? [{ site: site.replace(/\/+$/, ""), release, component }] : [];
  });
}

/** The environment in which wget finds the proxy that apt is configured to use. */
export async function aptProxyEnvironment(): Promise<Record<string, string>> {
  const lines = await commandLines("apt-config", ["dump", "Acquire::http::Proxy", "Acquire::https::Proxy"]);
  return parseAptProxies(lines);
}

/** @param lines `Acquire::http::Proxy "http://host:3128";` */
export function parseAptProxies(lines: readonly string[]): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const line of lines) {
    const match = /^Acquire::(https?)::Proxy "(.+)";$/i.exec(line);
    if (match?.[1] && match[2] && match[2] !== "DIRECT") environment[`${match[1].toLowerCase()}_proxy`] = match[2];
  }
  return environment;
}

async function drain(lines: AsyncIterable<string>): Promise<void> {
  for await (const _ of lines);
}

function unavailable(message: string, cause?: unknown): never {
  fail("unavailable", "TEMPLATE_UNAVAILABLE", message, { cause });
}
