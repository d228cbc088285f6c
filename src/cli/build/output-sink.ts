import { open, rename, rm } from "node:fs/promises";
import { PassThrough } from "node:stream";
import { STDOUT, write } from "../output.ts";
import { isTerminal } from "../streams/terminal.ts";
import type { OutputFlag } from "./build-order.ts";

/** Where an output's bytes go. */
export interface OutputSink {
  readonly write: (bytes: Uint8Array) => void | Promise<void>;
  readonly end: () => Promise<void>;
  /** The build failed: nothing half-made stays. */
  readonly abort: () => Promise<void>;
}

const NOWHERE: OutputSink = { write: () => {}, end: async () => {}, abort: async () => {} };

/** @throws Error when an archive would be written onto a terminal. */
export async function openSink(output: OutputFlag | undefined): Promise<OutputSink> {
  if (!output) return NOWHERE;
  const { type, destination } = output;
  if (type === "local") return directorySink(destination);
  if (destination !== "-") return fileSink(destination);
  if (isTerminal(STDOUT)) throw new Error("refusing to write an archive to a terminal: name a file with dest=");
  return { ...NOWHERE, write: (bytes) => write(STDOUT, bytes) };
}

/** The file gets its name when it is complete. */
async function fileSink(path: string): Promise<OutputSink> {
  const partial = `${path}.${process.pid}.partial`;
  const file = await open(partial, "wx", 0o600);
  return {
    write: async (bytes) => {
      await file.writeFile(bytes);
    },
    end: async () => {
      await file.close();
      await rename(partial, path);
    },
    abort: async () => {
      await file.close();
      await rm(partial, { force: true });
    },
  };
}

/** The files, unpacked into a directory that may have others. Owners are kept by nobody but root. */
async function directorySink(directory: string): Promise<OutputSink> {
  const { unpackTree } = await import("../archive/unpack-tree.ts");
  const stream = new PassThrough();
  const unpacking = unpackTree(stream, directory, { keepOwners: process.getuid?.() === 0, keepsTop: true });
  unpacking.catch(() => {}); // Whoever ends it hears of it.
  return {
    write: async (bytes) => {
      if (!stream.write(bytes))
        await Promise.race([new Promise((resolve) => stream.once("drain", resolve)), unpacking]);
    },
    end: async () => {
      stream.end();
      await unpacking;
    },
    abort: async () => {
      stream.destroy();
    },
  };
}
