import { fail } from "../../base/errors.ts";
import { isHttpUrl, parseGitUrl } from "../git-url.ts";
import type { Edge, Source } from "../graph/operation.ts";
import { vertexOf } from "../graph/vertex.ts";

/** Files to build with: a directory of the client's, or what a URL names. */
export function contextEdge(
  place: { readonly local: string; readonly exclude: readonly string[] } | { readonly url: string },
): Edge {
  const source = sourceOf(place);
  const name =
    source.type === "local"
      ? `[internal] load build context${source.name === "context" ? "" : ` ${source.name}`}`
      : `[internal] load remote build context`;
  return { vertex: vertexOf({ kind: "source", source }, [], { name }), output: 0 };
}

function sourceOf(place: Parameters<typeof contextEdge>[0]): Source {
  if ("local" in place) {
    return {
      type: "local",
      name: place.local,
      include: [],
      exclude: place.exclude,
      follow: [],
      sharedKey: place.local,
    };
  }
  const git = parseGitUrl(place.url);
  if (git) return { type: "git", ...git, keepGitDirectory: false, checksum: null, skipSubmodules: false };
  if (isHttpUrl(place.url)) {
    return { type: "http", url: place.url, checksum: null, fileName: "context", mode: 0o600, uid: 0, gid: 0 };
  }
  return fail("invalid", "BUILD_CONTEXT", `unsupported build context: ${place.url}`);
}
