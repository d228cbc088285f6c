import { fail } from "../base/errors.ts";
import { json } from "./reply.ts";
import { type Route, route } from "./route.ts";

const NO_PLUGINS = "managed plugins are not implemented";

/** No plugin can be installed, so none is ever found. */
export const PLUGIN_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/plugins",
    summary: "Lists plugins",
    limits: "There are none",
    handle: () => json([]),
  }),
  route({
    method: "GET",
    path: "/plugins/privileges",
    summary: "What a plugin asks for",
    limits: "Managed plugins are programs for Docker's own interfaces inside its daemon: 501",
    handle: notImplemented,
  }),
  route({
    method: "POST",
    path: "/plugins/pull",
    summary: "Installs a plugin",
    limits: "As above: 501",
    handle: notImplemented,
  }),
  route({
    method: "POST",
    path: "/plugins/create",
    summary: "Makes a plugin",
    limits: "As above: 501",
    handle: notImplemented,
  }),
  route({
    method: "GET",
    path: "/plugins/{name}/json",
    summary: "All about a plugin",
    limits: "There are none: 404",
    handle: ({ params }) => notFound(params.name),
  }),
  route({
    method: "DELETE",
    path: "/plugins/{name}",
    summary: "Removes a plugin",
    limits: "There are none: 404",
    handle: ({ params }) => notFound(params.name),
  }),
  ...(["enable", "disable", "upgrade", "push", "set"] as const).map((action) =>
    route({
      method: "POST",
      path: `/plugins/{name}/${action}`,
      summary: "Changes a plugin",
      limits: "There are none: 404",
      handle: ({ params }) => notFound(params.name),
    }),
  ),
];

function notImplemented(): never {
  return fail("not-implemented", "NO_PLUGINS", NO_PLUGINS);
}

function notFound(name: string): never {
  return fail("not-found", "PLUGIN_NOT_FOUND", `plugin "${name}" not found`);
}
