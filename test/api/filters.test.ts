import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ROUTES } from "../../src/api/routes.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
}, 60_000);
afterAll(() => engine[Symbol.asyncDispose]());

const FILTERED = ROUTES.filter(({ parameters }) => parameters.includes("filters"));

describe.each(FILTERED.map((route) => [`${route.method} ${route.path}`, route] as const))(
  "%s",
  (_, { method, path }) => {
    const ask = async (filters: string) => {
      const query = new URLSearchParams({ filters, term: "none", until: "1" });
      const response = await engine.api(`${path}?${query}`, { method });
      return { status: response.status, text: await response.text() };
    };

    test.each([
      ["a filter that it does not know", '{"nosuch":["x"]}', "invalid filter 'nosuch'"],
      ["the same in the newer encoding", '{"nosuch":{"x":true}}', "invalid filter 'nosuch'"],
      ["no JSON", "label=x", "invalid filter"],
      ["JSON of another shape", '["label"]', "invalid filter"],
      ["values of another type", '{"label":[1]}', "invalid filter"],
    ])("%s is refused", async (_name, filters, message) => {
      const { status, text } = await ask(filters);
      expect(status).toBe(400);
      expect(JSON.parse(text).message).toStartWith(message);
    });
  },
);

test("filters are found by both encodings", async () => {
  await engine.expectDocker("create", "--label", "a=b", "--name", "found", "busybox");
  await engine.expectDocker("create", "--label", "a=c", "--name", "other", "busybox");
  for (const filters of ['{"label":["a=b"]}', '{"label":{"a=b":true}}']) {
    const response = await engine.api(`/containers/json?all=1&filters=${encodeURIComponent(filters)}`);
    const names = ((await response.json()) as { Names: string[] }[]).flatMap(({ Names }) => Names);
    expect(names).toEqual(["/found"]);
  }
});
