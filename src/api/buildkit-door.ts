import type { Door } from "../build/buildkit/door.ts";
import type { Engine } from "../engine/engine.ts";
import { builderOf } from "./builder.ts";
import { pushForBuild } from "./push-image.ts";

const doors = new WeakMap<Engine, Promise<Door>>();

/** The engine's end of BuildKit's protocol: loaded and made when the first client asks for it. */
export function doorOf(engine: Engine): Promise<Door> {
  const known = doors.get(engine) ?? open(engine);
  doors.set(engine, known);
  return known;
}

async function open(engine: Engine): Promise<Door> {
  const [{ openDoor }, { buildDockerfile }, { solve }, { listCache, pruneCache }, { findingsOf }] = await Promise.all([
    import("../build/buildkit/door.ts"),
    import("../build/build-dockerfile.ts"),
    import("../build/graph/solve.ts"),
    import("../build/prune.ts"),
    import("../build/buildkit/lint.ts"),
  ]);
  const builder = builderOf(engine);
  return openDoor({
    images: builder.images,
    layers: builder.layers,
    content: engine.parts.content,
    temporary: builder.temporary,
    tag: builder.tag,
    push: (...image) => pushForBuild(engine, ...image),
    root: engine.parts.paths.root,
    run: engine.parts.paths.run,
    log: engine.parts.log,
    buildDockerfile: (request) => buildDockerfile(builder, request),
    checkDockerfile: (request) => findingsOf(builder, request),
    solve: (request) => solve(builder, request),
    listCache: () => listCache(builder),
    pruneCache: (options) => pruneCache(builder, options),
  });
}
