import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { CLIS, lines, output } from "./both-clis.ts";

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine[Symbol.asyncDispose]());

describe.each(CLIS)("%s", (cli) => {
  const ok = (...args: string[]) => output(engine, cli, ...args);

  test("version names both sides", async () => {
    expect(await ok("version", "--format", "{{.Server.APIVersion}} {{.Server.Os}} {{.Client.APIVersion}}")).toMatch(
      /^1\.51 linux 1\.5\d$/,
    );
    expect(await ok("version")).toContain("Server:");
  });

  test("info counts containers and images and names the machine", async () => {
    const running = await ok("run", "-d", "busybox", "sleep", "1000");
    const paused = await ok("run", "-d", "busybox", "sleep", "1000");
    const still = await ok("create", "busybox");
    await ok("pause", paused);
    const counts = "{{.Containers}} {{.ContainersRunning}} {{.ContainersPaused}} {{.ContainersStopped}} {{.Images}}";
    expect(await ok("info", "--format", counts)).toBe("3 1 1 1 1");
    expect(await ok("info", "--format", "{{.Driver}} {{.OSType}} {{.DockerRootDir}}")).toBe(
      `overlay2 linux ${engine.root}`,
    );
    await ok("rm", "-f", running, paused, still);
  });

  test("container prune takes what has ended, by filters, and says what it freed", async () => {
    const kept = await ok("create", "--label", "keep", "busybox");
    const running = await ok("run", "-d", "busybox", "sleep", "1000");
    const ended = await ok("run", "-d", "busybox", "sh", "-c", "head -c 1000000 /dev/zero > /big");
    await ok("wait", ended);
    const said = await lines(engine, cli, "container", "prune", "-f", "--filter", "label!=keep");
    expect(said).toEqual([
      "Deleted Containers:",
      ended,
      "",
      expect.stringMatching(/^Total reclaimed space: 1(\.\d+)?MB$/),
    ]);
    expect((await lines(engine, cli, "ps", "-aq", "--no-trunc")).sort()).toEqual([kept, running].sort());
    await ok("rm", "-f", kept, running);
  });

  test("image prune takes what has no name; with -a what no container uses", async () => {
    const id = await ok("create", "busybox");
    const [first, second] = [await ok("create", "busybox"), await ok("create", "busybox")];
    const nameless = await ok("commit", "-m", cli, first);
    await ok("commit", second, `unused-${cli}`);
    await ok("rm", first, second);
    expect(await ok("image", "prune", "-f")).toContain(`deleted: ${nameless}`);
    expect(await ok("images", "-q", `unused-${cli}`)).not.toBe("");
    expect(await ok("image", "prune", "-af")).toContain(`untagged: unused-${cli}:latest`);
    expect(await ok("images", "-q", "busybox")).not.toBe("");
    await ok("rm", id);
  });

  test("volume and network prune take what nobody uses", async () => {
    const id = await ok("create", "-v", "used:/v", "--network", "bridge", "busybox");
    await ok("volume", "create", "lonely");
    await ok("network", "create", "lonely-net");
    const other = await ok("create", "-v", "/nameless", "busybox");
    await ok("rm", other);
    const pruned = await ok("volume", "prune", "-f");
    expect(pruned).toMatch(/^Deleted Volumes:\n[0-9a-f]{64}\n\nTotal reclaimed space: \S+$/);
    expect(await ok("volume", "prune", "-af")).toContain("lonely");
    expect(await ok("volume", "ls", "-q")).toBe("used");
    expect(await ok("network", "prune", "-f")).toBe("Deleted Networks:\nlonely-net\n");
    expect((await lines(engine, cli, "network", "ls", "--format", "{{.Name}}")).sort()).toEqual([
      "bridge",
      "host",
      "none",
    ]);
    await ok("rm", id);
    await ok("volume", "rm", "used");
  });

  test("system df adds up, and system prune takes all that is unused", async () => {
    const id = await ok(
      "run",
      "-d",
      "-v",
      "data:/v",
      "busybox",
      "sh",
      "-c",
      "head -c 2000000 /dev/zero > /v/big; head -c 1000000 /dev/zero > /big",
    );
    await ok("wait", id);
    const rows = await lines(
      engine,
      cli,
      "system",
      "df",
      "--format",
      "{{.Type}}|{{.TotalCount}}|{{.Active}}|{{.Size}}",
    );
    expect(rows).toEqual([
      expect.stringMatching(/^Images\|1\|1\|[\d.]+MB$/),
      expect.stringMatching(/^Containers\|1\|0\|1(\.0\d*)?MB$/),
      "Local Volumes|1|1|2MB",
      expect.stringMatching(/^Build Cache\|0\|0\|0B$/),
    ]);
    expect(await ok("system", "df", "-v")).toContain("busybox");
    const said = await ok("system", "prune", "-f");
    expect(said).toStartWith(`Deleted Containers:\n${id}\n`);
    expect(said).toMatch(/Total reclaimed space: 1(\.\d+)?MB$/);
    expect(await ok("volume", "ls", "-q")).toBe("data");
    await ok("volume", "rm", "data");
  });
});
