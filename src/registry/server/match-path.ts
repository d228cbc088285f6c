import { type Digest, isDigest } from "../../image/digest.ts";
import { isRepositoryName, isTag } from "../protocol/repository-name.ts";
import { refuse } from "./refusal.ts";

/** What a path of the API speaks of. */
export type Target =
  | { readonly kind: "base" }
  | { readonly kind: "catalog" }
  | { readonly kind: "token" }
  | { readonly kind: "blob"; readonly repository: string; readonly digest: Digest }
  | { readonly kind: "uploads"; readonly repository: string }
  | { readonly kind: "upload"; readonly repository: string; readonly id: string }
  | { readonly kind: "manifest"; readonly repository: string; readonly reference: ManifestReference }
  | { readonly kind: "tags"; readonly repository: string }
  | { readonly kind: "referrers"; readonly repository: string; readonly digest: Digest };

export type ManifestReference =
  | { readonly by: "digest"; readonly digest: Digest }
  | { readonly by: "tag"; readonly tag: string };

const UPLOAD_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Reads a path, which must not be longer than names allow (OCI distribution spec, "Endpoints").
 * @returns null for one that is none of the API's. @throws NAME_INVALID, DIGEST_INVALID, TAG_INVALID, BLOB_UPLOAD_UNKNOWN
 */
export function matchPath(path: string): Target | null {
  if (path === "/v2/" || path === "/v2") return { kind: "base" };
  if (path === "/v2/_catalog") return { kind: "catalog" };
  if (path === "/token") return { kind: "token" };
  const match =
    /^\/v2\/(.{1,512}?)\/(?:(blobs\/uploads)\/?([^/]*)|(blobs|manifests|referrers)\/([^/]+)|(tags)\/list)$/.exec(path);
  if (!match) return null;
  const [, repository = "", uploads, id = "", collection, member = "", tags] = match;
  if (!isRepositoryName(repository)) refuse("NAME_INVALID", "invalid repository name", {}, { name: repository });
  if (tags) return { kind: "tags", repository };
  if (uploads && id === "") return { kind: "uploads", repository };
  if (uploads) {
    if (!UPLOAD_ID.test(id)) refuse("BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
    return { kind: "upload", repository, id };
  }
  const reference = parseMember(decode(member));
  if (collection === "manifests") return { kind: "manifest", repository, reference };
  if (reference.by !== "digest")
    refuse("DIGEST_INVALID", "invalid digest: only sha256 is known", {}, { digest: member });
  return { kind: collection === "blobs" ? "blob" : "referrers", repository, digest: reference.digest };
}

/** @throws DIGEST_INVALID for one of another algorithm or form. */
export function digestParameter(query: URLSearchParams): Digest {
  const digest = query.get("digest") ?? "";
  return isDigest(digest) ? digest : refuse("DIGEST_INVALID", "invalid digest: only sha256 is known", {}, { digest });
}

function parseMember(text: string): ManifestReference {
  if (isDigest(text)) return { by: "digest", digest: text };
  if (text.includes(":")) refuse("DIGEST_INVALID", "invalid digest: only sha256 is known", {}, { digest: text });
  return isTag(text) ? { by: "tag", tag: text } : refuse("TAG_INVALID", "invalid tag name", {}, { tag: text });
}

/** Some clients write the colon of a digest as `%3A`. */
function decode(text: string): string {
  return text.replace(/%3a/gi, ":");
}
