import { commitImage } from "../image/commit.ts";
import type { ImageRunConfig } from "../image/config.ts";
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
  /** Makes the image's configuration of the container's: what the client sent, and its `changes`. */
  readonly configure: (config: ContainerConfig) => ImageRunConfig;
  readonly abort?: AbortSignal;
}

/** Makes an image of a container's writable layer on top of its image. @throws not-found; invalid for bad changes. */
export async function commitContainer(
  parts: EngineParts,
  reference: string,
  options: CommitOptions,
): Promise<{ Id: string }> {
  const { id } = parts.containers.resolve(reference);
  return parts.locks.run(id, async () => {
    const record = parts.containers.get(id);
    const config = options.configure(record.config);
    const image = await whileFrozen(parts, record, options.pause, () =>
      commitImage(parts.layers, parts.images, {
        parent: record.imageId === "" ? null : parts.images.find(record.imageId),
        snapshot: record.snapshot,
        config,
        createdBy: commandLine(record.config).join(" "),
        author: options.author,
        comment: options.comment,
        tag: options.reference,
        signal: options.abort,
      }),
    );
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
  record: ContainerRecord,
  pause: boolean,
  work: () => Promise<T>,
): Promise<T> {
  const { state } = record;
  if (!pause || state.status !== "running" || state.paused) return work();
  await freeze(parts.cgroups, state.cgroupPath);
  emitContainerEvent(parts, record, "pause");
  try {
    return await work();
  } finally {
    await thaw(parts.cgroups, state.cgroupPath);
    emitContainerEvent(parts, record, "unpause");
  }
}
