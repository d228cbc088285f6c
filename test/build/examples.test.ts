import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join, resolve } from "node:path";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

const EXAMPLES = resolve(import.meta.dir, "../../examples");

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  // Most stand on Debian and its packages.
  await engine.expectLighter("template", "build", "debian");
}, 300_000);
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
});

async function layersOf(image: string): Promise<string> {
  return engine.expectLighter("image", "inspect", "-f", "{{json .RootFS.Layers}}", image);
}

test("a static site is made while it is built, and served", async () => {
  const example = join(EXAMPLES, "static-site");
  await engine.expectLighter("build", "-t", "site", example);
  expect(await engine.expectLighter("run", "--rm", "site", "cat", "/www/kinds.html")).toContain("and none at all.");
  // The classic door's steps are the same graph's: it finds everything in the cache.
  await engine.expectLighter("builder", "prune", "-f", "--filter", "type=exec.cachemount");
  const classic = await engine.docker("build", "-t", "site:classic", example);
  expect([classic.exitCode, classic.stdout + classic.stderr]).toEqual([0, expect.any(String)]);
  expect(await layersOf("site:classic")).toBe(await layersOf("site"));
});

describe("on Debian", () => {
  test("a C program is compiled in one stage and alone in the next", async () => {
    await engine.expectLighter("build", "-t", "greet", join(EXAMPLES, "c-two-stages"));
    expect(await engine.expectLighter("run", "--rm", "greet", "you")).toBe("Hello, you.");
  }, 300_000);

  test("nginx serves, and what apt fetched is no part of the image", async () => {
    await engine.expectLighter("build", "-t", "nginx", join(EXAMPLES, "nginx"));
    await engine.expectLighter("run", "-d", "--name", "nginx", "nginx");
    const page = await engine.expectLighter(
      "run",
      "--rm",
      "--network",
      "container:nginx",
      "busybox",
      "wget",
      "-qO-",
      "127.0.0.1",
    );
    expect(page).toContain("It serves.");
    expect(await engine.expectLighter("exec", "nginx", "find", "/var/cache/apt/", "-type", "f")).toBe("");
    await engine.expectLighter("rm", "-f", "nginx");
  }, 300_000);

  test("a Node service answers with the version that it was built with", async () => {
    await engine.expectLighter("build", "-t", "node", "--build-arg", "VERSION=7", join(EXAMPLES, "node-service"));
    await engine.expectLighter("run", "-d", "--name", "node", "node");
    const ask = "for i in $(seq 100); do wget -qO- 127.0.0.1:3000 && exit 0; sleep 0.1; done; exit 1";
    const answer = await engine.expectLighter("run", "--rm", "--network", "container:node", "busybox", "sh", "-c", ask);
    expect(answer).toStartWith("version 7 on Node v");
    await engine.expectLighter("rm", "-f", "node");
  }, 300_000);

  test("a TypeScript program is one file with its C library", async () => {
    const compiler = resolve(import.meta.dir, "../../node_modules/bun/bin");
    await engine.expectLighter(
      "build",
      "-t",
      "ts",
      "--build-context",
      `bun=${compiler}`,
      join(EXAMPLES, "typescript-scratch"),
    );
    expect(await engine.expectLighter("run", "--rm", "ts", "Ann", "2")).toBe("1: Hello, Ann.\n2: Hello, Ann.");
  }, 120_000);
});
