import { join } from "node:path";
import { z } from "zod";
import type { Engine } from "../engine/engine.ts";
import { buildTemplate, listTemplates } from "../template/templates.ts";
import { queryText } from "./query.ts";
import { json, progress } from "./reply.ts";
import { type Route, route } from "./route.ts";

/** Lighter's own endpoints: base images without a registry. */
export const TEMPLATE_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/lighter/templates",
    summary: "Base images that can be made without a registry",
    handle: ({ services: { engine } }) => json(listTemplates(engine.parts.images)),
  }),
  route({
    method: "POST",
    path: "/lighter/templates/{name}",
    summary: "Makes one of them",
    query: z.object({ tag: queryText }),
    handle: ({ services: { engine }, params: { name }, query: { tag }, abort }) =>
      progress(build(engine, name, tag, abort)),
  }),
];

/** The template's own progress, then the image's id in the shape in which builds tell theirs. */
async function* build(engine: Engine, name: string, tag: string, signal: AbortSignal) {
  const { layers, images, paths } = engine.parts;
  const image = yield* buildTemplate({ layers, images, temporary: join(paths.root, "tmp") }, name, { tag, signal });
  yield { aux: { ID: image.id } };
}
