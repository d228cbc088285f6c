import { timestampNow } from "../base/timestamp.ts";
import type { HistoryEntry, ImageConfig } from "../image/config.ts";
import { hostArchitecture } from "../image/config.ts";
import { familiarName, type Reference } from "../image/reference.ts";
import { freeze, thaw } from "../runtime/cgroup-freezer.ts";
import type { ContainerConfig } from "./container-config.ts";
import { emitContainerEvent } from "./container-events.ts";
import { type ContainerRecord, commandLine } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";

export interface CommitOptions {
  readonly reference: Reference | null;
  readonly comment: string;
  readonly author: string;
  /** Freeze the container meanwhile, so that the layer is one moment's. */
  readonly pause: boolean;
  /** The image's configuration, made from the container's with the client's changes. */
  readonly config: ContainerConfig;
}

/** Makes an image of a container's writable layer on top of its image. @throws not-found. */
export async function commitContainer(
  parts: EngineParts,
  reference: string,
  options: CommitOptions,
): Promise<{ Id: string }> {
  const { id } = parts.containers.resolve(reference);
  return parts.locks.run(id, async () => {
    const record = parts.containers.get(id);
    const layer = await whileFrozen(parts, record, options.pause, () =>
      parts.layers.commit(record.chainId, record.snapshot, { keep: true }),
    );
    const base = record.imageId === "" ? undefined : parts.images.find(record.imageId);
    const image = await parts.images.create({
      config: committedConfig(base?.config, record, options),
      topChainId: layer.chainId,
      parentId: base?.id ?? null,
    });
    if (options.reference) parts.images.tag(image.id, options.reference);
    emitContainerEvent(parts, record, "commit", {
      comment: options.comment,
      imageID: image.id,
      imageRef: options.reference ? familiarName(options.reference) : "",
    });
    return { Id: image.id };
  });
}

async function whileFrozen<T>(
  parts: EngineParts,
  { state }: ContainerRecord,
  pause: boolean,
  work: () => Promise<T>,
): Promise<T> {
  if (!pause || state.status !== "running" || state.paused) return work();
  await freeze(parts.cgroups, state.cgroupPath);
  try {
    return await work();
  } finally {
    await thaw(parts.cgroups, state.cgroupPath);
  }
}

function committedConfig(base: ImageConfig | undefined, record: ContainerRecord, options: CommitOptions): ImageConfig {
  const created = timestampNow();
  const entry: HistoryEntry = {
    created,
    created_by: commandLine(record.config).join(" "),
    ...(options.author ? { author: options.author } : {}),
    ...(options.comment ? { comment: options.comment } : {}),
  };
  return {
    ...(base ?? { architecture: hostArchitecture(), os: "linux" }),
    created,
    ...(options.author ? { author: options.author } : {}),
    config: options.config,
    history: [...(base?.history ?? []), entry],
    rootfs: base?.rootfs ?? { type: "layers", diff_ids: [] },
  };
}
