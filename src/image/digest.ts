import { createHash } from "node:crypto";
import { fail } from "../base/errors.ts";

/** `sha256:` and 64 lower-case hex digits: the one algorithm that images use (OCI image spec, descriptor.md#digests). */
export type Digest = string & { readonly brand: "Digest" };

/** Names a stack of layers by what is in it (OCI image spec, config.md#layer-chainid). */
export type ChainId = Digest & { readonly stack: true };

const DIGEST = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

/** @throws invalid `INVALID_DIGEST`, for other algorithms too. */
export function parseDigest(text: string): Digest {
  return isDigest(text)
    ? text
    : fail("invalid", "INVALID_DIGEST", `invalid digest ${JSON.stringify(text)}: expected sha256: and 64 hex digits`);
}

/** A chain id that was written down as text. @throws invalid `INVALID_DIGEST` */
export function parseChainId(text: string): ChainId {
  return parseDigest(text) as ChainId;
}

/** The 64 hex digits: the blob's file name, the image's id without its algorithm. */
export function hexOf(digest: Digest): string {
  return digest.slice("sha256:".length);
}

export function digestOf(bytes: string | Uint8Array): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}` as Digest;
}

/** The id of `parent` with one more layer on top; the lowest layer's is its diffID. */
export function chainIdOf(parent: ChainId | null, diffId: Digest): ChainId {
  return (parent === null ? diffId : digestOf(`${parent} ${diffId}`)) as ChainId;
}

/** The chain ids of an image's layers, lowest first. */
export function chainIdsOf(diffIds: readonly Digest[]): ChainId[] {
  const chain: ChainId[] = [];
  for (const diffId of diffIds) chain.push(chainIdOf(chain.at(-1) ?? null, diffId));
  return chain;
}
