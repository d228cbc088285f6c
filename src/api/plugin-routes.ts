import { fail } from "../base/errors.ts";
import { json } from "./reply.ts";
import { type Route, route } from "./route.ts";

const NO_PLUGINS = "managed plugins are not implemented";

/** No plugin can be installed, so none is ever found. */
export const PLUGIN_ROUTES: readonly Route[] = [
  route({ method: "GET", path: "/plugins", handle: () => json([]) }),
  route({ method: "GET", path: "/plugins/privileges", handle: notImplemented }),
  route({ method: "POST", path: "/plugins/pull", handle: notImplemented }),
  route({ method: "POST", path: "/plugins/create", handle: notImplemented }),
  route({ method: "GET", path: "/plugins/{name}/json", handle: ({ params }) => notFound(params.name) }),
  route({ method: "DELETE", path: "/plugins/{name}", handle: ({ params }) => notFound(params.name) }),
  ...(["enable", "disable", "upgrade", "push", "set"] as const).map((action) =>
    route({ method: "POST", path: `/plugins/{name}/${action}`, handle: ({ params }) => notFound(params.name) }),
  ),
];

function notImplemented(): never {
  return fail("not-implemented", "NO_PLUGINS", NO_PLUGINS);
}

function notFound(name: string): never {
  return fail("not-found", "PLUGIN_NOT_FOUND", `plugin "${name}" not found`);
}
