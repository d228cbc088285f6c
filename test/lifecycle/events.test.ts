import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { CLIS, lines, output } from "./both-clis.ts";

let engine: TestEngine;
let id: string;
let since: string;
let until: string;

const seconds = (time: number) => (time / 1000).toFixed(3);

beforeAll(async () => {
  engine = await startEngine();
  since = seconds(Date.now());
  id = await engine.expectDocker("create", "--name", "told", "--label", "tier=x", "busybox", "sh", "-c", "exit 3");
  await engine.docker("start", "-a", "told");
  await engine.expectDocker("rename", "told", "renamed");
  await engine.expectDocker("rm", "renamed");
  await engine.expectDocker("tag", "busybox", "another");
  await engine.expectDocker("volume", "create", "vol");
  await engine.expectDocker("network", "create", "net");
  until = seconds(Date.now() + 1);
});
afterAll(() => engine[Symbol.asyncDispose]());

describe.each(CLIS)("%s events", (cli) => {
  const past = (...args: string[]) => lines(engine, cli, "events", "--since", since, "--until", until, ...args);

  test("tells the past between two moments and ends, in Docker's order", async () => {
    expect(await past("--filter", `container=${id}`, "--format", "{{.Action}}")).toEqual([
      "create",
      "attach",
      "start",
      "die",
      "rename",
      "destroy",
    ]);
  });

  test.each([
    [["type=image"], ["image tag"]],
    [["type=volume"], ["volume create"]],
    [["type=network", "event=create"], ["network create"]],
    [["event=die"], ["container die"]],
    [
      ["event=die", "event=destroy"],
      ["container die", "container destroy"],
    ],
    [["label=tier=x", "event=create"], ["container create"]],
    [["label=tier=y"], []],
    [["image=busybox", "event=start"], ["container start"]],
    [["container=nosuch"], []],
    [["network=net", "type=network"], ["network create"]],
    [["volume=vol"], ["volume create"]],
  ])("the filters %j", async (filters, expected) => {
    const args = filters.flatMap((filter) => ["--filter", filter]);
    expect(await past(...args, "--format", "{{.Type}} {{.Action}}")).toEqual(expected);
  });

  test("an end carries its exit code, a container's events its name, image and labels", async () => {
    const [line = ""] = await past("--filter", "event=die", "--format", "json");
    expect(JSON.parse(line)).toMatchObject({
      Type: "container",
      Action: "die",
      scope: "local",
      Actor: { ID: id, Attributes: { exitCode: "3", name: "told", image: "busybox", tier: "x" } },
      time: expect.any(Number),
      timeNano: expect.any(Number),
    });
    const [plain = ""] = await past("--filter", "event=die");
    expect(plain).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+\S* container die [0-9a-f]{64} \(.*exitCode=3.*\)$/);
  });

  test("tells the present as it happens", async () => {
    await using watching = engine.terminal(cli, ["events", "--filter", "type=container", "--format", "{{.Action}}!"]);
    // Nothing tells when it listens: make events until it has heard one.
    let heard = false;
    const first = watching.waitFor("create!").then(() => {
      heard = true;
    });
    while (!heard) await engine.expectDocker("rm", await engine.expectDocker("create", "busybox"));
    await first;
    const behind = watching.screen.length;
    await output(engine, cli, "run", "--rm", "busybox", "true");
    await watching.waitFor(/create![\s\S]*start![\s\S]*die![\s\S]*destroy!/, behind);
  });
});
