import { randomInt } from "node:crypto";
import { fail } from "../base/errors.ts";

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** @returns the name without a leading slash. @throws invalid `INVALID_NAME` in Docker's words. */
export function parseContainerName(text: string): string {
  const name = text.startsWith("/") ? text.slice(1) : text;
  if (!NAME.test(name)) {
    fail("invalid", "INVALID_NAME", `Invalid container name (${text}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  }
  return name;
}

/** A name that a person can say, of the harbour and the sea, that `taken` does not know. */
export function randomContainerName(taken: (name: string) => boolean): string {
  for (let attempt = 0; ; attempt++) {
    const name = `${pick(QUALITIES)}_${pick(CRAFT)}${attempt > 4 ? randomInt(1000) : ""}`;
    if (!taken(name)) return name;
  }
}

function pick(words: readonly string[]): string {
  return words[randomInt(words.length)] ?? "";
}

// biome-ignore format: a list of words reads better in lines than one to a line
const QUALITIES = [
  "able", "agile", "bold", "brave", "breezy", "bright", "brisk", "buoyant", "calm", "clear", "coastal", "crisp",
  "daring", "deft", "eager", "early", "fair", "fleet", "fresh", "gentle", "glad", "golden", "hardy", "honest", "jolly",
  "keen", "kind", "light", "lively", "loyal", "lucid", "mellow", "merry", "mighty", "modest", "neat", "nimble", "noble",
  "patient", "placid", "plucky", "polar", "proud", "quick", "quiet", "ready", "salty", "serene", "sharp", "silent",
  "silver", "sleek", "smart", "snug", "solid", "spry", "stable", "steady", "stout", "sturdy", "sunny", "swift", "tidal",
  "tidy", "trim", "true", "upbeat", "vivid", "warm", "wise",
];

// biome-ignore format: as above
const CRAFT = [
  "anchor", "barge", "barque", "beacon", "bollard", "boom", "bosun", "bowline", "brig", "buoy", "cable", "canoe",
  "capstan", "catamaran", "clipper", "cog", "compass", "coracle", "corvette", "crane", "cutter", "dhow", "dinghy",
  "dock", "dory", "fender", "ferry", "frigate", "galleon", "galley", "gig", "halyard", "harbour", "hawser", "helm",
  "hull", "jetty", "junk", "kayak", "keel", "ketch", "lantern", "launch", "lighthouse", "lugger", "mast", "mole",
  "mooring", "packet", "pier", "pilot", "pinnace", "pontoon", "punt", "quay", "raft", "rudder", "sampan", "schooner",
  "sextant", "skiff", "sloop", "spar", "tender", "tiller", "trawler", "tug", "wharf", "wherry", "yawl",
];
