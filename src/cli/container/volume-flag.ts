import { path } from "../builtin.ts";

/** All of `-v`: what is bound from somewhere, and the paths that get an anonymous volume. */
export function parseVolumes(words: readonly string[]): { binds: string[]; anonymous: Record<string, object> } {
  const binds: string[] = [];
  const anonymous: Record<string, object> = {};
  for (const word of words) {
    const [source = "", ...rest] = word.split(":");
    if (rest.length === 0) {
      anonymous[source] = {};
      continue;
    }
    if (source === "" || rest[0] === "") throw new Error(`invalid spec: ${word}: empty section between colons`);
    // A relative directory is the caller's; a bare name is a volume.
    binds.push([source.startsWith(".") ? path().resolve(source) : source, ...rest].join(":"));
  }
  return { binds, anonymous };
}
