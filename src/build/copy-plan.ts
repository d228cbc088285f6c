import { posix } from "node:path";
import { fail } from "../base/errors.ts";
import { joinPath } from "./change-config.ts";

/** Something to copy, found already: `name` is the last part of the path as it was written, links not followed. */
export interface CopySource {
  readonly name: string;
  readonly kind: "file" | "directory";
}

export interface Destination {
  /** Absolute and clean. */
  readonly path: string;
  /** Whether it was written as one: with a slash, or as `.` or `..`. */
  readonly isDirectory: boolean;
}

/** Completes a destination with the working directory. */
export function parseDestination(text: string, workingDirectory: string): Destination {
  return { path: joinPath(workingDirectory, text), isDirectory: /(?:^|\/)\.{0,2}$/.test(text) };
}

/**
 * Where each source goes (Dockerfile reference, "COPY: Destination"): a directory's content goes into the destination,
 * which becomes a directory; a file goes into it if it is a directory, else it becomes it.
 * @param existsAsDirectory whether the image has a directory there now, links followed.
 */
export function planCopy<S extends CopySource>(
  sources: readonly S[],
  destination: Destination,
  existsAsDirectory: boolean,
): { readonly source: S; readonly to: string }[] {
  const intoDirectory = destination.isDirectory || existsAsDirectory;
  return sources.map((source) => ({
    source,
    to: source.kind === "file" && intoDirectory ? posix.join(destination.path, source.name) : destination.path,
  }));
}

/** Whether the plan depends on what the image has at the destination. */
export function needsExisting(sources: readonly CopySource[], destination: Destination): boolean {
  return !destination.isDirectory && sources.some(({ kind }) => kind === "file");
}

/** @throws invalid in Docker's words: several sources need a directory, written as one. */
export function checkSourceCount(instruction: "ADD" | "COPY", count: number, destination: Destination): void {
  if (count === 0) fail("invalid", "COPY_NOTHING", `${instruction} failed: no source files were specified`);
  if (count > 1 && !destination.isDirectory) {
    fail(
      "invalid",
      "COPY_NOT_A_DIRECTORY",
      `When using ${instruction} with more than one source file, the destination must be a directory and end with a /`,
    );
  }
}
