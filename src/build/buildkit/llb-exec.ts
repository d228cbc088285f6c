import { fail } from "../../base/errors.ts";
import type { ExecMount, ExecOperation } from "../graph/operation.ts";
import { numberOrNone } from "./llb-input.ts";
import {
  CacheSharingOpt,
  type ExecOp,
  type Mount,
  MountType,
  NetMode,
  type ProxyEnv,
  SecurityMode,
} from "./proto/ops_pb.ts";

const SHARING = {
  [CacheSharingOpt.SHARED]: "shared",
  [CacheSharingOpt.PRIVATE]: "private",
  [CacheSharingOpt.LOCKED]: "locked",
} as const;

export function execOperation({ meta, mounts, network, security, secretenv }: ExecOp): ExecOperation {
  if (!meta?.args.length) fail("invalid", "LLB_EXEC", "a process of the build graph has no arguments");
  if (meta.validExitCodes.some((code) => code !== 0)) {
    fail("not-implemented", "LLB_EXIT_CODES", "processes that may end with other exit codes than 0 are not supported");
  }
  return {
    kind: "exec",
    args: meta.args,
    env: meta.env,
    cwd: meta.cwd || "/",
    user: meta.user,
    hostname: meta.hostname,
    extraHosts: meta.extraHosts.map(({ Host, IP }) => `${Host}:${IP}`),
    ulimits: meta.ulimit.map(({ Name, Soft, Hard }) => ({ name: Name, soft: Number(Soft), hard: Number(Hard) })),
    cgroupParent: meta.cgroupParent,
    network: network === NetMode.HOST ? "host" : network === NetMode.NONE ? "none" : "sandbox",
    security: security === SecurityMode.INSECURE ? "insecure" : "sandbox",
    mounts: mounts.map(mountOf),
    secretEnv: secretenv.map(({ ID, name, optional }) => ({ id: ID, variable: name, optional })),
    hiddenEnv: proxies(meta.proxyEnv),
  };
}

function mountOf(mount: Mount): ExecMount {
  const { dest: target, mountType, selector, readonly } = mount;
  const input = numberOrNone(mount.input);
  switch (mountType) {
    case MountType.BIND:
      return { type: "bind", target, input, selector, readonly, output: numberOrNone(mount.output) };
    case MountType.CACHE: {
      const { ID: id = "", sharing = CacheSharingOpt.SHARED } = mount.cacheOpt ?? {};
      return {
        type: "cache",
        target,
        id,
        sharing: SHARING[sharing],
        input,
        selector,
        readonly,
        uid: 0,
        gid: 0,
        mode: 0o755,
      };
    }
    case MountType.TMPFS:
      return { type: "tmpfs", target, sizeBytes: Number(mount.TmpfsOpt?.size ?? 0) };
    case MountType.SECRET: {
      const { ID: id = "", uid = 0, gid = 0, mode = 0o400, optional = false } = mount.secretOpt ?? {};
      return { type: "secret", target, id, uid, gid, mode, optional };
    }
    case MountType.SSH: {
      const { ID: id = "", uid = 0, gid = 0, mode = 0o600, optional = false } = mount.SSHOpt ?? {};
      return { type: "ssh", target, id, uid, gid, mode, optional };
    }
    default:
      return fail("not-implemented", "LLB_MOUNT", `a mount of type ${mountType} is not supported`);
  }
}

/** As BuildKit sets them: each in small and in capital letters. */
function proxies(proxy: ProxyEnv | undefined): string[] {
  const { httpProxy = "", httpsProxy = "", ftpProxy = "", noProxy = "", allProxy = "" } = proxy ?? {};
  const values = Object.entries({
    http_proxy: httpProxy,
    https_proxy: httpsProxy,
    ftp_proxy: ftpProxy,
    no_proxy: noProxy,
    all_proxy: allProxy,
  });
  return values
    .filter(([, value]) => value !== "")
    .flatMap(([name, value]) => [`${name.toUpperCase()}=${value}`, `${name}=${value}`]);
}
