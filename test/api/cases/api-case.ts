import type { TestEngine } from "../../harness/test-engine.ts";

/** One request and the answer that the published description has for it. */
export interface ApiCase {
  /** As the description writes it: `GET /containers/{id}/json`. */
  readonly operation: string;
  readonly status: number;
  /** What makes the engine answer so. */
  readonly when: string;
  /** Path and query; a function where something has to be made first. */
  readonly path: string | ((engine: TestEngine) => Promise<string>);
  readonly send?: Sent;
  /** What a refusal says. */
  readonly says?: string | RegExp;
  /** Docker has no such status documented, but this one is what its clients look for. */
  readonly undocumented?: true;
}

export interface Sent {
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly raw?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Writes the cases of one operation after another. */
export function casesOf(
  operation: string,
  ...cases: readonly (readonly [
    status: number,
    when: string,
    path: ApiCase["path"],
    rest?: Omit<ApiCase, "operation" | "status" | "when" | "path">,
  ])[]
): ApiCase[] {
  return cases.map(([status, when, path, rest]) => ({ operation, status, when, path, ...rest }));
}

/** A new container's id, made for a case that changes it. */
export async function newContainer(
  engine: TestEngine,
  config: object = {},
  { start = false, version = "1.51" } = {},
): Promise<string> {
  const response = await engine.api(`/v${version}/containers/create`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ Image: "busybox", Cmd: ["sleep", "1000"], ...config }),
  });
  const { Id: id, message } = (await response.json()) as { Id?: string; message?: string };
  if (id === undefined) throw new Error(`no container: ${message}`);
  if (start) await engine.api(`/containers/${id}/start`, { method: "POST" });
  return id;
}

export async function newExec(engine: TestEngine, container: string, config: object): Promise<string> {
  const response = await engine.api(`/containers/${container}/exec`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(config),
  });
  return ((await response.json()) as { Id: string }).Id;
}
