import type { Api } from "./api.ts";
import { collectOutput, collectResult, type Output, type Result } from "./collect-output.ts";
import type { ContainerDocument, ExecConfig, WaitAnswer } from "./container-documents.ts";

export interface ExecOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly workingDirectory?: string;
  /** Bytes of output that are kept; more is an error. */
  readonly maxOutputBytes?: number;
}

/** One container of an engine. `await using` removes it, running or not, with its anonymous volumes. */
export class Container implements AsyncDisposable {
  constructor(
    private readonly api: Api,
    readonly id: string,
  ) {}

  /** @throws with the engine's text when the program cannot be started */
  async start(): Promise<void> {
    await this.api.send("POST", `/containers/${this.id}/start`);
  }

  /** Seconds from the stop signal to SIGKILL; undefined is the container's own setting. */
  async stop(options: { readonly timeoutSeconds?: number } = {}): Promise<void> {
    await this.api.send("POST", `/containers/${this.id}/stop`, { query: { t: options.timeoutSeconds } });
  }

  async kill(signal = "KILL"): Promise<void> {
    await this.api.send("POST", `/containers/${this.id}/kill`, { query: { signal } });
  }

  inspect(): Promise<ContainerDocument> {
    return this.api.json<ContainerDocument>("GET", `/containers/${this.id}/json`);
  }

  /** The exit status, at once when it does not run. */
  async wait(): Promise<number> {
    return (await this.api.json<WaitAnswer>("POST", `/containers/${this.id}/wait`)).StatusCode;
  }

  /** What it has written so far. */
  async logs(options: { readonly maxOutputBytes?: number } = {}): Promise<Output> {
    const { Config } = await this.inspect();
    const { body } = await this.api.call("GET", `/containers/${this.id}/logs`, { query: { stdout: 1, stderr: 1 } });
    return collectOutput(body, { tty: Config.Tty, maxBytes: options.maxOutputBytes });
  }

  /** Runs a command in it, without input, and waits for its end. */
  async exec(command: readonly string[], options: ExecOptions = {}): Promise<Result> {
    const json: ExecConfig = {
      AttachStdout: true,
      AttachStderr: true,
      Cmd: command,
      Env: Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`),
      User: options.user,
      WorkingDir: options.workingDirectory,
    };
    const { stream } = await this.api.upgrade("POST", `/lighter/containers/${this.id}/exec`, { json });
    return collectResult(stream.output, options.maxOutputBytes);
  }

  async remove(options: { readonly force?: boolean; readonly volumes?: boolean } = {}): Promise<void> {
    const query = { force: options.force ? 1 : undefined, v: options.volumes ? 1 : undefined };
    await this.api.send("DELETE", `/containers/${this.id}`, { query });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove({ force: true, volumes: true });
  }
}
