import type { LayerNode } from "../../client/history-documents.ts";
import { formatByteSize } from "../byte-size.ts";
import { ellipsis } from "../container/container-list.ts";
import { printable } from "../printable.ts";
import { shortImageId } from "./image-list.ts";

const SHORT_TEXT = 45;

export interface TreeOptions {
  /** Each layer on a line of its own; otherwise those that follow each other without a branch or an image are one. */
  readonly layers: boolean;
}

/** Draws layers' trees: a line for each image, and for each layer at which images part. */
export function drawTree(roots: readonly LayerNode[], options: TreeOptions): string[] {
  return roots.flatMap((root) => drawFrom(root, options, "", ""));
}

/** @param first what stands before this line, @param rest what stands before those below it. */
function drawFrom(node: LayerNode, options: TreeOptions, first: string, rest: string): string[] {
  const run = options.layers ? [node] : runFrom(node);
  const children = run.at(-1)?.Children ?? [];
  return [
    first + describe(run),
    ...children.flatMap((child, index) => {
      const isLast = index === children.length - 1;
      return drawFrom(child, options, `${rest}${isLast ? "└─ " : "├─ "}`, `${rest}${isLast ? "   " : "│  "}`);
    }),
  ];
}

/** A layer and those above it up to the first that is an image's last or has several above it. */
function runFrom(node: LayerNode): LayerNode[] {
  const [child, another] = node.Children;
  return node.Images.length > 0 || child === undefined || another !== undefined ? [node] : [node, ...runFrom(child)];
}

function describe(run: readonly LayerNode[]): string {
  const last = run.at(-1);
  const size = formatByteSize(run.reduce((sum, { Size }) => sum + Size, 0));
  const layers = run.length === 1 ? shortImageId(last?.Layer ?? "no layers") : `${run.length} layers`;
  const names = (last?.Images ?? []).map(({ Id, Tags }) =>
    Tags.length > 0 ? Tags.join(", ") : `<none> (image ${shortImageId(Id)})`,
  );
  const made = ellipsis(printable((last?.CreatedBy ?? "").replaceAll(/[\t\n]/g, " ")), SHORT_TEXT);
  return [layers, size, ...(names.length > 0 ? [`[${names.join("; ")}]`] : made === "" ? [] : [made])].join("  ");
}
