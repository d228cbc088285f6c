import { isDeepStrictEqual } from "node:util";
import type { HistoryEntry, ImageConfig } from "./config.ts";
import { type ChainId, chainIdsOf } from "./digest.ts";
import type { Image, ImageStore } from "./image-store.ts";
import { type ApplyInstruction, configBefore } from "./replay-history.ts";

/** What an image was when some layer was its newest. */
export type EarlierImage =
  /** The image of that state is still here. */
  | { readonly kind: "known"; readonly image: Image }
  /** It is made again; `kept` are the fields of its configuration that had to be taken from the later image. */
  | { readonly kind: "rebuilt"; readonly config: ImageConfig; readonly kept: readonly string[] };

/**
 * The state of an image just before the step that made the layer above `top`: its layers up to there, and the steps up to
 * there with those that changed no file. An image of that very state is preferred; else the configuration is that of the
 * nearest earlier image that is here, with the steps since then.
 */
export function earlierImage(
  images: ImageStore,
  image: Image,
  top: ChainId | null,
  apply: ApplyInstruction,
): EarlierImage {
  if (top === null || image.chainId === top) return { kind: "known", image };
  const diffIds = image.config.rootfs.diff_ids ?? [];
  const chain = chainIdsOf(diffIds);
  const count = chain.indexOf(top) + 1;
  const history = image.config.history ?? [];
  const done = history.slice(0, stepsWith(history, count));
  const earlier = knownImages(images, image, new Set(chain.slice(0, count)), done);
  const [nearest] = earlier;
  if (nearest && nearest.chainId === top && stepCount(nearest) === done.length)
    return { kind: "known", image: nearest };
  const since = nearest ? stepCount(nearest) : 0;
  const { config, kept } = configBefore(
    nearest?.config.config ?? {},
    done.slice(since),
    history.slice(done.length),
    image.config.config ?? {},
    apply,
  );
  const { architecture, os, variant, author } = image.config;
  return {
    kind: "rebuilt",
    kept,
    config: {
      architecture,
      os,
      ...(variant && { variant }),
      ...(author && { author }),
      created: done.at(-1)?.created ?? image.config.created,
      config,
      rootfs: { type: "layers", diff_ids: diffIds.slice(0, count) },
      history: done,
    },
  };
}

/** How many steps there were before the one that made the layer after the first `count`. */
function stepsWith(history: readonly HistoryEntry[], count: number): number {
  let layers = 0;
  const next = history.findIndex(({ empty_layer }) => !empty_layer && ++layers > count);
  return next < 0 ? history.length : next;
}

/** Images whose steps are the first of `done`, those with most steps first, and of these the ones it was made from. */
function knownImages(
  images: ImageStore,
  image: Image,
  chain: ReadonlySet<ChainId>,
  done: readonly HistoryEntry[],
): Image[] {
  const line = new Set(lineOf(images, image).map(({ id }) => id));
  return images
    .list()
    .filter(({ id, chainId }) => id !== image.id && chainId !== null && chain.has(chainId))
    .filter((one) => isDeepStrictEqual(one.config.history ?? [], done.slice(0, stepCount(one))))
    .sort((a, b) => stepCount(b) - stepCount(a) || Number(line.has(b.id)) - Number(line.has(a.id)));
}

/** An image and those that it was made from, as far as they are here. */
function lineOf(images: ImageStore, image: Image): Image[] {
  const parent = image.parentId && images.get(image.parentId);
  return parent ? [image, ...lineOf(images, parent)] : [image];
}

function stepCount({ config }: Image): number {
  return config.history?.length ?? 0;
}
