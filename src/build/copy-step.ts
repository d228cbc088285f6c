import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { fail, LighterError } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import { type CopyItem, copyTree } from "../snapshot/archive.ts";
import type { RootAccess } from "../snapshot/root-access.ts";
import type { BuildRun } from "./build-run.ts";
import { cacheKey } from "./cache.ts";
import { shellOf } from "./change-config.ts";
import { commitStep, probeCache, writeLayer } from "./commit-step.ts";
import { checkSourceCount, type Destination, needsExisting, parseDestination, planCopy } from "./copy-plan.ts";
import { type FoundSource, findSources } from "./copy-sources.ts";
import type { InstructionOf } from "./dockerfile/instruction.ts";
import { pathKind } from "./path-kind.ts";
import { requireClassic } from "./require-classic.ts";
import type { StageState } from "./stage-state.ts";

/** COPY and ADD: files of the context, of another stage or image, of the Dockerfile itself or from a URL, as a layer. */
export async function copyInstruction(
  build: BuildRun,
  state: StageState,
  instruction: InstructionOf<"ADD" | "COPY">,
): Promise<StageState> {
  requireClassic({ exclude: instruction.exclude.length > 0, parents: instruction.parents });
  const mode = parseMode(instruction.chmod);
  const destination = parseDestination(instruction.destination, state.config.WorkingDir ?? "");
  const sources = await findSources(build, instruction);
  checkSourceCount(instruction.kind, sources.length, destination);

  const createdBy = describe(state, instruction, sources);
  const { kind, chown, chmod } = instruction;
  const content = sources.map((source) => [
    source.hash,
    source.name,
    source.kind,
    chown === null ? source.ownersOf : null,
  ]);
  const key = cacheKey(state.imageId, [kind, chown, chmod, content, destination]);
  const cached = await probeCache(build, state, key);
  if (cached) return cached;

  const layer = await writeLayer(build, state, newId(), async (snapshotKey, lower) => {
    const target = build.parts.snapshotter.root(snapshotKey, lower);
    for (const { root, owner, items } of await batches(target, sources, destination, chown)) {
      try {
        await copyTree(root, target, items, { owner, mode, signal: build.signal });
      } catch (error) {
        copyFailed(error, chown ?? "");
      }
    }
  });
  return commitStep(build, state, key, createdBy, layer);
}

/** In Docker's words, where it has some for the helper's failure. */
function copyFailed(error: unknown, chown: string): never {
  if (!(error instanceof LighterError) || error.kind === "cancelled") throw error;
  const [user, group] = chown.split(":");
  const complaint = "unable to convert uid/gid chown string to host mapping";
  const reasons: Readonly<Record<string, string>> = {
    ARCHIVE_UNKNOWN_USER: `${complaint}: can't find uid for user ${user}: no such user: ${user}`,
    ARCHIVE_UNKNOWN_GROUP: `${complaint}: can't find gid for group ${group}: no such group: ${group}`,
  };
  fail(error.kind, error.code, reasons[error.code] ?? `failed to copy files: ${error.message}`, { cause: error });
}

interface Batch {
  readonly root: RootAccess;
  readonly owner: string | null;
  readonly items: CopyItem[];
}

/** Sources that stand side by side under one root are copied in one go; the order is kept, for later ones win. */
async function batches(
  target: RootAccess,
  sources: readonly FoundSource[],
  destination: Destination,
  chown: string | null,
): Promise<Batch[]> {
  const existsAsDirectory =
    needsExisting(sources, destination) && (await pathKind(target, destination.path)) === "directory";
  const result: Batch[] = [];
  for (const { source, to } of planCopy(sources, destination, existsAsDirectory)) {
    const root = await source.open();
    const owner = chown ?? (source.ownersOf === null ? "0:0" : null);
    const last = result.at(-1);
    const item = { from: source.from, to, ...(source.unpacks && { extractInto: destination.path }) };
    const joins = last?.owner === owner && isDeepStrictEqual(last.root, root);
    if (joins) last.items.push(item);
    else result.push({ root, owner, items: [item] });
  }
  return result;
}

function describe(
  state: StageState,
  { kind, chown, chmod, destination }: InstructionOf<"ADD" | "COPY">,
  sources: readonly FoundSource[],
): string {
  const hashes = sources.map(({ hash }) => hash);
  const hash = hashes.length === 1 ? hashes[0] : `multi:${createHash("sha256").update(hashes.join(",")).digest("hex")}`;
  const flags = `${chown === null ? "" : `--chown=${chown} `}${chmod === null ? "" : `--chmod=${chmod} `}`;
  return [...shellOf(state.config), `#(nop) ${kind} ${flags}${hash} in ${destination} `].join(" ");
}

function parseMode(chmod: string | null): number | null {
  if (chmod === null) return null;
  if (!/^[0-7]{1,4}$/.test(chmod)) {
    fail(
      "invalid",
      "INVALID_CHMOD",
      `invalid chmod parameter: '${chmod}'. it should be octal string and between 0 and 07777`,
    );
  }
  return Number.parseInt(chmod, 8);
}
