import { fail } from "../base/errors.ts";
import { API_VERSION, MIN_API_VERSION } from "../base/version.ts";

/** A version of the Engine API, as `/v1.44/...` names it. */
export interface ApiVersion {
  readonly major: number;
  readonly minor: number;
}

export const MINIMUM_API_VERSION: ApiVersion = parseApiVersion(MIN_API_VERSION);
export const MAXIMUM_API_VERSION: ApiVersion = parseApiVersion(API_VERSION);

export function formatApiVersion(version: ApiVersion): string {
  return `${version.major}.${version.minor}`;
}

/** True from the version `1.<minor>` on: `since(version, 42)`. */
export function since(version: ApiVersion, minor: number): boolean {
  return compare(version, { major: 1, minor }) >= 0;
}

/**
 * Splits the version off a path; a path without one speaks the newest.
 * @throws invalid `API_VERSION_UNSUPPORTED` in Docker's words, which clients show to their users as they are.
 */
export function splitVersion(path: string): { version: ApiVersion; path: string } {
  const match = /^\/v(\d{1,4})\.(\d{1,4})(\/.*)$/.exec(path);
  if (!match) return { version: MAXIMUM_API_VERSION, path };
  const [, major = "", minor = "", rest = "/"] = match;
  const version = parseApiVersion(`${major}.${minor}`);
  if (isOldImageClient(version, rest)) return { version: MINIMUM_API_VERSION, path: rest };
  if (compare(version, MINIMUM_API_VERSION) < 0) {
    fail(
      "invalid",
      "API_VERSION_UNSUPPORTED",
      `client version ${formatApiVersion(version)} is too old. Minimum supported API version is ${formatApiVersion(MINIMUM_API_VERSION)}, please upgrade your client to a newer version`,
    );
  }
  if (compare(version, MAXIMUM_API_VERSION) > 0) {
    fail(
      "invalid",
      "API_VERSION_UNSUPPORTED",
      `client version ${formatApiVersion(version)} is too new. Maximum supported API version is ${formatApiVersion(MAXIMUM_API_VERSION)}`,
    );
  }
  return { version, path: rest };
}

/**
 * The `docker-daemon:` of skopeo, podman and buildah names 1.22 whatever the engine offers (containers/image,
 * docker/daemon/client.go), for saving and loading alone, which have not changed since.
 */
function isOldImageClient(version: ApiVersion, path: string): boolean {
  return version.major === 1 && version.minor === 22 && path.startsWith("/images/");
}

function parseApiVersion(text: string): ApiVersion {
  const [major, minor] = text.split(".").map(Number);
  return { major: major ?? 0, minor: minor ?? 0 };
}

function compare(a: ApiVersion, b: ApiVersion): number {
  return a.major - b.major || a.minor - b.minor;
}
