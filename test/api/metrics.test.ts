import { afterAll, beforeAll, expect, test } from "bun:test";
import { LIGHTER, runProgram } from "../harness/program.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { freePort } from "./free-port.ts";

let engine: TestEngine;
let url: string;

beforeAll(async () => {
  engine = await startEngine();
  await engine.stop();
  const address = `127.0.0.1:${await freePort()}`;
  url = `http://${address}/metrics`;
  await engine.start("--metrics-addr", address);
}, 60_000);
afterAll(() => engine[Symbol.asyncDispose]());

test("dockerd's families are there, and ours", async () => {
  await engine.expectDocker("run", "-d", "--name", "counted", "busybox", "sleep", "1000");
  const text = await (await fetch(url)).text();
  expect(text).toContain('engine_daemon_container_states_containers{state="running"} 1');
  expect(text).toContain('engine_daemon_container_actions_seconds_count{action="create"} 1');
  expect(text).toContain('engine_daemon_container_actions_seconds_count{action="start"} 1');
  expect(sampleIn(text, "engine_daemon_events_total")).toBeGreaterThan(1);
  expect(sampleIn(text, "process_resident_memory_bytes")).toBeGreaterThan(1e7);
  expect(text).toMatch(/^engine_daemon_engine_info\{.*version="\d/m);
  expect(text).toContain('lighter_api_requests_total{route="POST /containers/{id}/start",code="204"} 1');
});

test("every line is a sample, and every family has a type", async () => {
  const lines = (await (await fetch(url)).text()).trimEnd().split("\n");
  const typed = new Set(lines.flatMap((line) => /^# TYPE (\S+) (?:gauge|counter|histogram)$/.exec(line)?.[1] ?? []));
  for (const line of lines.filter((text) => !text.startsWith("#"))) {
    const [, name = ""] = /^([a-z_]+)(?:\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)*\})? -?[\d.e+-]+$/.exec(line) ?? [];
    expect(typed.has(name) || typed.has(name.replace(/_(?:bucket|sum|count)$/, "")) ? "" : line).toBe("");
  }
});

test("the same is there for those who can use the API, and nothing else at the other address", async () => {
  const response = await engine.api("/lighter/metrics");
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(await response.text()).toContain("engine_daemon_engine_cpus_cpus");
  expect((await fetch(url.replace("metrics", "containers/json"))).status).toBe(404);
});

test("an address that is none is refused", async () => {
  const { stderr, exitCode } = await runProgram([...LIGHTER, "daemon", "--metrics-addr", "nowhere"], {
    env: engine.env,
  });
  expect(exitCode).toBe(1);
  expect(stderr).toContain('invalid address for metrics "nowhere"');
});

function sampleIn(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
}
