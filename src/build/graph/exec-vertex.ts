import { fail } from "../../base/errors.ts";
import { newId } from "../../base/ids.ts";
import type { ChainId } from "../../image/digest.ts";
import { selectedContent } from "./copied-sources.ts";
import { type MountPlan, mountPlan, withMounts } from "./exec-mounts.ts";
import { identityOf, type KeyFacts, type Work } from "./job.ts";
import { layersOf } from "./layers-of.ts";
import type { ExecJob, ExecRoot } from "./mount-scope.ts";
import type { BindMount, ExecMount } from "./operation.ts";

/**
 * Exact facts know inputs that are only read by the content of what is mounted of them: a stage that was built anew with the
 * same result changes nothing.
 */
export function execFacts(job: ExecJob): KeyFacts {
  const ids = job.inputs.map(identityOf);
  const isRead = job.inputs.map((_, input) => {
    const users = job.operation.mounts.filter((mount) => "input" in mount && mount.input === input);
    return users.length > 0 && users.every((mount) => mount.type === "bind" && mount.readonly);
  });
  const exact = async () => Promise.all(ids.map((fact, input) => (isRead[input] ? contentOfMounts(job, input) : fact)));
  return { quick: async () => ids, exact: isRead.includes(true) ? exact : null };
}

async function contentOfMounts(job: ExecJob, input: number): Promise<string> {
  const result = job.inputs[input];
  if (!result) return "";
  const selectors = job.operation.mounts.flatMap((mount) =>
    mount.type === "bind" && mount.input === input ? [mount.selector || "/"] : [],
  );
  return (await Promise.all(selectors.map((selector) => selectedContent(job, result, selector)))).join(",");
}

/** Runs a process on its root and mounts; what it wrote to those with an output becomes layers. */
export async function runExec(job: ExecJob): Promise<Work> {
  const { operation } = job;
  checkEntitlements(job);
  const plan = mountPlan(operation);
  const id = newId();
  // A cache that only one may use is waited for before a place among those that run is taken.
  return withMounts(job, plan, id, (mounts) =>
    job.parts.slots.run(async () => {
      const root = await prepareRoot(job, plan, id);
      try {
        const { exitCode } = await job.parts.runStep({
          id,
          lower: root.lower,
          snapshotKey: root.key,
          args: operation.args,
          env: [...operation.env, ...operation.hiddenEnv, ...mounts.env],
          cwd: operation.cwd || "/",
          user: operation.user,
          networkMode: networkModeOf(operation.network),
          resources: withUlimits(job),
          shmSizeBytes: job.request.limits.shmSizeBytes,
          extraHosts: operation.extraHosts,
          securityOptions: job.request.limits.securityOptions,
          hostname: operation.hostname,
          privileged: operation.security === "insecure",
          readonlyRoot: plan.root.readonly,
          mounts: mounts.mounts,
          mountPoints: mounts.points,
          onOutput: job.log,
          abort: job.signal,
        });
        if (exitCode !== 0) stepFailed(job, exitCode);
        return { outputs: await commitOutputs(job, plan, { ...mounts, root }) };
      } finally {
        root.release();
      }
    }),
  );
}

/** The exit code behind a failure of RUN, for the client's own exit code. */
export function exitCodeOf(error: { readonly code: string; readonly cause?: unknown }): number | undefined {
  const { cause } = error;
  const hasCode = error.code === "BUILD_STEP_FAILED" && typeof cause === "object" && cause !== null;
  return hasCode && "exitCode" in cause && typeof cause.exitCode === "number" ? cause.exitCode : undefined;
}

function stepFailed({ operation: { args }, vertex }: ExecJob, exitCode: number): never {
  fail(
    "invalid",
    "BUILD_STEP_FAILED",
    `process ${JSON.stringify(args.join(" "))} did not complete successfully: exit code: ${exitCode}`,
    { cause: { exitCode, args, place: vertex.description.place } },
  );
}

function checkEntitlements({ operation, request }: ExecJob): void {
  const wanted = [
    ...(operation.network === "host" ? (["network.host"] as const) : []),
    ...(operation.security === "insecure" ? (["security.insecure"] as const) : []),
  ];
  for (const entitlement of wanted) {
    if (!request.entitlements.has(entitlement)) {
      fail("forbidden", "ENTITLEMENT_MISSING", `${entitlement} is not allowed (build with --allow ${entitlement})`);
    }
  }
}

function networkModeOf(network: string): string {
  return network === "" || network === "sandbox" ? "default" : network;
}

function withUlimits({ operation, request }: ExecJob) {
  const { resources } = request.limits;
  const own = operation.ulimits.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard }));
  const names = new Set(own.map(({ Name }) => Name));
  return {
    ...resources,
    Ulimits: [...(resources.Ulimits ?? []).filter(({ Name }) => !names.has(Name)), ...own],
    ...(operation.cgroupParent && { CgroupParent: operation.cgroupParent }),
  };
}

async function prepareRoot(job: ExecJob, { root }: MountPlan, id: string): Promise<ExecRoot> {
  const { layers, snapshotter } = job.parts;
  const chainId = root.input === null ? null : await layersOf(job, job.inputs[root.input]);
  const key = snapshotter.prepare(`build ${id}`, chainId);
  let taken = false;
  return {
    key,
    chainId,
    lower: await layers.lower(chainId),
    take: () => {
      taken = true;
    },
    release: () => {
      if (!taken) snapshotter.remove(key);
    },
  };
}

async function commitOutputs(
  job: ExecJob,
  plan: MountPlan,
  { root, writable }: { readonly root: ExecRoot; readonly writable: ReadonlyMap<ExecMount, ExecRoot> },
): Promise<(ChainId | null)[]> {
  const withOutput = plan.all.filter((mount): mount is BindMount => mount.type === "bind" && mount.output !== null);
  const outputs: (ChainId | null)[] = [];
  for (const mount of withOutput) {
    const written = mount === plan.root ? root : writable.get(mount);
    outputs[mount.output ?? 0] = written ? await commit(job, written) : null;
  }
  return Array.from(outputs, (chainId) => chainId ?? null);
}

async function commit(job: ExecJob, written: ExecRoot): Promise<ChainId | null> {
  const { layers } = job.parts;
  const { epochSeconds } = job.request;
  const layer = await layers.commit(written.chainId, written.key, {
    keep: false,
    ...(epochSeconds !== null && { newestSeconds: epochSeconds }),
    signal: job.signal,
  });
  written.take();
  return layer?.chainId ?? written.chainId;
}
