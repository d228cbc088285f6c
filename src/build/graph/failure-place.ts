import type { Description } from "./operation.ts";

/** Where in which text a failure belongs; lines count from 1. */
export interface FailurePlace {
  readonly place: NonNullable<Description["place"]>;
  /** The whole of the file; null while only its name is known. */
  readonly text: string | null;
}

/** Beside the errors, whose kind and words stay what they are. */
const places = new WeakMap<object, FailurePlace>();

/** Notes which instruction a step's failure belongs to. */
export function notePlace(error: unknown, place: Description["place"]): void {
  if (error instanceof Error && place && !places.has(error)) places.set(error, { place, text: null });
}

/** Notes the text of the file that the failure's place is in. */
export function noteText(error: unknown, text: string): void {
  const known = placeOf(error);
  if (error instanceof Error && known) places.set(error, { ...known, text });
}

export function placeOf(error: unknown): FailurePlace | null {
  return error instanceof Error ? (places.get(error) ?? null) : null;
}
