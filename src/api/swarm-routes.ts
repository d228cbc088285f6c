import { fail } from "../base/errors.ts";
import { type Method, type Route, route } from "./route.ts";

/** Swarm is not part of Lighter: its endpoints answer as an engine does that is in no swarm. */
const MANAGER_ONLY: readonly (readonly [Method, string])[] = [
  ["GET", "/swarm"],
  ["POST", "/swarm/update"],
  ["GET", "/swarm/unlockkey"],
  ["POST", "/swarm/unlock"],
  ["GET", "/nodes"],
  ["GET", "/nodes/{id}"],
  ["DELETE", "/nodes/{id}"],
  ["POST", "/nodes/{id}/update"],
  ["GET", "/services"],
  ["POST", "/services/create"],
  ["GET", "/services/{id}/logs"],
  ["GET", "/services/{id}"],
  ["DELETE", "/services/{id}"],
  ["POST", "/services/{id}/update"],
  ["GET", "/tasks"],
  ["GET", "/tasks/{id}/logs"],
  ["GET", "/tasks/{id}"],
  ["GET", "/secrets"],
  ["POST", "/secrets/create"],
  ["GET", "/secrets/{id}"],
  ["DELETE", "/secrets/{id}"],
  ["POST", "/secrets/{id}/update"],
  ["GET", "/configs"],
  ["POST", "/configs/create"],
  ["GET", "/configs/{id}"],
  ["DELETE", "/configs/{id}"],
  ["POST", "/configs/{id}/update"],
];

const NOT_A_MANAGER =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';
const NO_SWARM = "swarm mode is not implemented: run containers on one machine, or use Kubernetes for several";

export const SWARM_ROUTES: readonly Route[] = [
  ...MANAGER_ONLY.map(([method, path]) =>
    route({
      method,
      path,
      summary: "Belongs to a swarm's manager",
      limits: "The engine is in no swarm: 503",
      handle: () => fail("unavailable", "NOT_A_SWARM_MANAGER", NOT_A_MANAGER),
    }),
  ),
  route({
    method: "POST",
    path: "/swarm/leave",
    summary: "Leaves the swarm",
    limits: "The engine is in none: 503",
    handle: () => fail("unavailable", "NOT_IN_A_SWARM", "This node is not part of a swarm"),
  }),
  route({
    method: "POST",
    path: "/swarm/init",
    summary: "Makes a swarm",
    limits: "Several machines are Kubernetes' work: 501",
    handle: () => fail("not-implemented", "NO_SWARM", NO_SWARM),
  }),
  route({
    method: "POST",
    path: "/swarm/join",
    summary: "Joins a swarm",
    limits: "Several machines are Kubernetes' work: 501",
    handle: () => fail("not-implemented", "NO_SWARM", NO_SWARM),
  }),
];
