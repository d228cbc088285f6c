import { type Id, newId, shortId } from "../base/ids.ts";
import { timestampNow } from "../base/timestamp.ts";
import { extendConfig } from "../image/commit.ts";
import { type Digest, hexOf } from "../image/digest.ts";
import type { Image } from "../image/image-store.ts";
import type { Layer } from "../image/layer-store.ts";
import type { BuildRun } from "./build-run.ts";
import type { ConfigPatch } from "./change-config.ts";
import { advanced, type StageState } from "./stage-state.ts";

/** The state after a step that the cache has an image of, having said so; null if it has none. */
export async function probeCache(build: BuildRun, state: StageState, key: string): Promise<StageState | null> {
  const imageId = build.options.noCache ? null : build.cache.find(key);
  const image = imageId && build.parts.images.get(imageId);
  if (!image) return null;
  await build.say(" ---> Using cache\n");
  return advanced(state, image);
}

/** A step that changes no file: an image with one more line of history. Nothing runs, but Docker's output says so. */
export async function commitMetadata(
  build: BuildRun,
  state: StageState,
  key: string,
  createdBy: string,
): Promise<StageState> {
  const cached = await probeCache(build, state, key);
  if (cached) return cached;
  return withIntermediate(build, () => commitStep(build, state, key, createdBy, null));
}

/** Says which intermediate container a step is made in, and that it went. */
export async function withIntermediate(build: BuildRun, work: (id: Id) => Promise<StageState>): Promise<StageState> {
  const id = newId();
  await build.say(` ---> Running in ${shortId(id)}\n`);
  const state = await work(id);
  if (build.options.announceRemoval) await build.say(` ---> Removed intermediate container ${shortId(id)}\n`);
  return state;
}

/** Makes a step's image out of the state's configuration and its layer, and lets the cache know. */
export async function commitStep(
  build: BuildRun,
  state: StageState,
  key: string,
  createdBy: string,
  layer: Layer | null,
): Promise<StageState> {
  const { parts } = build;
  const step = {
    created: timestampNow(),
    created_by: createdBy,
    ...(state.author && { author: state.author }),
    ...(layer === null && { empty_layer: true }),
  };
  const image: Image = await parts.images.create({
    config: extendConfig(state.imageConfig, state.config, step, layer?.diffId ?? null, state.author),
    topChainId: layer?.chainId ?? state.chainId,
    parentId: state.imageId,
  });
  build.cache.record(key, image.id);
  return advanced(state, image);
}

/**
 * Gives `work` an empty snapshot on top of the state's layers and makes a layer of what it writes there; null if that is
 * nothing. Nothing of the snapshot stays if it fails.
 */
export async function writeLayer(
  build: BuildRun,
  state: StageState,
  owner: string,
  work: (snapshotKey: number, lower: readonly number[]) => Promise<void>,
): Promise<Layer | null> {
  const { layers, snapshotter } = build.parts;
  const key = snapshotter.prepare(`build ${owner}`, state.chainId);
  let taken = false;
  try {
    await work(key, await layers.lower(state.chainId));
    const layer = await layers.commit(state.chainId, key, { keep: false, signal: build.signal });
    taken = true;
    return layer;
  } finally {
    if (!taken) snapshotter.remove(key);
  }
}

/** The history line of an instruction for which nothing runs, as the classic builder writes it. */
export function nopCommand(shell: readonly string[], comment: string): string {
  return [...shell, "#(nop) ", comment].join(" ");
}

export function withConfig(state: StageState, patch: ConfigPatch): StageState {
  return { ...state, config: { ...state.config, ...patch } };
}

/** 12 digits; nothing for a stage from scratch that has done nothing yet. */
export function shortImageId(id: Digest | null): string {
  return id === null ? "" : shortId(hexOf(id));
}
