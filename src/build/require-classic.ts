import { fail } from "../base/errors.ts";

/**
 * Refuses what only BuildKit does, with the classic builder's own words.
 * @param used each such option, and whether the instruction has it.
 */
export function requireClassic(used: Readonly<Record<string, boolean>>): void {
  for (const [option, isUsed] of Object.entries(used)) {
    if (isUsed) {
      fail(
        "not-implemented",
        "NEEDS_BUILDKIT",
        `the --${option} option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/ to learn how to build images with BuildKit enabled`,
      );
    }
  }
}
