/** Documents of Lighter's own part of the API: images as a history. Sizes are in bytes. */

export interface FileChange {
  readonly Path: string;
  /** 0 changed, 1 added, 2 deleted. */
  readonly Kind: 0 | 1 | 2;
  readonly Type: "file" | "directory" | "symlink" | "device" | "pipe" | "other";
  /** 0 for one that was not there; for a deleted directory, of all files in it. */
  readonly SizeBefore: number;
  readonly Size: number;
}

/** One step of an image's making: of `GET /lighter/images/{name}/log`, newest first. */
export interface ImageStep {
  /** Layers that were put on top of this one; null for a step that changed no file. */
  readonly Position: number | null;
  /** The layer's diffID. */
  readonly Layer: string | null;
  readonly ChainId: string | null;
  /** RFC 3339; empty where the image does not say. */
  readonly Created: string;
  readonly CreatedBy: string;
  readonly Author: string;
  readonly Comment: string;
  readonly Size: number;
  /** Files, without directories. */
  readonly Added: number;
  readonly Changed: number;
  readonly Deleted: number;
  /** Where they were asked for. */
  readonly Files?: readonly FileChange[];
}

/** `GET /lighter/images/{name}/layer` */
export interface ImageLayer extends ImageStep {
  readonly Files: readonly FileChange[];
}

/** One of `GET /lighter/images/tree`: a layer, the images that end with it, and what stands on it. */
export interface LayerNode {
  /** null for images without layers. */
  readonly Layer: string | null;
  readonly ChainId: string | null;
  readonly CreatedBy: string;
  /** Of this layer alone. */
  readonly Size: number;
  readonly Images: readonly { readonly Id: string; readonly Tags: readonly string[] }[];
  readonly Children: readonly LayerNode[];
}

/** One of `GET /lighter/images/{name}/reflog`, newest first. */
export interface ReflogEntry {
  /** `@{0}` is what the name stands for. */
  readonly Entry: number;
  readonly Id: string;
  /** RFC 3339: when the name came to stand for it. */
  readonly Since: string;
  readonly Reason: string;
  readonly Detail: string;
  readonly CreatedBy: string;
}

/** `POST /lighter/images/{name}/rollback` */
export interface RolledBackImage {
  /** What the name stands for now. */
  readonly Id: string;
  /** What it stood for, which is `@{1}` in its reflog. */
  readonly Previous: string;
  /** How many layers it has now. */
  readonly Layers: number;
  /** Fields of the configuration of which the history does not tell what they were. */
  readonly KeptConfig: readonly string[];
}

/** `POST /lighter/containers/{id}/rollback`; `Previous` keeps the container's files as they were, for `@{1}`. */
export type RolledBackContainer = RolledBackImage;

/** `POST /lighter/containers/{id}/rebase` */
export interface RebasedContainer {
  /** The image that the container is of now. */
  readonly Id: string;
  /** Keeps the container's files as they were: `@{1}` in its reflog. */
  readonly Previous: string;
}
