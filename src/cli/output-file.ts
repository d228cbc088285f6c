import { open, rename, rm } from "node:fs/promises";
import { STDOUT, write } from "./output.ts";

/**
 * Writes a stream into a file, or to standard output when no file is named. The file gets its name when it is complete.
 * @throws Error when the stream would be written onto a terminal
 */
export async function writeOutput(
  path: string | undefined,
  open: () => Promise<AsyncIterable<Uint8Array>>,
): Promise<void> {
  if (path !== undefined) return writeFile(path, await open());
  const { isTerminal } = await import("./streams/terminal.ts");
  if (isTerminal(STDOUT)) throw new Error("cowardly refusing to save to a terminal. Use the -o flag or redirect");
  for await (const chunk of await open()) await write(STDOUT, chunk);
}

async function writeFile(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const partial = `${path}.${process.pid}.partial`;
  try {
    const file = await open(partial, "wx", 0o600);
    try {
      for await (const chunk of chunks) await file.write(chunk);
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
