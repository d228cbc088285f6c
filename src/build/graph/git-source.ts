import { spawn } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf, fail, LighterError } from "../../base/errors.ts";
import { newId } from "../../base/ids.ts";
import { DirectoryFiles, scanDirectory } from "../context/directory-files.ts";
import type { Job } from "./job.ts";
import type { GitSource } from "./operation.ts";
import type { SourceFiles } from "./source-files.ts";

/**
 * Nothing of this host is read but by git itself: neither its settings nor, through `file:` and `ext:`, its files, whatever
 * a repository's submodules ask for.
 */
const ENVIRONMENT = {
  PATH: process.env.PATH ?? "/usr/bin:/bin",
  GIT_ALLOW_PROTOCOL: "http:https:ssh:git",
  GIT_TERMINAL_PROMPT: "0",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_SSH_COMMAND: "ssh -F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=accept-new",
  HOME: "/nonexistent",
  LC_ALL: "C",
};

const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/** Checks a repository out with git's own program, as shallow as it can be. @throws unavailable with what git says. */
export async function cloneSource(
  { parts, signal, log, keep, request }: Pick<Job, "parts" | "signal" | "log" | "keep" | "request">,
  source: GitSource,
): Promise<SourceFiles> {
  if (/^-|^file:|^ext:|::/i.test(source.remote) || source.ref.startsWith("-")) {
    fail("invalid", "GIT_REMOTE", `not a remote repository: ${source.remote}`);
  }
  const directory = join(parts.temporary, `git-${newId()}`);
  keep({ [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) });
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const agent = await request.sources.ssh("default");
  const environment = { ...ENVIRONMENT, ...(agent !== null && { SSH_AUTH_SOCK: agent }) };
  const git = (...args: string[]) => runGit(args, { cwd: directory, environment, signal, log });

  await git("-c", "init.defaultBranch=main", "init", "--quiet", "--template=", ".");
  await git("remote", "add", "origin", source.remote);
  const ref = source.ref || "HEAD";
  try {
    await git("fetch", "--quiet", "--depth=1", "--no-tags", "origin", ref);
    await git("checkout", "--quiet", "--detach", "FETCH_HEAD");
  } catch (error) {
    // Not every server gives a commit by its name alone, and none by the beginning of it.
    if (signal.aborted || !/^[0-9a-f]{7,64}$/.test(ref)) throw error;
    await git("fetch", "--quiet", "origin", "+refs/heads/*:refs/remotes/origin/*");
    await git("checkout", "--quiet", "--detach", ref);
  }
  const commit = (await git("rev-parse", "HEAD")).trim();
  if (!COMMIT.test(commit)) fail("unavailable", "GIT_FAILED", `git names no commit of ${source.remote}`);
  if (source.checksum !== null && !commit.startsWith(source.checksum)) {
    fail("invalid", "ADD_CHECKSUM", `expected checksum to match ${source.checksum}, got ${commit}`);
  }
  if (!source.skipSubmodules) await git("submodule", "--quiet", "update", "--init", "--recursive", "--depth=1");
  if (!source.keepGitDirectory) await rm(join(directory, ".git"), { recursive: true, force: true });
  return subdirectoryOf(directory, source, signal);
}

async function subdirectoryOf(directory: string, source: GitSource, signal: AbortSignal): Promise<SourceFiles> {
  const done = async () => {};
  const tree = await scanDirectory(directory, signal);
  if (source.subdirectory === "") return new DirectoryFiles(tree, directory, done);
  const node = tree.resolve(source.subdirectory);
  if (node?.kind !== "directory") {
    fail("not-found", "GIT_NO_DIRECTORY", `${source.remote} has no directory ${source.subdirectory}`);
  }
  // The node's own path: no link of the repository leads out of it.
  const path = join(directory, node.path);
  return new DirectoryFiles(await scanDirectory(path, signal), path, done);
}

interface GitRun {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly log: Job["log"];
}

function runGit(args: readonly string[], { cwd, environment, signal, log }: GitRun): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("git", ["-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never", ...args], {
      cwd,
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
      signal,
      killSignal: "SIGKILL",
    });
    let output = "";
    let complaint = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-65536);
    });
    child.stderr.on("data", (bytes: Buffer) => {
      complaint = (complaint + bytes.toString()).slice(-4096);
      void log("stderr", bytes);
    });
    child.on("error", (error) => reject(gitMissing(error)));
    child.on("close", (code) => {
      if (code === 0) resolve(output);
      else reject(gitFailed(complaint, code));
    });
  });
}

function gitMissing(error: unknown): unknown {
  if (errnoOf(error) !== "ENOENT") return error;
  return new LighterError(
    "unavailable",
    "GIT_MISSING",
    "git is not installed on the engine's host (apt-get install git)",
  );
}

function gitFailed(complaint: string, code: number | null): LighterError {
  const text = complaint.trim() || `git ended with ${code}`;
  return new LighterError("unavailable", "GIT_FAILED", `failed to fetch remote: ${text}`);
}
