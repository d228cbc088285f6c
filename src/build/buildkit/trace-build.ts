import { create, toBinary } from "@bufbuild/protobuf";
import type { DoorState } from "./door-state.ts";
import { StatusResponseSchema } from "./proto/control_pb.ts";
import { type BuildRequest, solveBuild } from "./solve-build.ts";

/** A line of the answer to `POST /build?version=2`, as Docker's clients from 18.09 to 22 read it. */
export type TraceLine =
  | { readonly id: "moby.buildkit.trace"; readonly aux: string }
  | { readonly id: "moby.image.id"; readonly aux: { readonly ID: string } };

/**
 * Builds as {@link solveBuild} does, its progress and result as lines. Leaving the iteration, or `abort`, ends the build.
 * @throws what the build fails with, after all of its progress
 */
export async function* traceBuild(
  door: DoorState,
  request: BuildRequest,
  abort: AbortSignal,
): AsyncGenerator<TraceLine> {
  const leaving = new AbortController();
  const signal = AbortSignal.any([abort, leaving.signal]);
  const work = solveBuild(door, request, signal);
  // Its failure is told at the end, after the progress.
  work.catch(() => {});
  try {
    const build = await Promise.race([door.builds.get(request.ref, signal), work.then(() => null)]);
    for await (const status of build?.status.read(signal) ?? []) {
      const bytes = toBinary(StatusResponseSchema, create(StatusResponseSchema, status));
      yield { id: "moby.buildkit.trace", aux: Buffer.from(bytes).toString("base64") };
    }
    const { "containerimage.digest": imageId } = await work;
    if (imageId !== undefined) yield { id: "moby.image.id", aux: { ID: imageId } };
  } finally {
    leaving.abort(new Error("the client left"));
    await work.catch(() => {});
  }
}
