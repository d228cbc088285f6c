import { fail } from "../../base/errors.ts";
import { ResourcesSchema } from "../../engine/container-config.ts";
import type { DockerfileRequest } from "../dockerfile-request.ts";
import type { Entitlement } from "../graph/solver.ts";
import { LINT_REQUEST } from "./lint.ts";

/** What clients say to a frontend: texts by name (moby/buildkit, frontend/dockerui and frontend/dockerfile/docs). */
export type FrontendAttrs = Readonly<Record<string, string>>;

/** All that a request takes from attributes; the rest of it comes from the session and the call. */
export type DockerfileSettings = Omit<DockerfileRequest, "sources" | "status" | "abort" | "entitlements">;

/** Names under which clients offer the two directories, unless they say otherwise. */
const DEFAULT_KEYS = { contextkey: "context", dockerfilekey: "dockerfile" } as const;

const DOCKERFILE_FRONTEND = /^(docker\.io\/)?docker\/dockerfile(-upstream)?([:@].*)?$/;

/**
 * Refuses what is no Dockerfile: that frontend is ours, also where a `# syntax` line or the client names the image that has
 * BuildKit's, so that no network is needed. Other frontends are images that we would have to run.
 */
export function assertDockerfileFrontend(frontend: string, attrs: FrontendAttrs): void {
  if (frontend === "dockerfile.v0") return;
  if (frontend !== "gateway.v0") fail("not-found", "NO_FRONTEND", `frontend ${frontend} not found`);
  const source = attrs.source ?? "";
  if (!DOCKERFILE_FRONTEND.test(source)) {
    fail(
      "not-implemented",
      "FRONTEND_IMAGE",
      `the frontend ${source} cannot be run: only docker/dockerfile is built in`,
    );
  }
}

/** @throws invalid for values that cannot be read; not-implemented for what would silently be missing from the result */
export function dockerfileSettings(attrs: FrontendAttrs): DockerfileSettings {
  refuseUnknown(attrs);
  return {
    fileName: attrs.filename ?? "",
    contextUrl: attrs.context ?? "",
    namedContexts: withPrefix(attrs, "context:"),
    target: attrs.target ?? "",
    buildArgs: withPrefix(attrs, "build-arg:"),
    labels: Object.fromEntries(withPrefix(attrs, "label:")),
    platform: onePlatform(attrs.platform ?? ""),
    noCache: attrs["no-cache"] === undefined ? [] : attrs["no-cache"] === "" ? "all" : list(attrs["no-cache"]),
    pull: attrs["image-resolve-mode"] === "pull",
    networkMode: attrs["force-network-mode"] || "default",
    extraHosts: list(attrs["add-hosts"]).map((host) => host.replace("=", ":")),
    hostname: attrs.hostname ?? "",
    limits: {
      resources: ResourcesSchema.parse({
        CgroupParent: attrs["cgroup-parent"] ?? "",
        Ulimits: list(attrs.ulimit).map(ulimit),
      }),
      shmSizeBytes: integer("shm-size", attrs["shm-size"] ?? "0"),
      securityOptions: [],
    },
  };
}

/** @throws invalid for one that there is not; each is granted, for who may speak to the engine is root already */
export function entitlementsOf(names: readonly string[]): ReadonlySet<Entitlement> {
  return new Set(
    names.map((name) => {
      if (name === "network.host" || name === "security.insecure") return name;
      return fail("not-implemented", "ENTITLEMENT", `the entitlement ${name} is not supported`);
    }),
  );
}

function refuseUnknown(attrs: FrontendAttrs): void {
  if (attrs.requestid && attrs.requestid !== LINT_REQUEST) {
    fail("not-implemented", "SUBREQUEST", `unsupported request ${attrs.requestid}: only ${LINT_REQUEST} is answered`);
  }
  for (const [key, name] of Object.entries(DEFAULT_KEYS)) {
    const asked = attrs[key];
    if (asked !== undefined && asked !== name) {
      fail("not-implemented", "LOCAL_NAME", `${key}=${asked} is not supported: offer the directory as ${name}`);
    }
  }
  for (const [name, value] of withPrefix(attrs, "attest:")) {
    // What buildx asks for of its own accord stays inside the builder; it is only missed where a person asks for it.
    if (/(^|,)(disabled=true|inline-only=true)(,|$)/.test(value)) continue;
    fail("not-implemented", "ATTESTATION", `attestations are not supported: build with --${name}=false`);
  }
}

function onePlatform(text: string): string {
  const platforms = list(text);
  if (platforms.length > 1) {
    fail("not-implemented", "PLATFORMS", `cannot build for several platforms at once (${text}): build one at a time`);
  }
  return platforms[0] ?? "";
}

function withPrefix(attrs: FrontendAttrs, prefix: string): Map<string, string> {
  const found = Object.entries(attrs).filter(([name]) => name.startsWith(prefix));
  return new Map(found.map(([name, value]) => [name.slice(prefix.length), value]));
}

/** Values with commas between them; BuildKit reads them as a line of CSV, where quotes may enclose one. */
function list(text: string | undefined): string[] {
  return (text ?? "")
    .split(",")
    .map((value) => value.trim().replace(/^"(.*)"$/, "$1"))
    .filter((value) => value !== "");
}

/** `nofile=1024:2048`, or one number for both. */
function ulimit(text: string): { Name: string; Soft: number; Hard: number } {
  const match = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(text);
  if (!match) fail("invalid", "ULIMIT", `invalid ulimit ${text}: it has the form name=soft:hard`);
  const [, name = "", soft = "", hard = soft] = match;
  return { Name: name, Soft: Number(soft), Hard: Number(hard) };
}

function integer(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    fail("invalid", "FRONTEND_ATTR", `${name} must be a number, not ${text}`);
  return value;
}
