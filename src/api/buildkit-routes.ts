import type { IncomingHttpHeaders } from "node:http";
import type { SessionOffer } from "../build/buildkit/sessions.ts";
import { doorOf } from "./buildkit-door.ts";
import { upgrade } from "./reply.ts";
import { type Route, route } from "./route.ts";

/** What Docker's clients ask the connection to become: HTTP/2 without TLS, with prior knowledge. */
const PROTOCOL = "h2c";

/** BuildKit's protocol. Its code is loaded with the first client that asks for it. */
export const BUILDKIT_ROUTES: readonly Route[] = [
  route({
    method: "POST",
    path: "/grpc",
    summary: "BuildKit's protocol",
    hijacks: true,
    handle: async ({ services }) => {
      const { serve } = await doorOf(services.engine);
      return upgrade(PROTOCOL, serve);
    },
  }),
  route({
    method: "POST",
    path: "/session",
    summary: "A connection over which a build asks its client for files and secrets",
    hijacks: true,
    handle: async ({ services, headers }) => {
      const { sessions } = await doorOf(services.engine);
      const offer = sessionOffer(headers);
      sessions.assertFree(offer.id);
      return upgrade(PROTOCOL, (connection) => sessions.serve(connection, offer));
    },
  }),
];

function sessionOffer(headers: IncomingHttpHeaders): SessionOffer {
  const header = (name: string) => [headers[`x-docker-expose-session-${name}`] ?? ""].flat().join(", ");
  return {
    id: header("uuid"),
    sharedKey: header("sharedkey"),
    // One header for each method, joined by the parser.
    methods: header("grpc-method").split(", "),
  };
}
