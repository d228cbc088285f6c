import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { buildImage, inImage } from "./build-image.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await buildImage(
    engine,
    "base:1",
    'FROM busybox\nRUN mkdir -p /lib/old /etc/app && echo 1 > /version && echo a > /etc/app/conf\nENV V=1 KEPT=1\nCMD ["cat", "/version"]',
  );
  await buildImage(
    engine,
    "base:2",
    'FROM busybox\nRUN mkdir -p /etc/app && chmod 700 /etc/app && echo 2 > /version && echo a > /etc/app/conf && echo n > /new\nENV V=2 KEPT=1\nCMD ["cat", "/version", "/new"]',
  );
});
afterAll(() => engine[Symbol.asyncDispose]());

/** A container of base:1 that has run a script and ended. */
async function ran(name: string, script: string): Promise<void> {
  await engine.expectLighter("run", "--name", name, "--network", "none", "base:1", "sh", "-c", script);
}

/** Everything that a rebase could change of a container. */
function stateOf(name: string): Promise<string> {
  return engine.expectDocker("inspect", "--format", "{{.Image}} {{.Config.Image}} {{json .GraphDriver}}", name);
}

describe("a container's changes on a newer base", () => {
  test("are its files on that base's, with its name and settings", async () => {
    await ran("app", "echo mine > /etc/app/mine; rm /etc/group; mkdir /data; echo d > /data/d");
    await engine.expectLighter("rebase", "app", "base:2");
    await engine.expectLighter("commit", "app", "app:rebased");
    const script = "cat /version /new /etc/app/mine /data/d; ls /etc/group 2>/dev/null; stat -c %a /etc/app";
    expect(await inImage(engine, "app:rebased", script)).toBe("2\nn\nmine\nd\n700");
    expect(await engine.expectDocker("inspect", "--format", "{{.Config.Image}}", "app")).toBe("base:2");
    const diff = await engine.expectDocker("diff", "app");
    expect(diff.split("\n").sort()).toEqual([
      "A /data",
      "A /data/d",
      "A /etc/app/mine",
      "C /etc",
      "C /etc/app",
      "D /etc/group",
    ]);
  });

  test("can be taken back", async () => {
    await ran("undo", "echo mine > /mine");
    await engine.expectLighter("rebase", "undo", "base:2");
    await engine.expectLighter("rollback", "undo", "@{1}");
    await engine.expectLighter("commit", "undo", "undo:back");
    expect(await inImage(engine, "undo:back", "cat /version /mine")).toBe("1\nmine");
  });

  test("as an image, with what the base's configuration says now; the container stays as it is", async () => {
    await ran("image", "echo mine > /mine");
    const before = await stateOf("image");
    const change = ["--change", "CMD cat /mine /new", "--change", "ENV OWN=x"];
    await engine.expectLighter("commit", "--rebase", "base:2", ...change, "image", "image:rebased");
    expect(await engine.expectLighter("run", "--rm", "image:rebased")).toBe("mine\nn");
    expect(await inImage(engine, "image:rebased", "echo $V $KEPT $OWN")).toBe("2 1 x");
    expect(await stateOf("image")).toBe(before);
    const layers = "{{range .RootFS.Layers}}{{.}} {{end}}";
    const [base, rebased] = await Promise.all(
      ["base:2", "image:rebased"].map((name) => engine.expectDocker("image", "inspect", "--format", layers, name)),
    );
    expect(rebased).toStartWith(base ?? "none");
  });

  test("while it runs, with --restart", async () => {
    const idle = ["sh", "-c", "trap exit TERM; while :; do sleep 1000 & wait $!; done"];
    await engine.expectLighter("run", "--detach", "--name", "live", "--network", "none", "base:1", ...idle);
    await engine.expectLighter("exec", "live", "sh", "-c", "echo mine > /mine");
    expect((await engine.lighter("rebase", "live", "base:2")).stderr).toContain("it is running; stop it first");
    await engine.expectLighter("rebase", "--restart", "live", "base:2");
    expect(await engine.expectLighter("exec", "live", "cat", "/version", "/mine")).toBe("2\nmine");
  });
});

describe("is refused, and nothing is changed", () => {
  test.each([
    ["both-changed", "echo mine > /version", "/version"],
    ["deleted-here", "rm /version", "/version"],
    ["deleted-there", "echo x > /lib/old/x", "/lib/old/x"],
    ["made-twice", "echo other > /new", "/new"],
  ])("where %s", async (name, script, path) => {
    await ran(name, `${script}; echo fine > /fine`);
    const before = await stateOf(name);
    const images = await engine.expectDocker("images", "--all", "--quiet");
    const rebase = await engine.lighter("rebase", name, "base:2");
    expect(rebase.exitCode).toBe(1);
    expect(rebase.stderr).toContain(`changed in the container and in the new base: ${path}\n`);
    const commit = await engine.lighter("commit", "--rebase", "base:2", name);
    expect(commit.stderr).toContain(`changed in the container and in the new base: ${path}\n`);
    expect(await stateOf(name)).toBe(before);
    expect(await engine.expectDocker("images", "--all", "--quiet")).toBe(images);
  });

  test("but not where both made the same", async () => {
    await ran("same", "echo 2 > /version; echo n > /new");
    await engine.expectLighter("rebase", "same", "base:2");
    expect(await engine.expectLighter("image", "diff", "base:2", "same")).toBe("0 added, 0 changed, 0 deleted; +0B");
  });

  test("onto what it is of already, and onto what is not there", async () => {
    await ran("there", "true");
    expect((await engine.lighter("rebase", "there", "base:1")).stderr).toContain(
      "container there is of base:1 already",
    );
    expect((await engine.lighter("rebase", "there", "nothing")).stderr).toContain("No such image: nothing:latest");
  });
});
