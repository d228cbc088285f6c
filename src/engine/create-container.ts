import { mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { fail, LighterError } from "../base/errors.ts";
import { newId, shortId } from "../base/ids.ts";
import { timestampNow } from "../base/timestamp.ts";
import type { Image } from "../image/image-store.ts";
import { parsePlatform } from "../image/platform.ts";
import { parseSignal } from "../runtime/signals.ts";
import { checkSettings } from "./check-settings.ts";
import { ContainerConfigSchema, type CreateBody, type HostConfig } from "./container-config.ts";
import { emitContainerEvent } from "./container-events.ts";
import { parseContainerName, randomContainerName } from "./container-name.ts";
import { commandLine } from "./container-record.ts";
import { createMountPoints } from "./create-mount-points.ts";
import type { EngineParts } from "./engine-parts.ts";
import { requireHealthcheck } from "./health-check.ts";
import { withHostDefaults } from "./host-defaults.ts";
import { platformWarnings, requirePlatform } from "./image-platform.ts";
import { containerDirectory } from "./inspect-container.ts";
import { resolveLinks } from "./links.ts";
import { mergeConfig } from "./merge-config.ts";
import { requestedNetworks } from "./requested-networks.ts";
import { requireDrivers } from "./require-drivers.ts";
import { joinedContainer, requireModes } from "./require-modes.ts";
import { requireOwnNetwork } from "./require-own-network.ts";

export interface CreateRequest {
  /** `os/architecture[/variant]` that the image has to be for; "" takes the image as it is. */
  readonly platform: string;
  /** "" picks one. */
  readonly name: string;
  readonly body: CreateBody;
}

export interface CreateResult {
  readonly Id: string;
  readonly Warnings: string[];
}

/**
 * Makes a container ready to start: its record, writable layer and volumes. Whatever fails leaves nothing of it.
 * @throws not-found for the image; conflict for the name; invalid for settings, in Docker's words.
 */
export async function createContainer(parts: EngineParts, request: CreateRequest): Promise<CreateResult> {
  const { Image: reference } = request.body;
  const image = reference === "" ? undefined : parts.images.resolve(reference);
  if (image && request.platform !== "") requirePlatform(image, reference, parsePlatform(request.platform));
  try {
    return await createFrom(parts, image, request);
  } catch (error) {
    throw missingIsInvalid(error);
  }
}

/**
 * That nothing but the image was not found: clients answer that by pulling it. A network, another container or a driver
 * that is not there makes the request a wrong one.
 */
function missingIsInvalid(error: unknown): unknown {
  if (!(error instanceof LighterError) || error.kind !== "not-found") return error;
  return new LighterError("invalid", error.code, error.message, { cause: error });
}

async function createFrom(parts: EngineParts, image: Image | undefined, request: CreateRequest): Promise<CreateResult> {
  const { HostConfig: requested, NetworkingConfig, ...userConfig } = request.body;
  const id = newId();
  const name = request.name === "" ? pickName(parts) : parseContainerName(request.name);
  parts.containers.assertNameFree(name);
  requireModes(requested);
  requireDrivers(requested);
  requireOwnNetwork(userConfig, requested);
  const hostConfig = withHostDefaults(parts, requested);
  const links = resolveLinks(parts, hostConfig);
  const config = withHostname(parts, mergeConfig(userConfig, imageConfig(image)), hostConfig, id);
  if (commandLine(config).length === 0) fail("invalid", "NO_COMMAND", "no command specified");
  parseSignal(config.StopSignal || "SIGTERM");
  requireHealthcheck(config.Healthcheck);
  const chainId = image?.chainId ?? null;
  await using undo = new AsyncDisposableStack();
  // Let go before anything is undone, for a volume that is held is not removed.
  using holds = new DisposableStack();
  const snapshot = parts.snapshotter.prepare(id, chainId);
  undo.defer(() => parts.snapshotter.remove(snapshot));
  const mounts = await createMountPoints(parts, config, hostConfig, chainId, { owner: id, undo, holds });
  mkdirSync(containerDirectory(parts, id), { mode: 0o710 });

  const { record, warnings } = await checkSettings(parts, {
    id,
    name,
    created: timestampNow(),
    imageId: image?.id ?? "",
    chainId,
    config,
    hostConfig: { ...hostConfig, Links: links },
    networks: config.NetworkDisabled ? {} : requestedNetworks(parts, hostConfig, NetworkingConfig.EndpointsConfig),
    mounts,
    snapshot,
    platform: image?.config.os ?? "linux",
    restartCount: 0,
    stoppedByUser: false,
    state: { status: "created", error: "", exitCode: 0 },
    health: null,
  });
  parts.containers.insert(record);
  undo.move();
  emitContainerEvent(parts, record, "create");
  const foreign = image && request.platform === "" ? platformWarnings(image) : [];
  return { Id: id, Warnings: [...foreign, ...warnings] };
}

function pickName(parts: EngineParts): string {
  return randomContainerName((name) => parts.containers.hasName(name));
}

/** An image's configuration in the shape of a container's. Foreign images may say anything: it is parsed like a request. */
function imageConfig(image: Image | undefined) {
  return ContainerConfigSchema.parse(image?.config.config ?? {});
}

/** The name of who owns the network, where that is shared: it is what the shared hosts file knows. */
function withHostname<C extends { Hostname: string }>(
  parts: EngineParts,
  config: C,
  hostConfig: HostConfig,
  id: string,
): C {
  if (config.Hostname !== "") return config;
  const owner = joinedContainer(hostConfig.NetworkMode);
  if (owner !== null) return { ...config, Hostname: parts.containers.resolve(owner).config.Hostname };
  const shared = hostConfig.NetworkMode === "host" || hostConfig.UTSMode === "host";
  return { ...config, Hostname: shared ? hostname() : shortId(id) };
}
