import { containerCapabilities } from "../runtime/capabilities.ts";
import { createExecProcess } from "../runtime/create-spec.ts";
import type { ExecRequest } from "../runtime/shim-request.ts";
import type { ExecConfig } from "./container-config.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";
import type { ExecStartOptions } from "./execs.ts";
import { processSettings } from "./runtime-settings.ts";

/** A process beside a container's first: that one's settings with what the exec asks for in their place. */
export async function execRequest(
  parts: EngineParts,
  record: ContainerRecord,
  id: string,
  config: ExecConfig,
  options: ExecStartOptions,
): Promise<ExecRequest> {
  const settings = processSettings(record);
  const { privileged, capAdd, capDrop, security } = settings;
  return {
    id,
    process: createExecProcess(
      settings,
      {
        args: config.Cmd ?? [],
        env: config.Env,
        cwd: config.WorkingDir,
        user: config.User,
        tty: config.Tty,
        privileged: config.Privileged,
      },
      parts.host,
    ),
    // As with runc, the container's own filter holds for its execs too, even for a privileged one.
    seccompFilter: await parts.seccomp.filterFor({
      choice: security.seccomp,
      privileged,
      capabilities: containerCapabilities({ privileged, add: capAdd, drop: capDrop }, parts.host.capabilities),
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
