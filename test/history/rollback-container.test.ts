import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { ReflogEntry } from "../../src/client/history-documents.ts";
import { saveImages } from "../../src/image/save.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { layeredImage } from "../image/layered-image.ts";
import { openTestParts } from "../registry/engine-parts.ts";
import { buildImage, inImage } from "./build-image.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await buildImage(engine, "three", "FROM busybox\nRUN echo 1 > /state\nRUN echo 2 > /state\nRUN echo 3 > /state");
});
afterAll(() => engine[Symbol.asyncDispose]());

/** A container that waits for what is executed in it, and ends at once when it is stopped. */
async function start(name: string, image = "busybox", ...options: string[]): Promise<void> {
  const idle = ["sh", "-c", "trap exit TERM; while :; do sleep 1000 & wait $!; done"];
  await engine.expectLighter("run", "--detach", "--name", name, "--network", "none", ...options, image, ...idle);
}

function write(name: string, script: string): Promise<string> {
  return engine.expectLighter("exec", name, "sh", "-c", script);
}

async function reflogOf(name: string): Promise<string[]> {
  const entries: ReflogEntry[] = JSON.parse(await engine.expectLighter("container", "reflog", "--json", name));
  return entries.map(({ Reason, Detail }) => `${Reason} ${Detail}`.trim());
}

function layerCount(image: string): Promise<string> {
  return engine.expectDocker("image", "inspect", "--format", "{{len .RootFS.Layers}}", image);
}

describe("commits of one container", () => {
  test("are one layer each, on top of each other, with what the later took back", async () => {
    await start("box");
    await write("box", "echo 1 > /one; mkdir /dir; echo x > /dir/x; rm /etc/group");
    await engine.expectLighter("commit", "-m", "first", "box", "kept:1");
    await write("box", "echo 2 > /one; rm -r /dir; echo 2 > /two; echo g > /etc/group");
    await engine.expectLighter("commit", "-m", "second", "box", "kept:2");
    await engine.expectLighter("commit", "-m", "nothing new", "box", "kept:3");
    expect([await layerCount("kept:1"), await layerCount("kept:2"), await layerCount("kept:3")]).toEqual([
      "2",
      "3",
      "3",
    ]);
    expect(
      await inImage(engine, "kept:1", "cat /one /dir/x; ls /etc/group 2>&1 | wc -l; ls /two 2>/dev/null; true"),
    ).toBe("1\nx\n1");
    expect(await inImage(engine, "kept:2", "cat /one /two /etc/group; ls -d /dir 2>/dev/null; true")).toBe("2\n2\ng");
    const diff = await engine.expectLighter("image", "diff", "--quiet", "kept:2", "box");
    expect(diff).toBe("");
    expect(await engine.expectLighter("image", "log", "--format", "{{.Comment}}", "kept:3")).toStartWith(
      "nothing new\nsecond\nfirst",
    );
  });

  test("are one layer on its image by Docker's client and with --squash, and one in all with --squash-all", async () => {
    await start("flat");
    await write("flat", "echo 1 > /one; echo 1 > /gone");
    await engine.expectLighter("commit", "flat", "flat:1");
    await write("flat", "rm /gone; echo 2 > /two");
    await engine.expectDocker("commit", "flat", "flat:docker");
    await engine.expectLighter("commit", "--squash", "-c", "ENV A=b", "flat", "flat:squash");
    await engine.expectLighter("commit", "--squash-all", "flat", "flat:all");
    expect(await Promise.all(["docker", "squash", "all"].map((tag) => layerCount(`flat:${tag}`)))).toEqual([
      "2",
      "2",
      "1",
    ]);
    for (const tag of ["docker", "squash", "all"]) {
      expect(await inImage(engine, `flat:${tag}`, "cat /one /two; ls /gone 2>/dev/null; echo $A")).toBe(
        tag === "squash" ? "1\n2\nb" : "1\n2\n",
      );
    }
    expect(await engine.expectLighter("image", "diff", "--quiet", "flat:docker", "flat:all")).toBe("");
  });

  test("end at as many layers as Docker runs, and begin anew with --squash", async () => {
    const archive = `${engine.root}/deep.tar`;
    await using parts = openTestParts();
    const layers = Array.from({ length: 124 }, (_, number) => [{ name: `layer-${number}`, content: String(number) }]);
    await layeredImage(parts, layers, { tags: ["deep"] });
    await pipeline(saveImages(parts.content, parts.layers, parts.images, ["deep"]), createWriteStream(archive));
    await engine.expectLighter("load", "--input", archive);
    await engine.expectLighter("create", "--name", "deep", "deep");
    await engine.expectDocker("cp", archive, "deep:/one");
    await engine.expectLighter("commit", "deep", "deep:125");
    await engine.expectDocker("cp", archive, "deep:/two");
    const { stderr, exitCode } = await engine.lighter("commit", "deep", "deep:126");
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining("commit with --squash to begin anew")]);
    await engine.expectLighter("commit", "--squash", "deep", "deep:squashed");
    expect(await layerCount("deep:squashed")).toBe("125");
  });

  test("hold the container's whole root, though its image was removed by force", async () => {
    await buildImage(engine, "lost", "FROM busybox\nRUN echo base > /base");
    await engine.expectLighter("run", "--name", "lost", "lost", "sh", "-c", "echo own > /own");
    await engine.expectDocker("rmi", "--force", "lost");
    await engine.expectDocker("commit", "lost", "found");
    expect(await inImage(engine, "found", "cat /base /own")).toBe("base\nown");
    expect(await layerCount("found")).toBe("3");
  });

  test("may be removed by their names like Docker's", async () => {
    await start("named");
    for (const number of [1, 2]) {
      await write("named", `echo ${number} > /n`);
      await engine.expectLighter("commit", "named", `named:${number}`);
    }
    expect(await engine.expectDocker("rmi", "named:1")).toBe("Untagged: named:1");
    expect(await inImage(engine, "named:2", "cat /n")).toBe("2");
    await engine.expectDocker("rmi", "named:2");
  });
});

describe("a container goes back", () => {
  test("from commit to commit and forward again, and what it lost can be had back", async () => {
    await start("db");
    for (const number of [1, 2, 3]) {
      await write("db", `echo ${number} > /data; touch /only-${number}`);
      await engine.expectLighter("commit", "-m", `commit ${number}`, "db");
    }
    await write("db", "echo later > /data");
    await engine.expectLighter("rollback", "--restart", "db", "2");
    expect(await write("db", "cat /data; ls -d /only-*")).toBe("1\n/only-1");
    await engine.expectLighter("rollback", "--restart", "db", "+1");
    expect(await write("db", "cat /data; ls -d /only-*")).toBe("2\n/only-1\n/only-2");
    await write("db", "echo 2b > /data");
    // What was taken away is not on the way forward.
    await engine.expectLighter("rollback", "--restart", "db");
    expect(await write("db", "cat /data")).toBe("2");
    expect((await reflogOf("db")).slice(0, 5)).toEqual([
      "rollback 1 layer back",
      "save before rollback",
      "rollback 1 layer forward",
      "rollback 2 layers back",
      "save before rollback",
    ]);
    await engine.expectLighter("rollback", "--restart", "db", "+1");
    expect(await write("db", "cat /data; ls -d /only-*")).toBe("3\n/only-1\n/only-2\n/only-3");
    await engine.expectLighter("rollback", "--restart", "db", "@{5}");
    expect(await write("db", "cat /data; ls -d /only-*")).toBe("later\n/only-1\n/only-2\n/only-3");
    expect((await reflogOf("db")).slice(-4)).toEqual([
      "commit commit 3",
      "commit commit 2",
      "commit commit 1",
      "create",
    ]);
  });

  test("over commits by Docker's client too, which do not stand on each other", async () => {
    await start("docker");
    for (const number of [1, 2, 3]) {
      await write("docker", `rm -f /only-*; touch /only-${number}`);
      await engine.expectDocker("commit", "docker", `docker:${number}`);
    }
    for (const [place, file] of [
      ["2", "/only-1"],
      ["+1", "/only-2"],
      ["+1", "/only-3"],
    ] as const) {
      await engine.expectLighter("rollback", "--restart", "docker", place);
      expect(await write("docker", "ls -d /only-*")).toBe(file);
    }
    await engine.expectLighter("rollback", "--restart", "docker", "3");
    expect(await write("docker", "ls -d /only-* 2>/dev/null; true")).toBe("");
  });

  test("from what it wrote to its image, and on to the image's lower layers", async () => {
    await engine.expectLighter("run", "--name", "plain", "three", "sh", "-c", "echo own > /own");
    const state = async () => {
      await engine.expectDocker("cp", "plain:/state", `${engine.root}/state`);
      return (await Bun.file(`${engine.root}/state`).text()).trim();
    };
    expect(await engine.expectDocker("diff", "plain")).toBe("A /own");
    await engine.expectLighter("rollback", "plain");
    expect(await engine.expectDocker("diff", "plain")).toBe("");
    expect(await state()).toBe("3");
    await engine.expectLighter("rollback", "plain", "2");
    expect(await state()).toBe("1");
    await engine.expectLighter("rollback", "plain", "@{2}");
    expect(await engine.expectDocker("diff", "plain")).toBe("");
    expect((await engine.expectLighter("image", "diff", "three", "plain")).split("\n")[0]).toBe("A /own  4B");
  });

  test("and keeps its name, its settings, its volumes and its id", async () => {
    await start("same", "busybox", "--volume", "/vol", "--env", "A=b", "--label", "x=y");
    const facts = () =>
      engine.expectDocker(
        "inspect",
        "--format",
        "{{.Id}} {{.Name}} {{.Image}} {{json .Config}} {{json .Mounts}} {{json .HostConfig.Binds}}",
        "same",
      );
    const before = await facts();
    await write("same", "echo stays > /vol/file; echo goes > /file");
    await engine.expectLighter("rollback", "--restart", "same");
    expect(await write("same", "cat /vol/file; ls /file 2>/dev/null; true")).toBe("stays");
    expect(await facts()).toBe(before);
  });

  test("and its next commit stands on where it went back to", async () => {
    await start("branch");
    await write("branch", "echo 1 > /one");
    await engine.expectLighter("commit", "branch", "branch:1");
    await write("branch", "echo 2 > /two");
    await engine.expectLighter("commit", "branch", "branch:2");
    await engine.expectLighter("rollback", "--restart", "branch");
    await write("branch", "echo 3 > /three");
    await engine.expectLighter("commit", "branch", "branch:3");
    expect(await inImage(engine, "branch:3", "cat /one /three; ls /two 2>/dev/null; true")).toBe("1\n3");
    expect(await layerCount("branch:3")).toBe("3");
    // The image on which it stands is in use now, whatever its names.
    await engine.expectDocker("stop", "branch");
    expect((await engine.docker("rmi", "branch:1")).stderr).toContain("is using its referenced image");
  });

  test("after the engine was killed in between", async () => {
    await start("killed");
    await write("killed", "echo 1 > /one");
    await engine.expectLighter("commit", "killed");
    await write("killed", "echo 2 > /one");
    await engine.kill9();
    await engine.start();
    await engine.expectLighter("rollback", "--restart", "killed", "0");
    expect(await write("killed", "cat /one")).toBe("1");
    await engine.expectLighter("rollback", "--restart", "killed", "@{1}");
    expect(await write("killed", "cat /one")).toBe("2");
  });
});

describe("a container's rollback is refused", () => {
  test("while it runs, saying what to do", async () => {
    await start("runs");
    const { exitCode, stderr } = await engine.lighter("rollback", "runs", "0");
    expect(exitCode).toBe(1);
    expect(stderr).toContain("it is running; stop it first, or restart it meanwhile (--restart)");
  });

  test("for what is not there, without stopping it", async () => {
    const pid = () => engine.expectDocker("inspect", "--format", "{{.State.Pid}}", "runs");
    const before = await pid();
    const { stderr } = await engine.lighter("rollback", "--restart", "runs", "7");
    expect(stderr).toContain("container runs can go back 0 layers and forward 0");
    expect(await pid()).toBe(before);
  });

  test("where there is nothing to do", async () => {
    await engine.expectLighter("create", "--name", "fresh", "busybox");
    const { stderr } = await engine.lighter("rollback", "fresh", "0");
    expect(stderr).toContain("container fresh is there already");
  });
});

test("removing a container removes its reflog, and prune what it saved", async () => {
  await engine.expectLighter("run", "--name", "pruned", "busybox", "sh", "-c", "echo x > /x");
  await engine.expectLighter("rollback", "pruned");
  const saved =
    (await engine.expectLighter("container", "reflog", "--quiet", "--no-trunc", "pruned")).split("\n")[1] ?? "";
  expect(await engine.expectDocker("images", "--quiet", "--no-trunc", "--filter", "dangling=true")).toContain(saved);
  await engine.expectDocker("rm", "pruned");
  expect(await engine.expectDocker("image", "prune", "--force")).toContain(`deleted: ${saved}`);
});
