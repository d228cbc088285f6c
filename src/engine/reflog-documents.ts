import type { ReflogEntry } from "../image/reflog.ts";
import type { EngineParts } from "./engine-parts.ts";

/** A reflog as the API tells it: the newest entry, 0, is what is now. */
export function reflogDocuments({ images }: EngineParts, entries: readonly ReflogEntry[]) {
  return entries.map(({ imageId, since, reason, detail }, entry) => ({
    Entry: entry,
    Id: imageId,
    Since: since,
    Reason: reason,
    Detail: detail,
    CreatedBy: images.get(imageId)?.config.history?.at(-1)?.created_by ?? "",
  }));
}
