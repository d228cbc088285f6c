import { formatTimestamp, nowNanoseconds } from "../base/timestamp.ts";
import type { Store } from "../store/database.ts";
import type { Digest } from "./digest.ts";

/** What moved a name, or changed what a container stands on. */
export type ReflogReason =
  | "build"
  | "commit"
  | "create"
  | "import"
  | "load"
  | "pull"
  | "rebase"
  | "rollback"
  | "save"
  | "tag";

/** One of a name's targets in the order of time. */
export interface ReflogEntry {
  readonly imageId: Digest;
  /** RFC 3339: when the name came to stand for it. */
  readonly since: string;
  readonly reason: ReflogReason;
  /** What else is known: `2 layers back`. */
  readonly detail: string;
}

/** How long a name's earlier targets are remembered. */
const KEPT_NS = 30n * 24n * 3600n * 1_000_000_000n;

/**
 * Notes that `ref` stands for an image from now on, if that is news, and forgets what is older than 30 days. An entry
 * lives no longer than its image. To be called in the transaction that moves the ref.
 * @param ref a tag's canonical name, or what {@link containerRef} makes.
 */
export function recordTarget(store: Store, ref: string, imageId: Digest, reason: ReflogReason, detail = ""): void {
  const now = nowNanoseconds();
  const last = reflogOf(store, ref)[0];
  if (last?.imageId === imageId) return;
  store.db
    .query("INSERT INTO reflog (ref, image_id, since_ns, reason, detail) VALUES (?, ?, ?, ?, ?)")
    .run(ref, imageId, now, reason, detail);
  expireReflog(store);
}

/** A ref's targets, newest first: `@{0}` is the current one. */
export function reflogOf(store: Store, ref: string): ReflogEntry[] {
  return store.db
    .query<{ image_id: Digest; since: string; reason: ReflogReason; detail: string }, [string]>(
      "SELECT image_id, CAST(since_ns AS TEXT) AS since, reason, detail FROM reflog WHERE ref = ? ORDER BY id DESC",
    )
    .all(ref)
    .map(({ image_id, since, reason, detail }) => ({
      imageId: image_id,
      since: formatTimestamp(BigInt(since)),
      reason,
      detail,
    }));
}

/** A ref that is no more has no past. */
export function forgetReflog(store: Store, ref: string): void {
  store.db.query("DELETE FROM reflog WHERE ref = ?").run(ref);
}

/** Forgets targets that were left more than 30 days ago; the current one of each ref stays. */
function expireReflog(store: Store): void {
  store.db
    .query(
      `DELETE FROM reflog WHERE EXISTS (
         SELECT 1 FROM reflog AS later WHERE later.ref = reflog.ref AND later.id > reflog.id AND later.since_ns < ?
       )`,
    )
    .run(nowNanoseconds() - KEPT_NS);
}

/** The ref under which a container's past is kept; no tag's canonical name has a colon before its first slash and no slash. */
export function containerRef(containerId: string): string {
  return `container:${containerId}`;
}
