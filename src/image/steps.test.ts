import { expect, test } from "bun:test";
import type { HistoryEntry } from "./config.ts";
import { chainIdOf, digestOf } from "./digest.ts";
import type { Image } from "./image-store.ts";
import type { Layer } from "./layer-record.ts";
import { stepsOf } from "./steps.ts";

function layer(name: string): Layer {
  const digest = digestOf(name);
  return {
    chainId: chainIdOf(null, digest),
    parent: null,
    diffId: digest,
    blob: { digest, mediaType: "application/vnd.oci.image.layer.v1.tar", sizeBytes: 1 },
    sizeBytes: 1,
  };
}

function imageWith(history: HistoryEntry[] | undefined): Image {
  const id = digestOf("image");
  const rootfs = { type: "layers" as const, diff_ids: [] };
  const config = { architecture: "amd64", os: "linux", rootfs, history };
  return { id, manifestDigest: id, chainId: null, parentId: null, sizeBytes: 0, createdNs: 0, config };
}

const step = (text: string): HistoryEntry => ({ created_by: text });
const empty = (text: string): HistoryEntry => ({ created_by: text, empty_layer: true });

test.each<[string, HistoryEntry[] | undefined, string[], string[]]>([
  ["steps and layers", [step("a"), empty("env"), step("b")], ["1", "2"], ["b 0 2", "env - -", "a 1 1"]],
  ["no history", undefined, ["1", "2"], [" 0 2", " 1 1"]],
  ["a history that says too little", [step("a")], ["1", "2"], [" 0 2", "a 1 1"]],
  ["a history that says too much", [step("a"), step("b"), step("c")], ["1"], ["c - -", "b - -", "a 0 1"]],
  ["nothing at all", [], [], []],
])("%s", (_, history, names, expected) => {
  const stack = names.map(layer);
  const steps = stepsOf(imageWith(history), stack).map((one) => {
    const name = names.find((_name, at) => stack[at] === one.layer) ?? "-";
    return `${one.entry.created_by ?? ""} ${one.position ?? "-"} ${name}`;
  });
  expect(steps).toEqual(expected);
});
