/** A git repository as builds name it: `https://host/repo.git#branch:directory`, `git@host:repo.git`. */
export interface GitUrl {
  readonly remote: string;
  /** Empty: the remote's HEAD. */
  readonly ref: string;
  readonly subdirectory: string;
}

const SCHEMES = /^(?:git|ssh):\/\//i;
const HTTP_REPOSITORY = /^https?:\/\/[^#?]*\.git(?:[#?]|$)/i;
const GITHUB = /^github\.com\/[^/]+\/[^/]+/i;
const SCP_LIKE = /^[A-Za-z0-9_.-]+@[^:/\s]+:[^\s]+$/;

/** null for what names no repository (BuildKit, util/gitutil: a web address does so only with `.git` at its path's end). */
export function parseGitUrl(text: string): GitUrl | null {
  const isRepository = SCHEMES.test(text) || HTTP_REPOSITORY.test(text) || GITHUB.test(text) || SCP_LIKE.test(text);
  if (!isRepository) return null;
  const hash = text.indexOf("#");
  const [address = "", query = ""] = (hash < 0 ? text : text.slice(0, hash)).split("?");
  const fragment = hash < 0 ? "" : text.slice(hash + 1);
  const colon = fragment.indexOf(":");
  const parameters = new URLSearchParams(query);
  return {
    remote: GITHUB.test(address) ? `https://${address}` : address,
    ref: (colon < 0 ? fragment : fragment.slice(0, colon)) || (parameters.get("ref") ?? parameters.get("branch") ?? ""),
    subdirectory: (colon < 0 ? "" : fragment.slice(colon + 1)) || (parameters.get("subdir") ?? ""),
  };
}

export function isHttpUrl(text: string): boolean {
  return /^https?:\/\//i.test(text);
}
