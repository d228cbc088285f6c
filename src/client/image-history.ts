import type { Api } from "./api.ts";
import type {
  FileChange,
  ImageLayer,
  ImageStep,
  LayerNode,
  ReflogEntry,
  RolledBackImage,
} from "./history-documents.ts";

/**
 * Images as a history. A name may have a place behind it: `app@1` one layer below the newest, `app@3fa8` the layer whose
 * digest begins so, `app@{1}` what the name stood for before.
 */
export class ImageHistory {
  constructor(private readonly api: Api) {}

  /** The steps of an image's making, newest first. @param options.files with each file that they changed. */
  log(image: string, options: { readonly files?: boolean } = {}): Promise<ImageStep[]> {
    const query = { files: options.files ? 1 : undefined };
    return this.api.json<ImageStep[]>("GET", `${pathOf(image)}/log`, { query });
  }

  /** One layer with its files. */
  layer(image: string): Promise<ImageLayer> {
    return this.api.json<ImageLayer>("GET", `${pathOf(image)}/layer`);
  }

  /** What the second has otherwise than the first; either may be a container. */
  diff(earlier: string, later: string): Promise<FileChange[]> {
    return this.api.json<FileChange[]>("GET", `${pathOf(earlier)}/diff`, { query: { to: later } });
  }

  /** Which images share which layers. */
  tree(): Promise<LayerNode[]> {
    return this.api.json<LayerNode[]>("GET", "/lighter/images/tree");
  }

  /** What a name has stood for, newest first. */
  reflog(image: string): Promise<ReflogEntry[]> {
    return this.api.json<ReflogEntry[]>("GET", `${pathOf(image)}/reflog`);
  }

  /**
   * Moves a name to an earlier layer, or forward again.
   * @param to layers to go back (`2`) or forward (`+1`), digits of a layer's digest, or an entry of the reflog (`@{1}`).
   */
  rollback(image: string, to = "1"): Promise<RolledBackImage> {
    return this.api.json<RolledBackImage>("POST", `${pathOf(image)}/rollback`, { query: { to } });
  }
}

function pathOf(image: string): string {
  return `/lighter/images/${encodeURIComponent(image)}`;
}
