import type { FileChange } from "../../client/history-documents.ts";
import { formatByteSize } from "../byte-size.ts";
import { printable } from "../printable.ts";

/** As `diff` of a container marks them: changed, added, deleted. */
const MARKS = ["C", "A", "D"] as const;

/** `A /etc/motd  12B`, `C /bin/tool  1.2kB -> 3kB`. */
export function formatFileChange({ Path, Kind, Type, SizeBefore, Size }: FileChange): string {
  const name = printable(Type === "directory" ? `${Path}/` : Path);
  const kind = Type === "file" || Type === "directory" ? "" : ` (${Type})`;
  return `${MARKS[Kind]} ${name}${kind}${sizes(Kind, Type, SizeBefore, Size)}`;
}

function sizes(kind: FileChange["Kind"], type: FileChange["Type"], before: number, now: number): string {
  if (kind === 2) return before > 0 || type === "file" ? `  ${formatByteSize(before)}` : "";
  if (type !== "file") return "";
  return kind === 0 && before !== now
    ? `  ${formatByteSize(before)} -> ${formatByteSize(now)}`
    : `  ${formatByteSize(now)}`;
}

/** `3 added, 1 changed, 0 deleted; +1.2MB`: the sum of all sizes' differences. */
export function summarizeChanges(files: readonly FileChange[]): string {
  const counted = files.filter(({ Type, Kind }) => Type !== "directory" || Kind === 2);
  const count = (kind: number) => counted.filter(({ Kind }) => Kind === kind).length;
  const growth = files.reduce((sum, { Size, SizeBefore }) => sum + Size - SizeBefore, 0);
  const sign = growth < 0 ? "-" : "+";
  return `${count(1)} added, ${count(0)} changed, ${count(2)} deleted; ${sign}${formatByteSize(Math.abs(growth))}`;
}
