import type { ImageRunConfig } from "./config.ts";
import { entriesOf, fieldOf, isSame, ofEntries } from "./config-fields.ts";

/**
 * A configuration that was made from one image, made anew from another: what it has from the old image comes from the new
 * one, what it has changed stays changed. Variables, labels, ports and volumes are told apart by their names.
 */
export function rebaseConfig(config: ImageRunConfig, old: ImageRunConfig, next: ImageRunConfig): ImageRunConfig {
  const fields = new Set([...Object.keys(old), ...Object.keys(next)]);
  const rebased = [...fields].map((field) => [
    field,
    rebaseField(field, fieldOf(config, field), fieldOf(old, field), fieldOf(next, field)),
  ]);
  return { ...config, ...Object.fromEntries(rebased) };
}

function rebaseField(field: string, mine: unknown, old: unknown, next: unknown): unknown {
  if (isSame(mine, old)) return next;
  const [all, before, after] = [entriesOf(field, mine), entriesOf(field, old), entriesOf(field, next)];
  if (!all || !before || !after) return mine;
  const names = new Set([...after.keys(), ...all.keys()]);
  const entries = [...names].flatMap((name): [string, unknown][] => {
    const value = isSame(all.get(name), before.get(name)) ? after.get(name) : all.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return ofEntries(field, entries);
}
