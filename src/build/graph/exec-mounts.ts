import { randomUUID } from "node:crypto";
import { chmod, chown, copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { release } from "node:os";
import { join, posix } from "node:path";
import { fail } from "../../base/errors.ts";
import type { Id } from "../../base/ids.ts";
import type { ChainId } from "../../image/digest.ts";
import { isAtLeast, parseKernelVersion } from "../../runtime/host.ts";
import { type ContainerMount, layersMount } from "../../runtime/mounts.ts";
import { copyTree } from "../../snapshot/archive.ts";
import type { WantedPoint } from "../../snapshot/mount-point-plan.ts";
import type { RootAccess } from "../../snapshot/root-access.ts";
import { secretsDirectory } from "../build-parts.ts";
import { pathKind } from "../path-kind.ts";
import type { Job } from "./job.ts";
import { layersOf } from "./layers-of.ts";
import type { BindMount, CacheMount, ExecMount, ExecOperation, SecretMount, SshMount } from "./operation.ts";
import { layersResult, type Result } from "./solver.ts";

type ExecJob = Job<ExecOperation>;

/** A snapshot that takes a process's writes. */
export interface ExecRoot {
  readonly key: number;
  /** What is below it. */
  readonly chainId: ChainId | null;
  readonly lower: readonly number[];
  /** It is a layer's now. */
  readonly take: () => void;
  readonly release: () => void;
}

export interface MountPlan {
  readonly root: BindMount;
  readonly all: readonly ExecMount[];
  /** All but the root, with absolute targets. */
  readonly others: readonly { readonly mount: ExecMount; readonly target: string }[];
}

export function mountPlan(operation: ExecOperation): MountPlan {
  const root = operation.mounts.find((mount) => posix.normalize(mount.target) === "/");
  if (root?.type !== "bind") fail("invalid", "NO_ROOT_MOUNT", "a step of the build graph has no root to run on");
  const others = operation.mounts
    .filter((mount) => mount !== root)
    .map((mount) => ({ mount, target: posix.resolve("/", operation.cwd, mount.target) }));
  return { root, all: operation.mounts, others };
}

export interface ReadyMounts {
  readonly mounts: readonly ContainerMount[];
  readonly env: readonly string[];
  /** What has to stand in the root for them. */
  readonly points: readonly WantedPoint[];
  /** Snapshots of mounts that have an output. */
  readonly writable: ReadonlyMap<ExecMount, ExecRoot>;
}

const KERNEL = parseKernelVersion(release());

interface MountScope {
  readonly job: ExecJob;
  readonly id: Id;
  /** On the disk, for this step alone. */
  readonly directory: string;
  /** In memory, for this step alone. */
  readonly secrets: string;
  readonly writable: Map<ExecMount, ExecRoot>;
  readonly env: string[];
  readonly points: WantedPoint[];
  readonly cleanup: AsyncDisposableStack;
}

/** Makes everything that the step mounts besides its root, and takes it away when `work` is over. */
export async function withMounts<T>(
  job: ExecJob,
  plan: MountPlan,
  id: Id,
  work: (ready: ReadyMounts) => Promise<T>,
): Promise<T> {
  const { operation } = job;
  if (plan.others.length === 0 && operation.secretEnv.length === 0) {
    return work({ mounts: [], env: [], points: [], writable: new Map() });
  }
  await using cleanup = new AsyncDisposableStack();
  const directory = join(job.parts.temporary, `mounts-${id}`);
  const secrets = join(secretsDirectory(job.parts), id);
  for (const path of [directory, secrets]) {
    cleanup.defer(() => rm(path, { recursive: true, force: true }));
    await mkdir(path, { recursive: true, mode: 0o700 });
  }
  const scope: MountScope = { job, id, directory, secrets, writable: new Map(), env: [], points: [], cleanup };
  for (const { id: secret, variable, optional } of operation.secretEnv) {
    const value = await secretValue(job, secret, optional);
    if (value) scope.env.push(`${variable}=${new TextDecoder().decode(value)}`);
  }
  const mounts: ContainerMount[] = [];
  const caches: CachePlace[] = [];
  for (const { mount, target } of plan.others) {
    const made = mount.type === "cache" ? null : await makeMount(scope, mount, target);
    if (made) mounts.push(made);
    if (mount.type === "cache") caches.push({ mount, target });
    // A secret or agent that the step can do without leaves no trace.
    else if (!made) continue;
    if (mount.type !== "bind") {
      const isFile = mount.type === "secret" || mount.type === "ssh";
      scope.points.push({ path: target, kind: isFile ? "file" : "directory" });
    } else if (mount.output !== null) scope.points.push({ path: target, kind: "directory" });
  }
  // In the order of their names, so that no two steps wait for each other.
  caches.sort((one, other) => (one.mount.id < other.mount.id ? -1 : 1));
  const ready = (more: readonly ContainerMount[]) =>
    work({ mounts: [...mounts, ...more], env: scope.env, points: scope.points, writable: scope.writable });
  // Awaited here: what was made goes when this returns.
  return await withCaches(scope, caches, [], ready);
}

interface CachePlace {
  readonly mount: CacheMount;
  readonly target: string;
}

/** Takes one cache after the other, then works with all of them. */
function withCaches<T>(
  scope: MountScope,
  caches: readonly CachePlace[],
  made: readonly ContainerMount[],
  work: (mounts: readonly ContainerMount[]) => Promise<T>,
): Promise<T> {
  const [first, ...rest] = caches;
  if (!first) return work(made);
  const { mount, target } = first;
  const { job } = scope;
  return job.parts.cacheMounts.use(
    mount,
    (directory) => fillCache(scope, mount, directory),
    (source) => {
      if (job.signal.aborted) fail("cancelled", "BUILD_CANCELLED", "Build cancelled");
      const bind: ContainerMount = { kind: "bind", source, target, readonly: mount.readonly, propagation: "rprivate" };
      return withCaches(scope, rest, [...made, bind], work);
    },
  );
}

async function fillCache({ job }: MountScope, { input, selector }: CacheMount, directory: string): Promise<void> {
  const result = input === null ? undefined : job.inputs[input];
  if (!result) return;
  const { root, path } = await rootOfResult(job, result, selector || "/");
  await copyTree(root, { kind: "directory", path: directory }, [{ from: path, to: "/" }], {
    owner: null,
    mode: null,
    signal: job.signal,
  });
}

async function makeMount(
  scope: MountScope,
  mount: Exclude<ExecMount, CacheMount>,
  target: string,
): Promise<ContainerMount | null> {
  switch (mount.type) {
    case "tmpfs":
      return { kind: "tmpfs", target, options: mount.sizeBytes > 0 ? `exec,size=${mount.sizeBytes}` : "exec" };
    case "secret":
      return makeSecret(scope, mount, target);
    case "ssh":
      return makeSsh(scope, mount, target);
    case "bind":
      return makeBind(scope, mount, target);
    default:
      return mount satisfies never;
  }
}

async function secretValue(job: ExecJob, id: string, optional: boolean): Promise<Uint8Array | null> {
  const value = await job.request.sources.secret(id);
  if (value === null && !optional) fail("not-found", "NO_SECRET", `secret ${id}: not found`);
  return value;
}

async function makeSecret(scope: MountScope, mount: SecretMount, target: string): Promise<ContainerMount | null> {
  const value = await secretValue(scope.job, mount.id, mount.optional);
  if (value === null) return null;
  const source = join(scope.secrets, randomUUID());
  await writeFile(source, value, { mode: 0o400 });
  await chown(source, mount.uid, mount.gid);
  await chmod(source, mount.mode);
  return { kind: "bind", source, target, readonly: true, propagation: "rprivate" };
}

async function makeSsh(scope: MountScope, mount: SshMount, target: string): Promise<ContainerMount | null> {
  const id = mount.id || "default";
  const source = await scope.job.request.sources.ssh(id);
  if (source === null) {
    return mount.optional
      ? null
      : fail("not-found", "NO_SSH_AGENT", `unset ssh forward key ${id} (build with --ssh ${id})`);
  }
  if (!scope.env.some((entry) => entry.startsWith("SSH_AUTH_SOCK="))) scope.env.push(`SSH_AUTH_SOCK=${target}`);
  return { kind: "bind", source, target, readonly: false, propagation: "rprivate" };
}

/** A tree that is only read is mounted as it lies; one that may be written to gets a place for the writes. */
async function makeBind(scope: MountScope, mount: BindMount, target: string): Promise<ContainerMount> {
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
