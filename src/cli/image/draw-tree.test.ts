import { expect, test } from "bun:test";
import type { LayerNode } from "../../client/history-documents.ts";
import { drawTree } from "./draw-tree.ts";

function layer(digit: string, tags: readonly string[] | null, ...children: readonly LayerNode[]): LayerNode {
  const digest = `sha256:${digit.repeat(64)}`;
  const images = tags === null ? [] : [{ Id: digest, Tags: tags }];
  return { Layer: digest, ChainId: digest, CreatedBy: `RUN ${digit}`, Size: 1000, Images: images, Children: children };
}

const tree = [
  layer(
    "a",
    ["base:latest"],
    layer("b", null, layer("c", ["one:1", "one:2"])),
    layer("d", null, layer("e", []), layer("f", ["two:1"])),
  ),
];

test("images hang on what they share, with all layers between in one line", () => {
  expect(drawTree(tree, { layers: false })).toEqual([
    "aaaaaaaaaaaa  1kB  [base:latest]",
    "├─ 2 layers  2kB  [one:1, one:2]",
    "└─ dddddddddddd  1kB  RUN d",
    "   ├─ eeeeeeeeeeee  1kB  [<none> (image eeeeeeeeeeee)]",
    "   └─ ffffffffffff  1kB  [two:1]",
  ]);
});

test("each layer has a line where that is asked for", () => {
  expect(drawTree(tree, { layers: true }).slice(1, 3)).toEqual([
    "├─ bbbbbbbbbbbb  1kB  RUN b",
    "│  └─ cccccccccccc  1kB  [one:1, one:2]",
  ]);
});
