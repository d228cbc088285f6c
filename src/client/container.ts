import type { Api } from "./api.ts";
import { collectOutput, collectResult, type Output, type Result } from "./collect-output.ts";
import type { ContainerDocument, ExecConfig, WaitAnswer } from "./container-documents.ts";
import type { RebasedContainer, ReflogEntry, RolledBackContainer } from "./history-documents.ts";

export interface ExecOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly workingDirectory?: string;
  /** Bytes of output that are kept; more is an error. */
  readonly maxOutputBytes?: number;
}

export interface CommitOptions {
  /** `repository:tag` of the image. */
  readonly name?: string;
  readonly author?: string;
  readonly message?: string;
  /** Dockerfile instructions for the image's configuration. */
  readonly changes?: readonly string[];
  /** One layer of all changes on the container's image, or one of everything. */
  readonly squash?: "base" | "all";
  /** An image to put the changes on. */
  readonly rebase?: string;
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

  /** Makes an image of what it has changed, one layer on top of its last commit, and returns its ID. */
  async commit(options: CommitOptions = {}): Promise<string> {
    const { name, author, message, changes, squash, rebase } = options;
    const [, repo = name, tag] = /^(.+):([^:/]+)$/.exec(name ?? "") ?? [];
    const query = { repo, tag, author, comment: message, changes, squash, rebase };
    const path = `/lighter/containers/${this.id}/commit`;
    return (await this.api.json<{ Id: string }>("POST", path, { query, json: {} })).Id;
  }

  /** What its files were, newest first: commits, and what rollbacks and rebases left. */
  reflog(): Promise<ReflogEntry[]> {
    return this.api.json<ReflogEntry[]>("GET", `/lighter/containers/${this.id}/reflog`);
  }

  /**
   * Takes its files back, or forward again; name, settings and volumes stay.
   * @param to layers to go back (`2`) or forward (`+1`), digits of a layer's digest, or an entry of the reflog (`@{1}`).
   * @param options.restart stop it first where it runs, and start it again.
   */
  rollback(to = "1", options: { readonly restart?: boolean } = {}): Promise<RolledBackContainer> {
    const query = { to, restart: options.restart ? 1 : undefined };
    return this.api.json<RolledBackContainer>("POST", `/lighter/containers/${this.id}/rollback`, { query });
  }

  /** Puts what it has changed on a newer image. @throws conflict naming the paths that both have changed. */
  rebase(base: string, options: { readonly restart?: boolean } = {}): Promise<RebasedContainer> {
    const query = { base, restart: options.restart ? 1 : undefined };
    return this.api.json<RebasedContainer>("POST", `/lighter/containers/${this.id}/rebase`, { query });
  }

  async remove(options: { readonly force?: boolean; readonly volumes?: boolean } = {}): Promise<void> {
    const query = { force: options.force ? 1 : undefined, v: options.volumes ? 1 : undefined };
    await this.api.send("DELETE", `/containers/${this.id}`, { query });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove({ force: true, volumes: true });
  }
}
