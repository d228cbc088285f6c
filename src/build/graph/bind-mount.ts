import { randomUUID } from "node:crypto";
import { copyFile } from "node:fs/promises";
import { release } from "node:os";
import { join, posix } from "node:path";
import { fail } from "../../base/errors.ts";
import type { ChainId } from "../../image/digest.ts";
import { isAtLeast, parseKernelVersion } from "../../runtime/host.ts";
import { type ContainerMount, layersMount } from "../../runtime/mounts.ts";
import type { RootAccess } from "../../snapshot/root-access.ts";
import { pathKind } from "../path-kind.ts";
import type { Job } from "./job.ts";
import { layersOf } from "./layers-of.ts";
import type { MountScope } from "./mount-scope.ts";
import type { BindMount } from "./operation.ts";
import { layersResult, type Result } from "./solver.ts";

const KERNEL = parseKernelVersion(release());

/** A tree that is only read is mounted as it lies; one that may be written to gets a place for the writes. */
export async function makeBind(scope: MountScope, mount: BindMount, target: string): Promise<ContainerMount> {
  const { job } = scope;
  const { layers, snapshotter } = job.parts;
  const result = (mount.input === null ? undefined : job.inputs[mount.input]) ?? layersResult(null);
  const selector = posix.resolve("/", mount.selector);
  if (mount.output !== null) return makeWritable(scope, mount, await layersOf(job, result), { target, selector });
  await addPoint(scope, result, selector, target);
  if (result.kind === "files") {
    const { root, path } = await rootOfResult(job, result, selector);
    const source = join(root.kind === "directory" ? root.path : "/", path);
    const isFile = result.files.tree.resolve(selector)?.kind !== "directory";
    // A file that may be written to is one of its own; of a directory the writes are.
    if (mount.readonly) return { kind: "bind", source, target, readonly: true, propagation: "rprivate" };
    if (isFile)
      return {
        kind: "bind",
        source: await copyOfFile(scope, source),
        target,
        readonly: false,
        propagation: "rprivate",
      };
    const { key, mount: made } = overWritten(scope, null, [source], { target, selector: "/" });
    scope.cleanup.defer(() => snapshotter.remove(key));
    return made;
  }
  const lower = await layers.lower(result.chainId);
  if (!mount.readonly) return makeWritable(scope, mount, result.chainId, { target, selector });
  const directories = lower.map((key) => `${key}/fs`);
  return layersMount(snapshotter.directory, directories, { target, subpath: subpathOf(selector) }, KERNEL);
}

/** What stands at the selector decides what has to stand where it is mounted. */
async function addPoint(scope: MountScope, result: Result, selector: string, path: string): Promise<void> {
  const { job } = scope;
  const isKnown = selector === "/" || result.kind === "files";
  const node = result.kind === "files" ? result.files.tree.resolve(selector) : null;
  const kind = isKnown
    ? selector === "/" || node?.kind === "directory"
      ? "directory"
      : node
        ? "other"
        : "nothing"
    : await pathKind(await job.parts.layers.root(result.kind === "layers" ? result.chainId : null), selector);
  if (kind === "nothing") fail("not-found", "MOUNT_NOT_FOUND", `${JSON.stringify(selector)}: not found`);
  scope.points.push({ path, kind: kind === "directory" ? "directory" : "file" });
}

function subpathOf(selector: string): string {
  return selector === "/" ? "" : selector.slice(1);
}

interface Place {
  readonly target: string;
  readonly selector: string;
}

async function makeWritable(
  scope: MountScope,
  mount: BindMount,
  chainId: ChainId | null,
  place: Place,
): Promise<ContainerMount> {
  const { layers } = scope.job.parts;
  const keys = await layers.lower(chainId);
  const { key, mount: made } = overWritten(
    scope,
    chainId,
    keys.map((lowerKey) => `${lowerKey}/fs`),
    place,
  );
  const taken = { is: false };
  scope.cleanup.defer(() => {
    if (!taken.is) scope.job.parts.snapshotter.remove(key);
  });
  scope.writable.set(mount, {
    key,
    chainId,
    lower: keys,
    take: () => {
      taken.is = true;
    },
    release: () => {},
  });
  return made;
}

/** Directories with a snapshot on top that takes the writes. */
function overWritten(
  { job, id }: MountScope,
  chainId: ChainId | null,
  lower: readonly string[],
  { target, selector }: Place,
): { key: number; mount: ContainerMount } {
  const { snapshotter } = job.parts;
  const key = snapshotter.prepare(`build ${id}`, chainId);
  if (lower.length === 0) {
    const source = snapshotter.upper(key);
    return { key, mount: { kind: "bind", source, target, readonly: false, propagation: "rprivate" } };
  }
  const layers = isAtLeast(KERNEL, 6, 8) ? lower.map((layer) => `lowerdir+=${layer}`) : [`lowerdir=${lower.join(":")}`];
  const options = [
    "index=off",
    "redirect_dir=off",
    "metacopy=off",
    ...layers,
    `upperdir=${key}/fs`,
    `workdir=${key}/work`,
  ];
  const subpath = subpathOf(selector);
  const { directory: source } = snapshotter;
  return { key, mount: { kind: "filesystem", type: "overlay", source, target, options, readonly: false, subpath } };
}

async function copyOfFile(scope: MountScope, source: string): Promise<string> {
  const copy = join(scope.directory, randomUUID());
  await copyFile(source, copy);
  return copy;
}

/** Where a path of a result can be read; links in it are followed inside the result. @throws not-found */
export async function rootOfResult(
  job: Job,
  result: Result,
  path: string,
): Promise<{ root: RootAccess; path: string }> {
  if (result.kind === "layers") return { root: await job.parts.layers.root(result.chainId), path };
  const node = result.files.tree.resolve(path);
  if (!node) fail("not-found", "MOUNT_NOT_FOUND", `${JSON.stringify(path)}: not found`);
  return { root: await result.files.unpack([node], job.signal), path: `/${node.path}` };
}
