import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fail, LighterError } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import { copyTree } from "../snapshot/archive.ts";
import type { BuildRun } from "./build-run.ts";
import { cacheKey } from "./cache.ts";
import { changeConfig, shellOf } from "./change-config.ts";
import { commitStep, probeCache, withConfig, withIntermediate, writeLayer } from "./commit-step.ts";
import type { InstructionOf } from "./dockerfile/instruction.ts";
import { pathKind } from "./path-kind.ts";
import type { StageState } from "./stage-state.ts";

/** WORKDIR: the directory is made now, by root, so that it is part of the image and not of each container. */
export async function workdirInstruction(
  build: BuildRun,
  state: StageState,
  instruction: InstructionOf<"WORKDIR">,
): Promise<StageState> {
  const { patch, comment } = changeConfig(state.config, instruction, state.commandIsSet);
  const next = withConfig(state, patch);
  const path = patch.WorkingDir ?? "/";
  // Docker writes this line, unlike those of its other metadata, with one blank.
  const createdBy = [...shellOf(state.config), `#(nop) ${comment}`].join(" ");
  const key = cacheKey(state.imageId, [createdBy, next.config]);
  const cached = await probeCache(build, next, key);
  if (cached) return cached;

  return withIntermediate(build, async () => {
    const root = build.parts.snapshotter.root(null, await build.parts.layers.lower(state.chainId));
    const kind = root.lower.length ? await pathKind(root, path) : "nothing";
    if (kind === "other") fail("invalid", "WORKDIR_NOT_A_DIRECTORY", `Cannot mkdir: ${path} is not a directory`);
    const layer = kind === "directory" || path === "/" ? null : await makeDirectory(build, state, path);
    return commitStep(build, next, key, createdBy, layer);
  });
}

function makeDirectory(build: BuildRun, state: StageState, path: string) {
  return writeLayer(build, state, newId(), async (snapshotKey, lower) => {
    const empty = join(build.directory, "empty");
    await mkdir(empty, { recursive: true, mode: 0o755 });
    const target = build.parts.snapshotter.root(snapshotKey, lower);
    const items = [{ from: "/", to: path }];
    try {
      await copyTree({ kind: "directory", path: empty }, target, items, {
        owner: "0:0",
        mode: null,
        signal: build.signal,
      });
    } catch (error) {
      if (!(error instanceof LighterError) || error.kind === "cancelled") throw error;
      fail(error.kind, error.code, `Cannot mkdir: ${path}: ${error.message}`, { cause: error });
    }
  });
}
