import { expect, test } from "bun:test";
import type { FileChange } from "./layer-files.ts";
import { conflictingPaths } from "./rebase-conflicts.ts";

/** `A /etc/motd`, `C /etc/`: a slash at the end is a directory's. */
function change(text: string): FileChange {
  const [mark = "", path = ""] = text.split(" ");
  const kind = mark === "C" ? 0 : mark === "A" ? 1 : 2;
  const isDirectory = path.endsWith("/");
  return {
    Path: isDirectory ? path.slice(0, -1) : path,
    Kind: kind,
    Type: isDirectory ? "directory" : "file",
    SizeBefore: 0,
    Size: 0,
  };
}

test.each<[ours: string[], theirs: string[], conflicts: string[]]>([
  [["A /a", "C /b"], ["A /c", "D /d"], []],
  [["C /a"], ["C /a"], ["/a"]],
  [["C /a"], ["D /a"], ["/a"]],
  [["A /dir/x"], ["D /dir/"], ["/dir/x"]],
  [["D /dir/"], ["C /dir/sub/x"], ["/dir/sub/x"]],
  [["A /dir/x"], ["C /dir"], ["/dir/x"]],
  [["A /dir/x"], ["C /dir/"], []],
  [["A /dir/", "A /dir/x"], ["A /dir/", "A /dir/y"], ["/dir"]],
  [["A /directory"], ["D /dir/"], []],
])("%j and %j conflict in %j", (ours, theirs, conflicts) => {
  expect(conflictingPaths(ours.map(change), theirs.map(change))).toEqual(conflicts);
});
