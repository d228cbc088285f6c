import { z } from "zod";
import { fail } from "../base/errors.ts";
import { applyChanges } from "../build/apply-changes.ts";
import type { ImageRunConfig } from "../image/config.ts";
import { parsePlace } from "../image/place.ts";
import { queryFlag, queryText } from "./query.ts";
import { json } from "./reply.ts";
import { type Route, route } from "./route.ts";

/** Lighter's own endpoints: images as a history. `{name}` may have a place behind it: `app@1`, `app@{2}`, `app@3fa8`. */
export const HISTORY_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/lighter/images/tree",
    handle: ({ services: { engine } }) => json(engine.history.tree()),
  }),
  route({
    method: "GET",
    path: "/lighter/images/{name}/log",
    query: z.object({ files: queryFlag }),
    handle: async ({ services: { engine }, params: { name }, query: { files }, abort }) =>
      json(await engine.history.log(name, { files, abort })),
  }),
  route({
    method: "GET",
    path: "/lighter/images/{name}/layer",
    handle: async ({ services: { engine }, params: { name }, abort }) => json(await engine.history.layer(name, abort)),
  }),
  route({
    method: "GET",
    path: "/lighter/images/{name}/diff",
    query: z.object({ to: queryText }),
    handle: async ({ services: { engine }, params: { name }, query: { to }, abort }) => {
      if (to === "") fail("invalid", "NO_SECOND_IMAGE", "to must name what to compare with");
      return json(await engine.history.diff(name, to, abort));
    },
  }),
  route({
    method: "GET",
    path: "/lighter/images/{name}/reflog",
    handle: ({ services: { engine }, params: { name } }) => json(engine.history.reflog(name)),
  }),
  route({
    method: "POST",
    path: "/lighter/images/{name}/rollback",
    query: z.object({ to: queryText }),
    handle: async ({ services: { engine }, params: { name }, query: { to } }) =>
      json(await engine.history.rollback(name, parsePlace(to || ONE_BACK), applyInstruction)),
  }),
];

const ONE_BACK = "1";

function applyInstruction(config: ImageRunConfig, instruction: string): ImageRunConfig {
  return { ...config, ...applyChanges(config, [instruction]) };
}
