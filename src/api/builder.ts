import { type BuildParts, openBuilder } from "../build/build-parts.ts";
import type { Engine } from "../engine/engine.ts";
import { runBuildStep } from "../engine/run-build-step.ts";
import { canonicalRepository } from "../image/reference.ts";

const builders = new WeakMap<Engine, BuildParts>();

/** The engine's builder, which works beside it on its parts: one for all doors. */
export function builderOf(engine: Engine): BuildParts {
  const known = builders.get(engine);
  if (known) return known;
  const { parts } = engine;
  const builder = openBuilder({
    store: parts.store,
    content: parts.content,
    images: parts.images,
    layers: parts.layers,
    snapshotter: parts.snapshotter,
    root: parts.paths.root,
    run: parts.paths.run,
    discard: (path) => parts.trash.discard(path),
    runStep: (step) => runBuildStep(parts, step),
    tag: (imageId, reference) =>
      engine.images.tag(imageId, canonicalRepository(reference), reference.tag ?? "", "build"),
    pull: async (reference, platform, { login, report, signal }) => {
      const [{ pullImage }, { parsePlatform }, { credentialsOf, ANONYMOUS }] = await Promise.all([
        import("../registry/client/pull.ts"),
        import("../image/platform.ts"),
        import("../registry/client/credentials.ts"),
      ]);
      const pull = pullImage(parts, {
        reference,
        platform: platform === "" ? null : parsePlatform(platform),
        auth: login === null ? ANONYMOUS : credentialsOf({ ...login, identitytoken: login.identityToken }),
        abort: signal,
      });
      for await (const { id = "", status, progressDetail } of pull) {
        const { current = 0, total = 0 } = progressDetail ?? {};
        report({ id, name: status ?? "", current, total, started: null, completed: null });
      }
    },
  });
  builders.set(engine, builder);
  return builder;
}
