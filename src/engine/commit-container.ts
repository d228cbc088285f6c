import { fail } from "../base/errors.ts";
import { addStep, type StepBase } from "../image/commit.ts";
import type { ImageRunConfig } from "../image/config.ts";
import type { Image } from "../image/image-store.ts";
import { rebaseConfig } from "../image/rebase-config.ts";
import { refuseConflicts } from "../image/rebase-conflicts.ts";
import { familiarName, type Reference } from "../image/reference.ts";
import { freeze, thaw } from "../runtime/cgroup-freezer.ts";
import type { ContainerConfig } from "./container-config.ts";
import { emitContainerEvent } from "./container-events.ts";
import { lastImageOf, originOf, recordPast, rootBaseOf } from "./container-past.ts";
import { type ContainerRecord, commandLine } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import { holdChains, type LayerPlace, rebaseRoots, writtenLayer } from "./written-layer.ts";

/** What Docker's own layer store takes (moby, layer/layer_store.go): an image with more would run nowhere else. */
const MAX_LAYERS = 125;

/**
 * What a commit's layer is put on. `root`: what the container stands on, as in Docker. `last`: its last commit, so that each
 * commit is one layer more. `origin`: the image that it was made from, for one layer of all changes. `nothing`: one layer of
 * all there is. `rebase`: another image, where that has not changed the same files.
 */
export type CommitBase =
  | { readonly kind: "root" | "last" | "origin" | "nothing" }
  | { readonly kind: "rebase"; readonly image: string };

export interface CommitOptions {
  readonly reference: Reference | null;
  readonly comment: string;
  readonly author: string;
  /** Freeze the container meanwhile, so that the layer is one moment's. */
  readonly pause: boolean;
  readonly base: CommitBase;
  /** Makes the image's configuration of the container's: what the client sent, and its `changes`. */
  readonly configure: (config: ContainerConfig) => ImageRunConfig;
  readonly abort?: AbortSignal;
}

/**
 * Makes an image of what a container wrote. @throws not-found; invalid for bad changes; conflict `REBASE_CONFLICT`.
 */
export async function commitContainer(
  parts: EngineParts,
  reference: string,
  options: CommitOptions,
): Promise<{ Id: string }> {
  const { id } = parts.containers.resolve(reference);
  return parts.locks.run(id, async () => {
    const record = parts.containers.get(id);
    const config = options.configure(record.config);
    const image = await whileFrozen(parts, record, options.pause, () => commit(parts, record, options, config));
    emitContainerEvent(parts, record, "commit", {
      comment: options.comment,
      imageID: image.id,
      imageRef: options.reference ? familiarName(options.reference) : "",
    });
    return { Id: image.id };
  });
}

async function commit(
  parts: EngineParts,
  record: ContainerRecord,
  options: CommitOptions,
  config: ImageRunConfig,
): Promise<Image> {
  const { reference: tag, author, comment, abort } = options;
  const plan = planOf(parts, record, options.base);
  using _held = holdChains(parts, plan.earlier, plan.onto);
  if (plan.rebase) await refuseConflicts(await rebaseRoots(parts, record, plan), plan.rebase.name, abort);
  const layer = await writtenLayer(parts, record, plan, abort);
  const rebased = plan.rebase ? rebaseConfig(config, plan.rebase.from, plan.base.config?.config ?? {}) : config;
  const createdBy = commandLine(record.config).join(" ");
  // Until the container is known as its user, nothing else keeps the image from a prune.
  using _made = holdChains(parts, layer?.chainId ?? plan.onto);
  const image = await addStep(parts.images, plan.base, layer, { config: rebased, author, comment, tag, createdBy });
  if (options.base.kind === "root" || options.base.kind === "last") {
    parts.store.transaction(() => {
      recordPast(parts, record, image, "commit", comment);
      parts.containers.update(record.id, { commitId: image.id });
    });
  }
  return image;
}

interface CommitPlan extends LayerPlace {
  readonly base: StepBase;
  readonly rebase?: { readonly name: string; readonly from: ImageRunConfig };
}

function planOf(parts: EngineParts, record: ContainerRecord, base: CommitBase): CommitPlan {
  switch (base.kind) {
    case "root":
      return { base: rootBaseOf(parts, record), earlier: record.chainId, onto: record.chainId };
    case "last": {
      const last = lastImageOf(parts, record);
      const chainId = last ? last.chainId : record.chainId;
      if (parts.layers.stack(chainId).length >= MAX_LAYERS) refuseDepth(record);
      return { base: last ?? rootBaseOf(parts, record), earlier: chainId, onto: chainId };
    }
    case "origin": {
      const origin = originOf(parts, record);
      return { base: origin, earlier: origin.chainId, onto: origin.chainId };
    }
    case "nothing":
      return { base: { config: null, id: null }, earlier: null, onto: null };
    case "rebase": {
      const [origin, target] = [originOf(parts, record), parts.images.resolve(base.image)];
      const rebase = { name: base.image, from: origin.config.config ?? {} };
      return { base: target, earlier: origin.chainId, onto: target.chainId, rebase };
    }
    default:
      return base satisfies never;
  }
}

function refuseDepth({ name }: ContainerRecord): never {
  fail(
    "conflict",
    "TOO_MANY_LAYERS",
    `max depth exceeded: the last commit of container ${name} has ${MAX_LAYERS} layers, which is as many as Docker runs; commit with --squash to begin anew`,
  );
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
