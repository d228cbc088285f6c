import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { ReflogEntry, RolledBackImage } from "../../src/client/history-documents.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { buildImage, inImage } from "./build-image.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine[Symbol.asyncDispose]());

const DOCKERFILE = `FROM busybox
  RUN echo 1 > /state
  ENV COLOR=red
  CMD ["echo", "one"]
  RUN echo 2 > /state
  ENV COLOR=blue
  CMD ["echo", "two"]
  RUN echo 3 > /state && touch /three`;

async function idOf(image: string): Promise<string> {
  return engine.expectDocker("image", "inspect", "--format", "{{.Id}}", image);
}

function configOf(image: string): Promise<string> {
  return engine.expectDocker("image", "inspect", "--format", "{{json .Config.Cmd}} {{json .Config.Env}}", image);
}

async function reflogOf(image: string): Promise<ReflogEntry[]> {
  return JSON.parse(await engine.expectLighter("image", "reflog", "--json", image));
}

describe("a name goes back", () => {
  test("layer by layer, with the configuration of each state, and every move can be undone", async () => {
    await buildImage(engine, "app", DOCKERFILE);
    const three = await idOf("app");
    await engine.expectLighter("rollback", "app");
    expect(await inImage(engine, "app", "cat /state; ls /three 2>&1; echo $COLOR")).toBe(
      "2\nls: /three: No such file or directory\nblue",
    );
    expect(await configOf("app")).toStartWith('["echo","two"]');
    await engine.expectLighter("rollback", "app");
    expect(await inImage(engine, "app", "cat /state; echo $COLOR")).toBe("1\nred");
    expect(await configOf("app")).toStartWith('["echo","one"]');
    await engine.expectLighter("rollback", "app", "+1");
    expect(await inImage(engine, "app", "cat /state")).toBe("2");
    await engine.expectLighter("rollback", "app", "@{3}");
    expect(await idOf("app")).toBe(three);
    const entries = await reflogOf("app");
    expect(entries.map(({ Reason, Detail }) => `${Reason} ${Detail}`)).toEqual([
      "rollback to @{3}",
      "rollback 1 layer forward",
      "rollback 1 layer back",
      "rollback 1 layer back",
      "build ",
    ]);
    expect(entries.map(({ Id }) => Id)[0]).toBe(three);
  });

  test("to a layer by its digest, and forward to one that only the reflog knows", async () => {
    await buildImage(engine, "named", DOCKERFILE);
    const layers: string[] = JSON.parse(
      await engine.expectDocker("image", "inspect", "--format", "{{json .RootFS.Layers}}", "named"),
    );
    const [, one = "", two = ""] = layers.map((digest) => digest.slice(7, 19));
    await engine.expectLighter("rollback", "named", one);
    expect(await inImage(engine, "named", "cat /state")).toBe("1");
    await engine.expectLighter("rollback", "named", two);
    expect(await inImage(engine, "named", "cat /state")).toBe("2");
  });

  test("through the API", async () => {
    await buildImage(engine, "team/api:5", DOCKERFILE);
    const before = await idOf("team/api:5");
    const answer = await engine.api("/lighter/images/team/api:5/rollback?to=2", { method: "POST" });
    const { Id, Previous, Layers, KeptConfig } = (await answer.json()) as RolledBackImage;
    expect({ Previous, Layers, KeptConfig }).toEqual({ Previous: before, Layers: 2, KeptConfig: [] });
    expect(await idOf("team/api:5")).toBe(Id);
  });

  test("although no earlier image is here: its configuration is replayed from the history", async () => {
    await buildImage(engine, "gone", DOCKERFILE);
    const archive = `${engine.root}/gone.tar`;
    await engine.expectLighter("save", "--output", archive, "gone");
    await using other = await startEngine({ busybox: false });
    await other.expectLighter("load", "--input", archive);
    await other.expectLighter("rollback", "gone", "2");
    expect(await inImage(other, "gone", "cat /state; echo $COLOR")).toBe("1\nred");
    const inspected = await other.expectDocker("image", "inspect", "--format", "{{json .Config.Cmd}}", "gone");
    expect(inspected).toBe('["echo","one"]');
    const steps = await other.expectDocker("history", "--format", "{{.CreatedBy}}", "--no-trunc", "gone");
    expect(steps.split("\n")[0]).toContain('CMD ["echo" "one"]');
  });
});

describe("a rollback is refused", () => {
  test.each([
    [["app", "9"], "app:latest has 4 layers, and at least one must stay"],
    [["app", "4"], "and at least one must stay"],
    [["app", "0"], "app:latest is there already"],
    [["app", "+1"], "app:latest can go forward 0 layers"],
    [["app", "@{99}"], "app:latest has no entry @{99} in its reflog"],
    [["app", "dead"], "app:latest has and had no layer that begins with dead"],
    [["app", "never"], "is no place in a history"],
    [["nothing"], "No such image: nothing:latest"],
  ])("%j", async (args, reason) => {
    const before = await reflogOf("app");
    const { exitCode, stderr } = await engine.lighter("rollback", ...args);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(reason);
    expect(await reflogOf("app")).toEqual(before);
  });

  test("for an id, which cannot stand for another image", async () => {
    const id = await idOf("app");
    const { stderr } = await engine.lighter("rollback", id);
    expect(stderr).toContain("tag the image and roll the name back");
  });

  test("for a name that an image and a container have, until it is said which", async () => {
    await buildImage(engine, "both", DOCKERFILE);
    await engine.expectLighter("create", "--name", "both", "busybox");
    const { exitCode, stderr } = await engine.lighter("rollback", "both");
    expect(exitCode).toBe(1);
    expect(stderr).toContain("say --image or --container");
    await engine.expectLighter("rollback", "--image", "both");
    expect(await inImage(engine, "both", "cat /state")).toBe("2");
  });
});

describe("Docker's clients are not surprised", () => {
  test("what a name left is an image without a name, which prune and rmi remove with its entry", async () => {
    await buildImage(engine, "left", "FROM busybox\nRUN echo a > /a\nRUN echo b > /b");
    const top = await idOf("left");
    await engine.expectLighter("rollback", "left");
    expect(await engine.expectDocker("images", "--quiet", "--no-trunc", "--filter", "dangling=true")).toContain(top);
    await engine.expectDocker("rmi", top);
    expect((await reflogOf("left")).map(({ Reason }) => Reason)).toEqual(["rollback"]);
    const { stderr } = await engine.lighter("rollback", "left", "@{1}");
    expect(stderr).toContain("no entry @{1}");
    expect(await inImage(engine, "left", "cat /a")).toBe("a");
  });

  test("a name that is removed has no past when it comes again", async () => {
    await engine.expectDocker("tag", "busybox", "again");
    await engine.expectDocker("tag", "app", "again");
    expect(await reflogOf("again")).toHaveLength(2);
    await engine.expectDocker("rmi", "again");
    await engine.expectDocker("tag", "busybox", "again");
    expect((await reflogOf("again")).map(({ Reason }) => Reason)).toEqual(["tag"]);
  });

  test("a reflog outlives the engine", async () => {
    const before = await reflogOf("app");
    await engine.kill9();
    await engine.start();
    expect(await reflogOf("app")).toEqual(before);
  });
});
