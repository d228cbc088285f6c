import type { ImageConfig } from "../../image/config.ts";
import type { ChainId } from "../../image/digest.ts";

/** What a frontend or a client's graph came to. Its layers stay until it is disposed of. */
export interface BuiltResult extends AsyncDisposable {
  /** The image's document; null for a tree of files that nobody has made an image of yet. */
  readonly config: ImageConfig | null;
  /** null: an empty tree. */
  readonly chainId: ChainId | null;
  /** SOURCE_DATE_EPOCH in seconds, to which an archive of the files keeps as well; missing or null: times stay. */
  readonly epochSeconds?: number | null;
  /** The answer to a question that was asked instead of a build. */
  readonly answer?: Readonly<Record<string, string>>;
}
