import { BUILD_ROUTES } from "./build-routes.ts";
import { BUILDKIT_ROUTES } from "./buildkit-routes.ts";
import { CONTAINER_ROUTES } from "./container-routes.ts";
import { EXEC_ROUTES } from "./exec-routes.ts";
import { HISTORY_ROUTES } from "./history-routes.ts";
import { IMAGE_ROUTES } from "./image-routes.ts";
import { METRICS_ROUTES } from "./metrics-routes.ts";
import { NETWORK_ROUTES } from "./network-routes.ts";
import { OWN_BUILD_ROUTES } from "./own-build-routes.ts";
import { PLUGIN_ROUTES } from "./plugin-routes.ts";
import { PROCESS_ROUTES } from "./process-routes.ts";
import { REGISTRY_ROUTES } from "./registry-routes.ts";
import type { Route } from "./route.ts";
import { SWARM_ROUTES } from "./swarm-routes.ts";
import { SYSTEM_ROUTES } from "./system-routes.ts";
import { TEMPLATE_ROUTES } from "./template-routes.ts";
import { VOLUME_ROUTES } from "./volume-routes.ts";

/** The whole Engine API, and Lighter's own endpoints beside it. */
export const ROUTES: readonly Route[] = [
  ...SYSTEM_ROUTES,
  ...CONTAINER_ROUTES,
  ...EXEC_ROUTES,
  ...IMAGE_ROUTES,
  ...REGISTRY_ROUTES,
  ...BUILD_ROUTES,
  ...BUILDKIT_ROUTES,
  ...NETWORK_ROUTES,
  ...VOLUME_ROUTES,
  ...SWARM_ROUTES,
  ...PLUGIN_ROUTES,
  ...PROCESS_ROUTES,
  ...TEMPLATE_ROUTES,
  ...METRICS_ROUTES,
  ...HISTORY_ROUTES,
  ...OWN_BUILD_ROUTES,
];
