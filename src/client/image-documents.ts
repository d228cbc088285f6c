/** Documents of the Engine API about images, as far as they are used here. */

/** One of `GET /images/json`. */
export interface ImageSummary {
  readonly Id: string;
  readonly ParentId?: string;
  readonly RepoTags: readonly string[] | null;
  readonly RepoDigests: readonly string[] | null;
  /** Seconds since the epoch. */
  readonly Created: number;
  readonly Size: number;
  /** -1 when it was not asked for. */
  readonly SharedSize?: number;
  readonly Containers?: number;
}

/** One of `GET /images/{name}/history`, newest first. */
export interface HistoryEntry {
  readonly Id: string;
  readonly Created: number;
  readonly CreatedBy: string;
  readonly Tags: readonly string[] | null;
  readonly Size: number;
  readonly Comment: string;
}
