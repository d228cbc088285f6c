import { type ErrorKind, LighterError } from "../base/errors.ts";
import { errnoName } from "./mount-options.ts";

/** What the shim reports of a step that failed. */
export interface FailedStep {
  /** The step's name in native/shim/setup.c or create.c. */
  readonly step: string;
  readonly errno: number;
  /** strerror of it. */
  readonly errnoText: string;
  /** The path or name that the step was busy with. */
  readonly detail: string;
}

/** A container or exec that could not be started. The text is Docker's, `exitCode` what `docker run` ends with. */
export class StartFailure extends LighterError {
  constructor(
    kind: ErrorKind,
    code: string,
    message: string,
    readonly step: FailedStep,
    /** 127: no such command, 126: it cannot be executed, 128: the container (or what an exec needs) could not be made. */
    readonly exitCode: 126 | 127 | 128,
  ) {
    super(kind, code, message);
  }
}

const PREFIX = {
  create:
    "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: ",
  exec: "OCI runtime exec failed: exec failed: unable to start container process: ",
};

/** The exit code where it is not the command's fault: Docker has none of its own for an exec. */
const OTHERWISE = { create: 128, exec: 126 } as const;

/** The sentence and the exit code for a failed step, in the words that Docker's clients and their users know. */
export function startFailure(during: "create" | "exec", failed: FailedStep): StartFailure {
  const command = commandFailure(failed);
  if (command) {
    const message = `${PREFIX[during]}${command.reason}: unknown`;
    return new StartFailure("invalid", command.code, message, failed, command.exitCode);
  }
  // Docker looks the user up before it calls its runtime, so that its words stand alone.
  if (failed.step === "user" && failed.detail.startsWith("unable to find")) {
    return new StartFailure("invalid", "NO_SUCH_USER", failed.detail, failed, OTHERWISE[during]);
  }
  // So it does with volumes.
  if (failed.step === "file system") {
    const cause = failed.errnoText.toLowerCase();
    const message = `error while mounting volume: failed to mount local volume: mount ${failed.detail}: ${cause}`;
    return new StartFailure("invalid", "VOLUME_MOUNT", message, failed, OTHERWISE[during]);
  }
  const kind = KINDS[failed.step] ?? "internal";
  return new StartFailure(
    kind,
    "START_FAILED",
    `${PREFIX[during]}${stepReason(failed)}: unknown`,
    failed,
    OTHERWISE[during],
  );
}

/** Faults of the request; everything else is the machine's, or ours. */
const KINDS: Readonly<Record<string, ErrorKind>> = {
  user: "invalid",
  "bind source": "invalid",
  mount: "invalid",
  "working directory": "invalid",
  sysctl: "invalid",
  "cgroup limit": "invalid",
  port: "conflict",
};

function commandFailure(failed: FailedStep): { reason: string; code: string; exitCode: 126 | 127 } | null {
  if (failed.step !== "find program" && failed.step !== "exec") return null;
  const { detail } = failed;
  const quoted = `exec: ${JSON.stringify(detail)}: `;
  switch (errnoName(failed.errno)) {
    case "ENOENT":
      return {
        reason: detail.includes("/")
          ? `${quoted}stat ${detail}: no such file or directory`
          : `${quoted}executable file not found in $PATH`,
        code: "COMMAND_NOT_FOUND",
        exitCode: 127,
      };
    case "ENOTDIR":
      return { reason: `${quoted}stat ${detail}: not a directory`, code: "COMMAND_NOT_FOUND", exitCode: 127 };
    case "EACCES":
      return { reason: `${quoted}permission denied`, code: "COMMAND_NOT_EXECUTABLE", exitCode: 126 };
    case "EISDIR":
      return { reason: `${quoted}is a directory: permission denied`, code: "COMMAND_NOT_EXECUTABLE", exitCode: 126 };
    default:
      return {
        reason: `${quoted}${failed.errnoText.toLowerCase()}`,
        code: "COMMAND_NOT_EXECUTABLE",
        exitCode: 126,
      };
  }
}

function stepReason({ step, detail, errno, errnoText }: FailedStep): string {
  const cause = errnoText.toLowerCase();
  switch (step) {
    case "user":
      return `user ${detail}: ${cause}`;
    case "working directory":
      return errnoName(errno) === "EXDEV"
        ? `current working directory ${detail} is outside of container mount namespace root`
        : `chdir to cwd (${JSON.stringify(detail)}) set in config.json failed: ${cause}`;
    case "bind source":
      return `error mounting ${JSON.stringify(detail)}: bind source path does not exist or cannot be opened: ${cause}`;
    case "mount":
      return errnoName(errno) === "ENOTDIR"
        ? `error mounting ${detail}: not a directory: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type`
        : `error mounting ${detail}: ${cause}`;
    case "cgroup limit":
      return `error setting cgroup config: failed to write ${detail}: ${cause}`;
    case "sysctl":
      return `open sysctl ${detail}: ${cause}`;
    case "port":
      return `failed to bind host port ${detail}: address already in use`;
    default:
      return detail ? `${step} (${detail}): ${cause}` : `${step}: ${cause}`;
  }
}
