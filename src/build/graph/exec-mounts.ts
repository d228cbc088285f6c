import { randomUUID } from "node:crypto";
import { chmod, chown, mkdir, rm, writeFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { fail } from "../../base/errors.ts";
import type { Id } from "../../base/ids.ts";
import type { ContainerMount } from "../../runtime/mounts.ts";
import { copyTree } from "../../snapshot/archive.ts";
import type { WantedPoint } from "../../snapshot/mount-point-plan.ts";
import { secretsDirectory } from "../build-parts.ts";
import { makeBind, rootOfResult } from "./bind-mount.ts";
import type { ExecJob, ExecRoot, MountScope } from "./mount-scope.ts";
import type { BindMount, CacheMount, ExecMount, ExecOperation, SecretMount, SshMount } from "./operation.ts";

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
