import type { Readable } from "node:stream";
import type { Filters } from "../base/filters.ts";
import type { PhaseTrace } from "../base/phase-trace.ts";
import { type AttachOptions, type AttachSession, attachContainer } from "./attach-container.ts";
import { type CommitOptions, commitContainer } from "./commit-container.ts";
import {
  type CopyIntoOptions,
  containerChanges,
  copyFromContainer,
  copyIntoContainer,
  exportContainer,
  statInContainer,
} from "./container-files.ts";
import { containerLogs, type LogStream, type LogsOptions } from "./container-logs.ts";
import { parseContainerName } from "./container-name.ts";
import { pastOf } from "./container-past.ts";
import { type ContainerRecord, isRestarting } from "./container-record.ts";
import { containerSizes } from "./container-size.ts";
import { containerStats, type StatsOptions } from "./container-stats.ts";
import { type CreateRequest, type CreateResult, createContainer } from "./create-container.ts";
import type { EngineParts } from "./engine-parts.ts";
import type { WaitCondition, WaitResult } from "./exit-waiters.ts";
import { type InspectDocument, inspectDocument } from "./inspect-container.ts";
import { type ListOptions, listContainers } from "./list-containers.ts";
import { pruneContainers } from "./prune-containers.ts";
import { rebaseContainer } from "./rebase-container.ts";
import { reflogDocuments } from "./reflog-documents.ts";
import { type RemoveOptions, removeContainer } from "./remove-container.ts";
import { renameContainer } from "./rename-container.ts";
import { requireShim } from "./require-running.ts";
import { restartContainer } from "./restart-container.ts";
import { type RollbackOptions, rollbackContainer } from "./rollback-container.ts";
import { startContainer } from "./start-container.ts";
import { killContainer, pauseContainer, type StopOptions, stopContainer, unpauseContainer } from "./stop-container.ts";
import { containerProcesses } from "./top.ts";
import { type UpdateRequest, updateContainer } from "./update-container.ts";

/**
 * All that clients do with containers: the table of contents of the modules beside it. A reference is a name, a full id or
 * an unambiguous prefix of one; documents have the Engine API's shape.
 */
export class Containers {
  readonly #parts: EngineParts;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  create(request: CreateRequest): Promise<CreateResult> {
    return createContainer(this.#parts, request);
  }

  list(options: ListOptions) {
    return listContainers(this.#parts, options);
  }

  async inspect(reference: string, options: { size: boolean }): Promise<InspectDocument> {
    const record = this.resolve(reference);
    return inspectDocument(this.#parts, record, options.size ? await containerSizes(this.#parts, record) : undefined);
  }

  /** @throws not-found; invalid for a prefix that fits several. */
  resolve(reference: string): ContainerRecord {
    return this.#parts.containers.resolve(reference);
  }

  start(reference: string, trace?: PhaseTrace): Promise<void> {
    return startContainer(this.#parts, reference, trace);
  }

  stop(reference: string, options: StopOptions): Promise<void> {
    return stopContainer(this.#parts, reference, options);
  }

  restart(reference: string, options: StopOptions): Promise<void> {
    return restartContainer(this.#parts, reference, options);
  }

  /** @param signal a name or number; "" is SIGKILL. */
  kill(reference: string, signal: string): Promise<void> {
    return killContainer(this.#parts, reference, signal);
  }

  pause(reference: string): Promise<void> {
    return pauseContainer(this.#parts, reference);
  }

  unpause(reference: string): Promise<void> {
    return unpauseContainer(this.#parts, reference);
  }

  rename(reference: string, name: string): Promise<void> {
    return renameContainer(this.#parts, reference, parseContainerName(name));
  }

  remove(reference: string, options: RemoveOptions): Promise<void> {
    return removeContainer(this.#parts, reference, options);
  }

  /**
   * Registers before it returns; "not-running" resolves at once for a container that does not run, every condition for the
   * id of one that has just removed itself.
   */
  wait(reference: string, condition: WaitCondition, abort: AbortSignal): Promise<WaitResult> {
    const removed = this.#parts.waiters.resultOfRemoved(reference);
    if (removed) return Promise.resolve(removed);
    const { id, state } = this.resolve(reference);
    if (condition === "not-running" && state.status !== "running" && !isRestarting(state)) {
      return Promise.resolve({ StatusCode: state.exitCode });
    }
    return this.#parts.waiters.wait(id, condition, abort);
  }

  attach(reference: string, options: AttachOptions): AttachSession {
    return attachContainer(this.#parts, reference, options);
  }

  /** @throws conflict where it does not run. */
  async resize(reference: string, rows: number, columns: number): Promise<void> {
    await requireShim(this.#parts, this.resolve(reference).id).resize(rows, columns);
  }

  logs(reference: string, options: LogsOptions): LogStream {
    return containerLogs(this.#parts, reference, options);
  }

  stats(reference: string, options: StatsOptions) {
    return containerStats(this.#parts, reference, options);
  }

  top(reference: string, psArguments: string) {
    return containerProcesses(this.#parts, reference, psArguments);
  }

  changes(reference: string, abort?: AbortSignal) {
    return containerChanges(this.#parts, reference, abort);
  }

  export(reference: string, abort?: AbortSignal): Promise<Readable> {
    return exportContainer(this.#parts, reference, abort);
  }

  archiveStat(reference: string, path: string) {
    return statInContainer(this.#parts, reference, path);
  }

  archiveGet(reference: string, path: string, abort?: AbortSignal) {
    return copyFromContainer(this.#parts, reference, path, abort);
  }

  archivePut(reference: string, path: string, tar: Readable, options: CopyIntoOptions): Promise<void> {
    return copyIntoContainer(this.#parts, reference, path, tar, options);
  }

  update(reference: string, request: UpdateRequest): Promise<{ Warnings: string[] }> {
    return updateContainer(this.#parts, reference, request);
  }

  prune(filters: Filters) {
    return pruneContainers(this.#parts, filters);
  }

  commit(reference: string, options: CommitOptions): Promise<{ Id: string }> {
    return commitContainer(this.#parts, reference, options);
  }

  /** What the container's files were, newest first: commits, and what rollbacks and rebases left. */
  past(reference: string) {
    return reflogDocuments(this.#parts, pastOf(this.#parts, this.resolve(reference)));
  }

  rollback(reference: string, options: RollbackOptions) {
    return rollbackContainer(this.#parts, reference, options);
  }

  rebase(reference: string, options: { base: string; restart: boolean; abort?: AbortSignal }) {
    return rebaseContainer(this.#parts, reference, options);
  }
}
