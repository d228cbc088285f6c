import { fail } from "../base/errors.ts";
import type { CreateBody, HostConfig, Mount } from "../engine/container-config.ts";
import { type ApiVersion, since } from "./api-version.ts";

/**
 * What a client of an older version means by a request to create: fields that its version did not have are none of its
 * wishes, and what it leaves out has that version's default (Engine API version history).
 * @throws invalid where the older version refused, too
 */
export function createBodyFor(version: ApiVersion, body: CreateBody): CreateBody {
  if (!since(version, 48) && body.HostConfig.Mounts.some(({ Type: type }) => type === "image")) {
    fail("invalid", "IMAGE_MOUNT_VERSION", 'Mount type "Image" needs API v1.48 or newer');
  }
  if (since(version, 45)) return body;
  const { HostConfig: host, NetworkingConfig: networking, Healthcheck: healthcheck } = body;
  const endpoints = Object.keys(networking.EndpointsConfig);
  if (!since(version, 44) && endpoints.length > 1) {
    fail(
      "invalid",
      "SEVERAL_ENDPOINTS",
      `Container cannot be created with multiple network endpoints: ${endpoints.join(", ")}`,
    );
  }
  return {
    ...body,
    Healthcheck: healthcheck && !since(version, 44) ? { ...healthcheck, StartInterval: 0 } : healthcheck,
    NetworkingConfig: since(version, 44) ? networking : withMacAddress(networking, body),
    HostConfig: hostConfigFor(version, host),
  };
}

function hostConfigFor(version: ApiVersion, host: HostConfig): HostConfig {
  return {
    ...host,
    Mounts: host.Mounts.map((mount) => mountFor(version, mount)),
    ...(since(version, 43) ? {} : { Annotations: {} }),
    ...(since(version, 42) ? {} : { ConsoleSize: [0, 0] }),
    ...(since(version, 40) || host.IpcMode !== "" ? {} : { IpcMode: "shareable" }),
    // The client of 1.24 removes the container itself.
    ...(since(version, 25) ? {} : { AutoRemove: false }),
  };
}

function mountFor(version: ApiVersion, mount: Mount): Mount {
  const { Type: type, BindOptions: bind, VolumeOptions: volume, TmpfsOptions: tmpfs } = mount;
  if (volume?.Subpath) fail("invalid", "SUBPATH_VERSION", "VolumeOptions.Subpath needs API v1.45 or newer");
  if (!since(version, 44) && bind?.ReadOnlyForceRecursive) {
    fail("invalid", "READ_ONLY_VERSION", "BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer");
  }
  return {
    ...mount,
    // Options of another type of mount were passed over in silence until 1.42.
    VolumeOptions: since(version, 42) || type === "volume" ? volume : null,
    TmpfsOptions: since(version, 42) || type === "tmpfs" ? tmpfs : null,
    BindOptions: bind && {
      ...bind,
      CreateMountpoint: since(version, 42) && bind.CreateMountpoint,
      NonRecursive: since(version, 40) && bind.NonRecursive,
    },
  };
}

/** Until 1.44 a container had one hardware address, said beside its networks; from then on each endpoint has its own. */
function withMacAddress(
  { EndpointsConfig: endpoints }: CreateBody["NetworkingConfig"],
  { MacAddress: address }: CreateBody,
): CreateBody["NetworkingConfig"] {
  const entries = Object.entries(endpoints).map(([name, endpoint]) => [
    name,
    endpoint && { ...endpoint, MacAddress: address },
  ]);
  return { EndpointsConfig: Object.fromEntries(entries) };
}
