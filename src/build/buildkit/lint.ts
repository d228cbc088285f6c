import { LighterError } from "../../base/errors.ts";
import { prepareDockerfile } from "../build-dockerfile.ts";
import type { BuildParts } from "../build-parts.ts";
import type { DockerfileRequest } from "../dockerfile-request.ts";
import { openDockerfile } from "../frontend/open-dockerfile.ts";
import type { StatusSink, VertexWarning } from "../graph/status.ts";

/** What a Dockerfile's check found, and where it was looked for. */
export interface Checked {
  readonly source: { readonly name: string; readonly text: string };
  readonly warnings: readonly VertexWarning[];
}

/** Reads, compiles and checks a Dockerfile, and builds nothing. @throws for what the Dockerfile has wrong */
export async function findingsOf(parts: BuildParts, request: DockerfileRequest): Promise<Checked> {
  const warnings: VertexWarning[] = [];
  const status: StatusSink = (said) => {
    warnings.push(...(said.warnings ?? []));
    return request.status(said);
  };
  await using opened = await openDockerfile(parts, { ...request, status });
  try {
    await using _prepared = await prepareDockerfile(parts, opened);
  } catch (error) {
    // Findings that fail a build are findings all the same.
    if (!(error instanceof LighterError) || error.code !== "CHECK_FAILED") throw error;
  }
  return { source: opened.source, warnings };
}

/** The question that `docker build --check` asks of a frontend. */
export const LINT_REQUEST = "frontend.lint";

/** Of the answer's form (moby/buildkit, frontend/subrequests/lint). */
const LINT_VERSION = "1.0.0";

/** The answer by the names under which clients look for its parts: for a program, for a person, and as an exit code. */
export function lintAnswer({ source, warnings }: Checked): Record<string, string> {
  return {
    "result.json": JSON.stringify({
      warnings: warnings.map(({ short, url, firstLine, lastLine }) => ({
        ...ruleOf(short),
        url,
        location: { ranges: [{ start: { line: firstLine }, end: { line: lastLine } }] },
      })),
      sources: [{ filename: source.name, language: "Dockerfile", data: Buffer.from(source.text).toString("base64") }],
    }),
    "result.txt": warnings
      .map(({ short, url, firstLine }) => {
        const { ruleName, detail } = ruleOf(short);
        return `\nWARNING: ${ruleName} - ${url}\n${detail}\n${source.name}:${firstLine}\n`;
      })
      .join(""),
    "result.statuscode": warnings.length > 0 ? "1" : "0",
    version: LINT_VERSION,
  };
}

/** Of `Rule: what it found (line 3)`. */
function ruleOf(short: string): { readonly ruleName: string; readonly detail: string } {
  const [, ruleName = "", detail = short] = /^(\w+): (.*?)(?: \(line \d+\))?$/s.exec(short) ?? [];
  return { ruleName, detail };
}
