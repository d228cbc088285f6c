import { formatByteSize } from "../byte-size.ts";
import { defineCommand } from "../command.ts";
import { duration, flag, text } from "../option.ts";
import { print } from "../output.ts";

const DEFAULT_ROOT = "/var/lib/lighter-registry";
const NANOSECONDS_PER_MS = 1e6;

export const command = defineCommand({
  name: "registry gc",
  summary: "Remove what no image of a registry needs",
  usage: "[OPTIONS]",
  description: "Safe while the registry serves: what was used a moment ago, and uploads on their way, stay.",
  examples: [
    { command: "lighter registry gc", meaning: "blobs that no manifest has" },
    { command: "lighter registry gc --untagged --grace 24h", meaning: "also images that have lost their tag" },
  ],
  options: {
    root: text("Directory of the registry's data", { shownDefault: DEFAULT_ROOT }),
    untagged: flag("Also remove manifests that have no tag and belong to no index"),
    grace: duration("Keep what was used in this time", { shownDefault: "1h" }),
    "upload-timeout": duration("Remove uploads that nobody went on with for so long", { shownDefault: "24h" }),
  },
  operands: { minimum: 0, maximum: 0 },
  async run({ options }) {
    const { collectGarbage, DEFAULT_GARBAGE } = await import("../../registry/server/collect-garbage.ts");
    const { openStorage } = await import("../../registry/server/registry-storage.ts");
    const ms = (nanoseconds: number | undefined) =>
      nanoseconds === undefined ? undefined : nanoseconds / NANOSECONDS_PER_MS;
    using storage = openStorage(options.root ?? DEFAULT_ROOT);
    const { blobs, bytes, manifests, uploads } = collectGarbage(storage, {
      graceMs: ms(options.grace) ?? DEFAULT_GARBAGE.graceMs,
      uploadMs: ms(options["upload-timeout"]) ?? DEFAULT_GARBAGE.uploadMs,
      untagged: options.untagged,
    });
    await print(`Removed ${blobs} blobs, ${manifests} manifests, ${uploads} uploads`);
    await print(`Total reclaimed space: ${formatByteSize(bytes)}`);
    return 0;
  },
});
