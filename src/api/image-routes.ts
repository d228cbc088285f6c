import { z } from "zod";
import { fail } from "../base/errors.ts";
import { applyChanges } from "../build/apply-changes.ts";
import { ContainerConfigSchema } from "../engine/container-config.ts";
import { parseRepositoryAndTag } from "../image/reference.ts";
import { since } from "./api-version.ts";
import { COMMIT_QUERY, commitOptions } from "./commit-options.ts";
import { imageDocumentFor, imageSummaryFor } from "./image-versions.ts";
import { queryFilters, queryFlag, queryText, queryTexts } from "./query.ts";
import { pull } from "./registry-routes.ts";
import { bytes, empty, json, progress } from "./reply.ts";
import { optionalJsonBody, streamBody } from "./request-body.ts";
import { type Route, route } from "./route.ts";

const TAR = "application/x-tar";

export const IMAGE_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/images/json",
    summary: "Lists images",
    limits: "`manifests` is not known: an image here has one platform",
    query: z.object({ all: queryFlag, filters: queryFilters, "shared-size": queryFlag, filter: queryText }),
    handle: ({ services: { engine }, query, version }) => {
      const { all, filters, filter: name } = query;
      // One name was a parameter of its own until filters took it over.
      const byName =
        name !== "" && !since(version, 41) ? new Map([...filters, ["reference", [name]] as const]) : filters;
      const sharedSize = query["shared-size"] && since(version, 42);
      const images = engine.images.list({ all, filters: byName, sharedSize });
      return json(images.map((image) => imageSummaryFor(version, image)));
    },
  }),
  route({
    method: "POST",
    path: "/images/create",
    summary: "Pulls an image from a registry, or imports an archive",
    limits: "`fromSrc` takes no URL: download it and import the file",
    query: z.object({
      fromImage: queryText,
      fromSrc: queryText,
      platform: queryText,
      repo: queryText,
      tag: queryText,
      message: queryText,
      changes: queryTexts,
    }),
    body: streamBody,
    handle: (exchange) => {
      const { services, query, body, abort } = exchange;
      const { fromImage, fromSrc, platform, repo: repository, tag, message, changes } = query;
      if (fromImage !== "") return pull(exchange, { image: fromImage, tag, platform });
      if (fromSrc === "") fail("invalid", "NO_SOURCE", "fromImage or fromSrc must say where the image comes from");
      if (fromSrc !== "-") {
        fail("not-implemented", "IMPORT_URL", `cannot import ${fromSrc}: download it and import the file`);
      }
      const reference = repository === "" ? null : parseRepositoryAndTag(repository, tag);
      return progress(
        services.engine.images.import(body, { reference, message, config: { ...applyChanges({}, changes) }, abort }),
      );
    },
  }),
  route({
    method: "GET",
    path: "/images/get",
    summary: "Images as one archive, in Docker's and in OCI's layout",
    limits: "`platform` is not known: an image here has one",
    query: z.object({ names: queryTexts }),
    handle: async ({ services: { engine }, query: { names } }) => {
      // The docker CLI repeats the parameter, others put commas between the names.
      const references = names.flatMap((name) => name.split(",")).filter((name) => name !== "");
      if (references.length === 0) fail("invalid", "NO_IMAGES", "names must name at least one image");
      return bytes(TAR, engine.images.save(references));
    },
  }),
  route({
    method: "POST",
    path: "/images/load",
    summary: "Takes images from such an archive",
    limits: "`platform` is not known: the image for this machine is taken",
    body: streamBody,
    handle: ({ services: { engine }, body, abort }) => progress(engine.images.load(body, { abort })),
  }),
  route({
    method: "POST",
    path: "/images/prune",
    summary: "Removes images that nobody uses",
    query: z.object({ filters: queryFilters }),
    handle: async ({ services: { engine }, query }) => json(await engine.images.prune(query.filters)),
  }),
  route({
    method: "GET",
    path: "/images/{name}/json",
    summary: "All about an image",
    limits: "`manifests` and `platform` are not known: an image here has one platform",
    handle: ({ services: { engine }, params: { name }, version }) =>
      json(imageDocumentFor(version, engine.images.inspect(name))),
  }),
  route({
    method: "GET",
    path: "/images/{name}/history",
    summary: "The steps in which an image was made",
    limits: "`platform` is not known: an image here has one",
    handle: ({ services: { engine }, params: { name } }) => json(engine.images.history(name)),
  }),
  route({
    method: "GET",
    path: "/images/{name}/get",
    summary: "An image as an archive",
    limits: "`platform` is not known: an image here has one",
    handle: async ({ services: { engine }, params: { name } }) => bytes(TAR, engine.images.save([name])),
  }),
  route({
    method: "POST",
    path: "/images/{name}/tag",
    summary: "Gives an image a further name",
    query: z.object({ repo: queryText, tag: queryText }),
    handle: ({ services: { engine }, params: { name }, query: { repo, tag } }) => {
      engine.images.tag(name, repo, tag);
      return empty(201);
    },
  }),
  route({
    method: "DELETE",
    path: "/images/{name}",
    summary: "Takes a name from an image, and removes it with the last",
    limits: "`platforms` is not known: an image here has one",
    query: z.object({ force: queryFlag, noprune: queryFlag }),
    handle: async ({ services: { engine }, params: { name }, query: { force, noprune: noPrune } }) =>
      json(await engine.images.remove(name, { force, noPrune })),
  }),
  route({
    method: "POST",
    path: "/commit",
    summary: "Makes an image of a container",
    query: z.object({ ...COMMIT_QUERY, container: queryText }),
    body: optionalJsonBody(ContainerConfigSchema),
    handle: async ({ services: { engine }, query, body, abort }) => {
      const options = { ...commitOptions(query, body), base: { kind: "root" }, abort } as const;
      return json(await engine.containers.commit(query.container, options), 201);
    },
  }),
];
