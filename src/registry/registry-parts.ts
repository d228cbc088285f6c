import type { KeyedLock } from "../base/keyed-lock.ts";
import type { ContentStore } from "../image/content-store.ts";
import type { ImageStore } from "../image/image-store.ts";
import type { LayerStore } from "../image/layer-store.ts";
import type { Store } from "../store/database.ts";

/** What pull and push need of an engine. */
export interface RegistryParts {
  readonly paths: { readonly root: string };
  readonly store: Store;
  readonly content: ContentStore;
  readonly layers: LayerStore;
  readonly images: ImageStore;
  readonly locks: KeyedLock;
  readonly events: {
    emit(type: "image", action: "pull" | "push", id: string, attributes: Readonly<Record<string, string>>): void;
  };
}
