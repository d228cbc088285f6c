import { fail } from "../base/errors.ts";
import { type Digest, isDigest } from "./digest.ts";

/** The parts of an image's name, completed: nothing in it is implied any more. */
export interface Reference {
  /** Registry host, with the port if one was given. */
  readonly domain: string;
  /** Repository in that registry: `library/busybox`. */
  readonly path: string;
  readonly tag: string | null;
  readonly digest: Digest | null;
}

const DEFAULT_DOMAIN = "docker.io";
const DEFAULT_TAG = "latest";
const NAME_LIMIT = 255;

const HOST_LABEL = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const DOMAIN = new RegExp(`^(?:${HOST_LABEL}(?:\\.${HOST_LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const COMPONENT = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const PATH = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const HEX_ID = /^[0-9a-f]{64}$/;

/**
 * Completes a name as a user types it: `alpine` becomes `docker.io/library/alpine:latest`. A name with a digest gets no tag.
 * @throws invalid `INVALID_REFERENCE`, in Docker's words.
 */
export function parseReference(text: string): Reference {
  return withDefaultTag(parseName(text));
}

/**
 * As {@link parseReference}, but a missing tag stays missing: `docker save alpine` means every tag of that repository.
 * The first part is a host only with a dot, a colon, capitals or as `localhost` (distribution reference grammar).
 * @throws invalid `INVALID_REFERENCE`
 */
export function parseName(text: string): Reference {
  if (HEX_ID.test(text)) {
    invalid(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const { domain, rest } = splitDomain(text);
  const at = rest.indexOf("@");
  const named = at < 0 ? rest : rest.slice(0, at);
  const digest = at < 0 ? null : rest.slice(at + 1);
  const colon = named.indexOf(":", named.lastIndexOf("/") + 1);
  const path = colon < 0 ? named : named.slice(0, colon);
  const tag = colon < 0 ? null : named.slice(colon + 1);
  if (domain.length + 1 + path.length > NAME_LIMIT) {
    invalid(`repository name must not be more than ${NAME_LIMIT} characters`);
  }
  if (path !== path.toLowerCase()) {
    invalid(`invalid reference format: repository name (${path}) must be lowercase`);
  }
  if (!DOMAIN.test(domain) || !PATH.test(path) || (tag !== null && !TAG.test(tag))) invalid("invalid reference format");
  if (digest !== null && !isDigest(digest)) invalid("invalid reference format");
  return { domain, path, tag, digest };
}

/** Adds `:latest` to a name that has neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === null && reference.digest === null ? { ...reference, tag: DEFAULT_TAG } : reference;
}

/**
 * The name that `POST /images/{id}/tag` and its like give in two parameters.
 * @throws invalid `INVALID_REFERENCE`: also when `repository` has a tag or digest of its own and `tag` is given too.
 */
export function parseRepositoryAndTag(repository: string, tag: string): Reference {
  const name = parseName(repository);
  if (name.digest !== null) invalid("refusing to create a tag with a digest reference");
  if (tag === "") return withDefaultTag(name);
  if (!TAG.test(tag)) invalid("invalid tag format");
  return { ...name, tag };
}

/** `docker.io/library/busybox`. */
export function canonicalRepository(reference: Reference): string {
  return `${reference.domain}/${reference.path}`;
}

/** `docker.io/library/busybox:latest`: the form that is stored and compared. */
export function canonicalName(reference: Reference): string {
  return canonicalRepository(reference) + suffixOf(reference);
}

/** `busybox`: what people type and read. */
export function familiarRepository({ domain, path }: Reference): string {
  if (domain !== DEFAULT_DOMAIN) return `${domain}/${path}`;
  const name = path.startsWith("library/") ? path.slice("library/".length) : path;
  // `library/a/b` would be read as the repository b of the user a without its first part.
  return name.includes("/") ? path : name;
}

/** `busybox:latest`. */
export function familiarName(reference: Reference): string {
  return familiarRepository(reference) + suffixOf(reference);
}

function suffixOf({ tag, digest }: Reference): string {
  return `${tag === null ? "" : `:${tag}`}${digest === null ? "" : `@${digest}`}`;
}

function splitDomain(text: string): { domain: string; rest: string } {
  const slash = text.indexOf("/");
  const first = slash < 0 ? "" : text.slice(0, slash);
  const isHost = first === "localhost" || /[.:]/.test(first) || first !== first.toLowerCase();
  const domain = !isHost || first === "index.docker.io" ? DEFAULT_DOMAIN : first;
  const rest = isHost ? text.slice(slash + 1) : text;
  return { domain, rest: domain === DEFAULT_DOMAIN && !rest.includes("/") ? `library/${rest}` : rest };
}

function invalid(message: string): never {
  fail("invalid", "INVALID_REFERENCE", message);
}
