import { createSpec } from "../runtime/create-spec.ts";
import type { ExecRequest } from "../runtime/shim-request.ts";
import type { ExecConfig } from "./container-config.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import type { ExecStartOptions } from "./execs.ts";
import { runtimeSettings } from "./runtime-settings.ts";

/** A process beside a container's first: that one's settings with what the exec asks for in their place. */
export async function execRequest(
  parts: EngineParts,
  record: ContainerRecord,
  id: string,
  config: ExecConfig,
  options: ExecStartOptions,
): Promise<ExecRequest> {
  const base = await runtimeSettings(parts, record, null);
  const settings = {
    ...base,
    args: config.Cmd ?? [],
    env: [...base.env, ...config.Env],
    cwd: config.WorkingDir || base.cwd,
    user: config.User || base.user,
    tty: config.Tty,
    privileged: base.privileged || config.Privileged,
    initPath: null,
  };
  const { spec } = createSpec(settings, parts.host);
  return {
    id,
    process: spec.process,
    seccompFilter: await parts.seccomp.filterFor({
      choice: settings.security.seccomp,
      privileged: settings.privileged,
      capabilities: spec.process.capabilities?.bounding ?? [],
    }),
    stdio: {
      tty: config.Tty,
      stdin: config.AttachStdin,
      stdinOnce: true,
      rows: options.consoleSize?.rows ?? config.ConsoleSize?.[0] ?? 0,
      columns: options.consoleSize?.columns ?? config.ConsoleSize?.[1] ?? 0,
    },
    attach: {
      stdin: config.AttachStdin && !options.detach,
      stdout: config.AttachStdout && !options.detach,
      stderr: config.AttachStderr && !options.detach,
    },
  };
}
