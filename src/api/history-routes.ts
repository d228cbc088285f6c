import { z } from "zod";
import { fail } from "../base/errors.ts";
import { applyChanges } from "../build/apply-changes.ts";
import type { CommitBase } from "../engine/commit-container.ts";
import { ContainerConfigSchema } from "../engine/container-config.ts";
import type { ImageRunConfig } from "../image/config.ts";
import { parsePlace } from "../image/place.ts";
import { COMMIT_QUERY, commitOptions } from "./commit-options.ts";
import { queryFlag, queryText } from "./query.ts";
import { json } from "./reply.ts";
import { optionalJsonBody } from "./request-body.ts";
import { type Route, route } from "./route.ts";

/** Lighter's own endpoints: images as a history. `{name}` may have a place behind it: `app@1`, `app@{2}`, `app@3fa8`. */
export const HISTORY_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/lighter/images/tree",
    summary: "Which image came from which",
    handle: ({ services: { engine } }) => json(engine.history.tree()),
  }),
  route({
    method: "GET",
    path: "/lighter/images/{name}/log",
    summary: "An image's layers as steps of a history",
    query: z.object({ files: queryFlag }),
    handle: async ({ services: { engine }, params: { name }, query: { files }, abort }) =>
      json(await engine.history.log(name, { files, abort })),
  }),
  route({
    method: "GET",
    path: "/lighter/images/{name}/layer",
    summary: "One layer and its files",
    handle: async ({ services: { engine }, params: { name }, abort }) => json(await engine.history.layer(name, abort)),
  }),
  route({
    method: "GET",
    path: "/lighter/images/{name}/diff",
    summary: "In which files two images differ",
    query: z.object({ to: queryText }),
    handle: async ({ services: { engine }, params: { name }, query: { to }, abort }) => {
      if (to === "") fail("invalid", "NO_SECOND_IMAGE", "to must name what to compare with");
      return json(await engine.history.diff(name, to, abort));
    },
  }),
  route({
    method: "GET",
    path: "/lighter/images/{name}/reflog",
    summary: "What a name stood for",
    handle: ({ services: { engine }, params: { name } }) => json(engine.history.reflog(name)),
  }),
  route({
    method: "POST",
    path: "/lighter/images/{name}/rollback",
    summary: "Lets a name stand for an earlier image",
    query: z.object({ to: queryText }),
    handle: async ({ services: { engine }, params: { name }, query: { to } }) =>
      json(await engine.history.rollback(name, parsePlace(to || ONE_BACK), applyInstruction)),
  }),
  route({
    method: "GET",
    path: "/lighter/containers/{id}/reflog",
    summary: "What a container's files stood on",
    handle: ({ services: { engine }, params: { id } }) => json(engine.containers.past(id)),
  }),
  route({
    method: "POST",
    path: "/lighter/containers/{id}/rollback",
    summary: "Takes a container back to an earlier state",
    query: z.object({ to: queryText, restart: queryFlag }),
    handle: async ({ services: { engine }, params: { id }, query: { to, restart } }) =>
      json(
        await engine.containers.rollback(id, { place: parsePlace(to || ONE_BACK), restart, apply: applyInstruction }),
      ),
  }),
  route({
    method: "POST",
    path: "/lighter/containers/{id}/rebase",
    summary: "Puts a container's changes on another image",
    query: z.object({ base: queryText, restart: queryFlag }),
    handle: async ({ services: { engine }, params: { id }, query: { base, restart }, abort }) => {
      if (base === "") fail("invalid", "NO_BASE", "base must name the image to put the container's changes on");
      return json(await engine.containers.rebase(id, { base, restart, abort }));
    },
  }),
  route({
    method: "POST",
    path: "/lighter/containers/{id}/commit",
    summary: "Makes an image of a container, on a base of choice",
    query: z.object({ ...COMMIT_QUERY, squash: queryText, rebase: queryText }),
    body: optionalJsonBody(ContainerConfigSchema),
    handle: async ({ services: { engine }, params: { id }, query, body, abort }) => {
      const options = { ...commitOptions(query, body), base: commitBase(query.squash, query.rebase), abort };
      return json(await engine.containers.commit(id, options), 201);
    },
  }),
];

/** Lighter's own commit puts each one on the last, unless it is told otherwise. */
function commitBase(squash: string, rebase: string): CommitBase {
  if (rebase !== "" && squash !== "") {
    fail("invalid", "SQUASH_AND_REBASE", "a rebased commit is one layer already: give either squash or rebase");
  }
  if (rebase !== "") return { kind: "rebase", image: rebase };
  switch (squash) {
    case "":
      return { kind: "last" };
    case "base":
      return { kind: "origin" };
    case "all":
      return { kind: "nothing" };
    default:
      return fail("invalid", "INVALID_SQUASH", `squash must be base or all, not ${JSON.stringify(squash)}`);
  }
}

const ONE_BACK = "1";

function applyInstruction(config: ImageRunConfig, instruction: string): ImageRunConfig {
  return { ...config, ...applyChanges(config, [instruction]) };
}
