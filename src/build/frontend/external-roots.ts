import { fail } from "../../base/errors.ts";
import { isIdOf } from "../../image/image-store.ts";
import { canonicalName, familiarName, parseReference, withDefaultTag } from "../../image/reference.ts";
import type { BuildParts } from "../build-parts.ts";
import type { DockerfileRequest } from "../dockerfile-request.ts";
import { isHttpUrl, parseGitUrl } from "../git-url.ts";
import type { Edge, ImageSource } from "../graph/operation.ts";
import { imageOf } from "../graph/source-vertex.ts";
import { vertexOf } from "../graph/vertex.ts";
import { VertexReporter } from "../graph/vertex-reporter.ts";
import { contextEdge } from "./context-edge.ts";
import type { BaseImage } from "./stage-state.ts";

/** A root that is no stage. */
export interface FoundRoot {
  readonly root: Edge | null;
  /** null: files, which have no configuration. */
  readonly image: BaseImage | null;
}

/**
 * Finds what FROM and `--from` name beyond stages: a named context of the request, or an image, looked up (and fetched, where
 * it is missing) once a build. Its layers stay as long as `hold` lasts.
 */
export function externalRoots(
  parts: BuildParts,
  request: DockerfileRequest,
  hold: (held: Disposable) => void,
): (name: string, platform: string) => Promise<FoundRoot> {
  const found = new Map<string, Promise<FoundRoot>>();
  return (name, platform) => {
    const key = `${name} ${platform}`;
    const pending = found.get(key) ?? find(name, platform);
    found.set(key, pending);
    return pending;
  };

  async function find(name: string, platform: string): Promise<FoundRoot> {
    const context = namedContext(request, name);
    if (context === null) return findImage(name, platform);
    if (context.startsWith("docker-image://")) return findImage(context.slice("docker-image://".length), platform);
    if (context.startsWith("local:"))
      return { root: contextEdge({ local: context.slice("local:".length), exclude: [] }), image: null };
    if (isHttpUrl(context) || parseGitUrl(context)) return { root: contextEdge({ url: context }), image: null };
    return fail("invalid", "BUILD_CONTEXT", `unsupported context source for ${name}: ${context}`);
  }

  async function findImage(name: string, platform: string): Promise<FoundRoot> {
    const asked: ImageSource = {
      type: "image",
      reference: name,
      platform,
      resolve: request.pull ? "pull" : "default",
    };
    const shown = canonicalOf(name);
    const vertex = vertexOf({ kind: "source", source: asked }, [], { name: `[internal] load metadata for ${shown}` });
    const reporter = new VertexReporter(vertex, request.status);
    await reporter.started();
    try {
      const image = await imageOf(parts, asked, {
        sources: request.sources,
        report: reporter.count,
        signal: request.abort,
      });
      if (image.chainId !== null) hold(parts.layers.hold([image.chainId]));
      await reporter.completed(false);
      // By its id: whatever the name comes to mean while the build runs, this is the image.
      const source: ImageSource = { ...asked, reference: image.id, resolve: "local" };
      const root = vertexOf({ kind: "source", source }, [], { name: `[internal] FROM ${shown}` });
      return { root: image.chainId === null ? null : { vertex: root, output: 0 }, image };
    } catch (error) {
      await reporter.failed(error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  function canonicalOf(name: string): string {
    const image = parts.images.find(name);
    return image && isIdOf(image, name) ? name : canonicalName(withDefaultTag(parseReference(name)));
  }
}

/** A context of the request by the name that a Dockerfile uses: in any case, and as an image in any of its spellings. */
export function namedContext({ namedContexts }: DockerfileRequest, name: string): string | null {
  const own = namedContexts.get(name) ?? namedContexts.get(name.toLowerCase());
  if (own !== undefined) return own;
  for (const [key, context] of namedContexts) {
    if (key.toLowerCase() === name.toLowerCase() || spelling(key) === spelling(name)) return context;
  }
  return null;
}

function spelling(name: string): string {
  try {
    return familiarName(withDefaultTag(parseReference(name)));
  } catch {
    // Not an image's name: it stands for itself.
    return name;
  }
}
