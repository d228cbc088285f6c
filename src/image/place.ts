import { fail } from "../base/errors.ts";

/** A place in an image's history, as people write it: behind `@`, or as the second word of `rollback`. */
export type Place =
  /** `2`: two layers below the newest, which is 0. */
  | { readonly kind: "back"; readonly layers: number }
  /** `+1`: one layer up again on the way that was gone back. */
  | { readonly kind: "forward"; readonly layers: number }
  /** `{1}` or `@{1}`: what the name stood for before it was last moved; `{0}` is what it stands for. */
  | { readonly kind: "entry"; readonly number: number }
  /** Four or more digits of a layer's digest, with or without `sha256:`. */
  | { readonly kind: "layer"; readonly prefix: string };

const PLACE =
  /^(?:(?<back>\d{1,3})|\+(?<forward>\d{1,3})|@?\{(?<entry>\d{1,6})\}|(?:sha256:)?(?<layer>[0-9a-f]{4,64}))$/;

/** @throws invalid `INVALID_PLACE`, saying what may be written. */
export function parsePlace(text: string): Place {
  const { back, forward, entry, layer } = PLACE.exec(text)?.groups ?? {};
  if (back !== undefined) return { kind: "back", layers: Number(back) };
  if (forward !== undefined) return { kind: "forward", layers: Number(forward) };
  if (entry !== undefined) return { kind: "entry", number: Number(entry) };
  if (layer !== undefined) return { kind: "layer", prefix: layer };
  return fail(
    "invalid",
    "INVALID_PLACE",
    `${JSON.stringify(text)} is no place in a history: give a number of layers to go back (2), or forward again (+1), at least four digits of a layer's digest, or an entry of the reflog (@{1})`,
  );
}

/** `app:2@1` in its halves; no place where none is written. */
export function splitPlace(text: string): { readonly name: string; readonly place: Place | null } {
  const at = text.lastIndexOf("@");
  return at < 0 ? { name: text, place: null } : { name: text.slice(0, at), place: parsePlace(text.slice(at + 1)) };
}
