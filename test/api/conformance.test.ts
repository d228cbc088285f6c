import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { join, resolve } from "node:path";
import { within } from "../harness/deadline.ts";
import { startEngine, type TestEngine, temporaryRoot } from "../harness/test-engine.ts";
import { type OwnRegistry, startOwnRegistry } from "../registry/own-registry.ts";
import { ABSENT_CASES } from "./cases/absent-cases.ts";
import type { ApiCase } from "./cases/api-case.ts";
import { CONTAINER_CASES } from "./cases/container-cases.ts";
import { imageCases, passwordFile } from "./cases/image-cases.ts";
import { SYSTEM_CASES } from "./cases/system-cases.ts";
import { isUntried } from "./cases/untried.ts";
import { isAllowed, NAMED_IN_LIMITS } from "./known-deviations.ts";
import { hasPublishedApi, readPublishedApi } from "./published-api.ts";

/** Every endpoint with each status that is documented for it, and every document against Docker's published description. */
const registry = await startRegistryWithPassword();
const searchable = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: () =>
    Response.json({ results: [{ name: "busybox", description: "small", star_count: 3, is_official: true }] }),
});
const CASES: readonly ApiCase[] = [
  ...CONTAINER_CASES,
  ...imageCases(registry, searchable.url.host),
  ...SYSTEM_CASES,
  ...ABSENT_CASES,
];
const published = hasPublishedApi ? readPublishedApi() : null;
let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
  await engine.expectDocker("network", "create", "--subnet", "10.213.0.0/24", "own");
  await engine.expectDocker("volume", "create", "free");
  const options = ["-p", "80", "-v", "used:/used", "--tmpfs", "/scratch", "--health-cmd", "true", "--label", "a=b"];
  await engine.expectDocker("run", "-d", "--name", "running", ...options, "busybox", "sleep", "1000");
  await engine.expectDocker("create", "--name", "created", "busybox", "true");
  await engine.expectDocker("run", "--name", "exited", "busybox", "sh", "-c", "echo said; touch /written");
  await engine.expectDocker("run", "-d", "--name", "paused", "busybox", "sleep", "1000");
  await engine.expectDocker("pause", "paused");
  await engine.expectDocker("run", "-dt", "--name", "terminal", "busybox", "sleep", "1000");
  await engine.expectDocker("create", "--read-only", "--name", "readonly", "busybox", "true");
}, 60_000);

afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
  await searchable.stop(true);
}, 60_000);

describe.each(CASES.map((one) => [`${one.operation} ${one.status} when ${one.when}`, one] as const))("%s", (_, one) => {
  test("", async () => {
    const answer = await ask(one);
    expect(`${answer.status} ${answer.status === one.status ? "" : answer.text}`).toBe(`${one.status} `);
    const documents = documentsIn(answer);
    if (one.status >= 400 && !one.operation.startsWith("HEAD")) {
      expect(documents).toEqual([{ message: expect.any(String) }]);
      if (one.says !== undefined) expect(JSON.stringify(documents).replaceAll("\\", "")).toMatch(new RegExp(one.says));
    }
    const deviations = documents.flatMap(
      (document) => published?.deviations(one.operation, one.status, document) ?? [],
    );
    expect(deviations.filter((deviation) => !isAllowed(deviation))).toEqual([]);
  });
});

// Where the published document is; a checkout alone has nothing to compare with.
if (published) {
  test("every documented answer has its case", () => {
    const tried = new Set(CASES.map(({ operation, status }) => `${operation} ${status}`));
    const documented = [...(published?.operations ?? [])].flatMap(([operation, statuses]) =>
      statuses.map((status) => ({ operation, status })),
    );
    expect(documented).not.toBeEmpty();
    const missing = documented
      .filter(({ operation, status }) => !tried.has(`${operation} ${status}`) && !isUntried(operation, status))
      .map(({ operation, status }) => `${operation} ${status}`);
    expect(missing).toEqual([]);
    const undocumented = CASES.filter(
      ({ operation, status }) => !published?.operations.get(operation)?.includes(status),
    );
    expect(undocumented.filter((one) => !one.undocumented)).toEqual([]);
  });
}

test("what deviates is named where users look for it", () => {
  const limits = readFileSync(resolve(import.meta.dir, "../../docs/limits.md"), "utf8").replace(/\s+/g, " ");
  expect(NAMED_IN_LIMITS.filter((name) => !limits.includes(`\`${name}\``))).toEqual([]);
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

async function ask({ operation, path, send = {}, status }: ApiCase): Promise<Answer> {
  const [method = "GET"] = operation.split(" ");
  const body = send.json === undefined ? send.raw : JSON.stringify(send.json);
  const outgoing = request({
    socketPath: engine.socket,
    method,
    path: typeof path === "string" ? path : await path(engine),
    headers: {
      ...(send.json === undefined ? {} : { "Content-Type": "application/json" }),
      ...(body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) }),
      ...send.headers,
      ...(status === 101 ? UPGRADE : {}),
    },
  });
  outgoing.end(body);
  const [message] = await within(
    `an answer to ${operation}`,
    Promise.race([once(outgoing, "response"), once(outgoing, "upgrade")]),
  );
  const response: IncomingMessage = message;
  if (response.statusCode === 101) {
    response.socket.destroy();
    return { status: 101, headers: response.headers, text: "" };
  }
  response.setEncoding("utf8");
  let text = "";
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}

const UPGRADE = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version": "13",
};

/** One, or in a stream all. */
function documentsIn({ headers, text }: Answer): unknown[] {
  if (headers["content-type"] !== "application/json") return [];
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line));
}

async function startRegistryWithPassword(): Promise<OwnRegistry> {
  const htpasswd = join(temporaryRoot(), "htpasswd");
  writeFileSync(htpasswd, await passwordFile());
  return startOwnRegistry({ access: { kind: "password", htpasswd, anonymousPull: false } });
}
