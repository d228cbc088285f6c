import { posix } from "node:path";
import { copyOut, exportTar } from "../../snapshot/archive.ts";
import type { RootAccess } from "../../snapshot/root-access.ts";
import { createTarReader } from "./tar-entries.ts";

/** The absolute paths of all that is below a directory of a root, and the directory's own. */
export async function listTree(root: RootAccess, directory: string, signal: AbortSignal): Promise<string[]> {
  const above = posix.dirname(directory);
  const paths: string[] = [];
  const reader = createTarReader({
    onEntry: ({ name }) => paths.push(posix.join("/", above, name).replace(/(?<=.)\/+$/, "")),
    onContent: () => {},
    onEnd: () => {},
  });
  const archive = directory === "/" ? exportTar(root, { signal }) : copyOut(root, directory, signal);
  for await (const bytes of archive) reader.push(bytes);
  reader.finish();
  return paths;
}
