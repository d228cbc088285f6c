import { fail } from "../base/errors.ts";
import { diffIdsOf } from "../image/config.ts";
import type { ChainId } from "../image/digest.ts";
import { findPlace, type PlacedImage } from "../image/find-place.ts";
import { type ChangeCounts, countChanges, type FileChange, fileChanges, layerFiles } from "../image/layer-files.ts";
import type { Layer } from "../image/layer-record.ts";
import { layerTree } from "../image/layer-tree.ts";
import type { Place } from "../image/place.ts";
import { familiarName, parseReference } from "../image/reference.ts";
import type { ApplyInstruction } from "../image/replay-history.ts";
import { rollbackImage } from "../image/rollback-image.ts";
import { type Step, stepsOf } from "../image/steps.ts";
import type { OverlayRoot } from "../snapshot/root-access.ts";
import type { ContainerRecord } from "./container-record.ts";
import { writtenRoot } from "./container-root.ts";
import type { EngineParts } from "./engine-parts.ts";
import { reflogDocuments } from "./reflog-documents.ts";
import { holdChains } from "./written-layer.ts";

/** As many digits of a container's id as lists show; fewer are rather an image's name. */
const ID_DIGITS = 12;

/** Of so many layers it is remembered how many files they change: enough for all images of a large machine. */
const KEPT_COUNTS = 10_000;

/** Images as a history that a person can read and walk, in the documents of Lighter's own part of the API. */
export class ImageHistory {
  readonly #parts: EngineParts;
  /** What a layer does to those below it never changes, and is asked for again with every log. */
  readonly #counts = new Map<ChainId, ChangeCounts>();

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  /** An image's steps, newest first. @param options.files tell each changed file, not only how many. */
  async log(name: string, options: { files: boolean; abort?: AbortSignal }) {
    const placed = this.#find(name);
    using _held = holdChains(this.#parts, placed.top);
    const documents = [];
    for (const step of this.#steps(placed)) {
      const files = step.layer === null ? [] : await this.#files(step.layer, options.files, options.abort);
      documents.push({ ...describeStep(step), ...this.#counted(step.layer), ...(options.files && { Files: files }) });
    }
    return documents;
  }

  /** The layer that a name with a place means, and the files in it. */
  async layer(name: string, abort?: AbortSignal) {
    const placed = this.#find(name);
    using _held = holdChains(this.#parts, placed.top);
    const step = this.#steps(placed).find(({ layer }) => layer !== null);
    if (!step?.layer) return fail("not-found", "NO_LAYERS", `${name} has no layers`);
    const files = await this.#files(step.layer, true, abort);
    return { ...describeStep(step), ...this.#counted(step.layer), Files: files };
  }

  /** What `later` has otherwise than `earlier`; either may be an image, a place in one, or a container. */
  async diff(earlier: string, later: string, abort?: AbortSignal): Promise<FileChange[]> {
    const [from, to] = [await this.#root(earlier), await this.#root(later)];
    using _from = from;
    using _to = to;
    return await fileChanges(from.root, to.root, abort);
  }

  /** All images' layers, those that images share once. */
  tree() {
    return layerTree(this.#parts.images, this.#parts.layers);
  }

  /** What a name has stood for, newest first. @throws not-found for a name without image. */
  reflog(name: string) {
    const { images } = this.#parts;
    images.resolve(name);
    return reflogDocuments(this.#parts, images.reflogOf(parseReference(name)));
  }

  /** Moves a name to an earlier state of its image, or back again. @throws as `rollbackImage` */
  async rollback(name: string, place: Place, apply: ApplyInstruction) {
    const { events } = this.#parts;
    const { image, previous, kept } = await rollbackImage(this.#parts, name, place, apply);
    events.emit("image", "tag", image.id, { name: familiarName(parseReference(name)) });
    return { Id: image.id, Previous: previous.id, Layers: diffIdsOf(image.config).length, KeptConfig: kept };
  }

  #find(name: string): PlacedImage {
    return findPlace(this.#parts.images, this.#parts.layers, name);
  }

  /** The steps of an image up to the newest that has the layer `top`, newest first. */
  #steps({ image, top }: PlacedImage): Step[] {
    const steps = stepsOf(image, this.#parts.layers.stack(image.chainId));
    return image.chainId === top ? steps : steps.slice(steps.findIndex(({ layer }) => layer?.chainId === top));
  }

  async #files(layer: Layer, wanted: boolean, abort?: AbortSignal): Promise<FileChange[]> {
    if (!wanted && this.#counts.has(layer.chainId)) return [];
    const files = await layerFiles(this.#parts.layers, layer.chainId, abort);
    if (this.#counts.size >= KEPT_COUNTS) this.#counts.clear();
    this.#counts.set(layer.chainId, countChanges(files));
    return wanted ? files : [];
  }

  #counted(layer: Layer | null): ChangeCounts {
    return (layer && this.#counts.get(layer.chainId)) ?? { Added: 0, Changed: 0, Deleted: 0 };
  }

  /** A container's root as it is now, or an image's, to be read while it is held. */
  async #root(text: string): Promise<Disposable & { readonly root: OverlayRoot }> {
    const record = this.#container(text);
    const top = record ? record.chainId : this.#find(text).top;
    const held = holdChains(this.#parts, top);
    try {
      const root = record ? await writtenRoot(this.#parts, record) : await this.#parts.layers.root(top);
      return { root, [Symbol.dispose]: () => held[Symbol.dispose]() };
    } catch (error) {
      held[Symbol.dispose]();
      throw error;
    }
  }

  /** The container of that name or id; an image of the same name goes before it. */
  #container(text: string): ContainerRecord | null {
    const { containers } = this.#parts;
    const record = containers
      .all()
      .find(({ id, name }) => name === text || (text.length >= ID_DIGITS && id.startsWith(text)));
    return record && !this.#isImage(text) ? record : null;
  }

  #isImage(text: string): boolean {
    try {
      return this.#parts.images.find(text) !== null;
    } catch {
      // Containers may have names that no image can have.
      return false;
    }
  }
}

function describeStep({ entry, layer, position }: Step) {
  return {
    /** Layers that were put on top of this one; null for a step that changed no file. */
    Position: position,
    Layer: layer?.diffId ?? null,
    ChainId: layer?.chainId ?? null,
    Created: entry.created ?? "",
    CreatedBy: entry.created_by ?? "",
    Author: entry.author ?? "",
    Comment: entry.comment ?? "",
    Size: layer?.sizeBytes ?? 0,
  };
}
