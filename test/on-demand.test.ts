import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { TestEngine, temporaryRoot } from "./harness/test-engine.ts";

test("of ten clients that race where no engine listens, all are answered, by one engine", async () => {
  await using engine = new TestEngine(temporaryRoot());
  const outputs = await Promise.all(Array.from({ length: 10 }, () => engine.lighter("ps")));
  for (const { exitCode, stdout, stderr } of outputs) {
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toStartWith("CONTAINER ID");
  }
  expect(engine.daemons()).toHaveLength(1);
  expect(existsSync(join(engine.root, "engine.log"))).toBeTrue();
});

test("the engine that a client started outlives it and answers the next", async () => {
  await using engine = new TestEngine(temporaryRoot());
  await engine.expectLighter("ps");
  const before = engine.daemons();
  await engine.expectLighter("ps");
  expect(before).toHaveLength(1);
  expect(engine.daemons()).toEqual(before);
});

test("after the engine was killed, the next client starts another at the same socket", async () => {
  await using engine = new TestEngine(temporaryRoot());
  await engine.expectLighter("ps");
  const before = engine.daemons();
  await engine.kill9();
  await engine.expectLighter("ps");
  expect(engine.daemons()).toHaveLength(1);
  expect(engine.daemons()).not.toEqual(before);
});

test("a second engine on the same root is refused, naming the root", async () => {
  await using engine = new TestEngine(temporaryRoot());
  await engine.start();
  const { exitCode, stderr } = await engine.lighter("daemon");
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain(engine.root);
});
