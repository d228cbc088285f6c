import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { CLIS, field, lines, output, refusal } from "./both-clis.ts";

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine[Symbol.asyncDispose]());

describe.each(CLIS)("%s", (cli) => {
  const ok = (...args: string[]) => output(engine, cli, ...args);
  const image = async (name: string, template: string) => output(engine, cli, "image", "inspect", "-f", template, name);

  test("commit keeps the files, author, message and the changed settings", async () => {
    const tag = `made-${cli}:1`;
    const id = await ok(
      "run",
      "-d",
      "-v",
      "/vol",
      "busybox",
      "sh",
      "-c",
      "echo kept > /kept; rm /etc/group; echo lost > /vol/lost",
    );
    await ok("wait", id);
    const changes = [
      'CMD ["cat", "/kept"]',
      "ENV A=1 B=2",
      "LABEL x=y",
      "WORKDIR /srv",
      "USER 5",
      "EXPOSE 80",
      "ENTRYPOINT []",
    ];
    const made = await ok(
      "commit",
      "-a",
      "An Author <a@example.org>",
      "-m",
      "a message",
      ...changes.flatMap((change) => ["-c", change]),
      id,
      tag,
    );
    expect(made).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await ok("run", "--rm", tag)).toBe("kept");
    expect(
      await ok("run", "--rm", tag, "sh", "-c", "echo $A$B $(pwd) $(id -u); ls /etc/group /vol/lost 2>&1 | wc -l"),
    ).toBe("12 /srv 5\n2");
    expect(await image(tag, "{{.Author}}|{{.Comment}}|{{json .Config.Labels}}|{{json .Config.ExposedPorts}}")).toBe(
      'An Author <a@example.org>|a message|{"x":"y"}|{"80/tcp":{}}',
    );
    const [newest = "", ...older] = await lines(
      engine,
      cli,
      "history",
      "--no-trunc",
      "--format",
      "{{.CreatedBy}}|{{.Comment}}",
      tag,
    );
    expect(newest).toEndWith("|a message");
    expect(older).toHaveLength((await lines(engine, cli, "history", "-q", "busybox")).length);
    expect(await ok("history", "--no-trunc", "-q", tag)).toStartWith(made);
    await ok("rm", "-v", id);
    await ok("rmi", tag);
  });

  test("commit pauses what runs, unless told not to, and lets it go on", async () => {
    const id = await ok("run", "-d", "busybox", "sleep", "1000");
    const began = Math.floor(Date.now() / 1000);
    await ok("exec", id, "touch", "/first");
    await ok("commit", id, `running-${cli}`);
    await ok("commit", "--pause=false", id, `running-${cli}:again`);
    expect(await field(engine, id, "{{.State.Status}}")).toBe("running");
    const until = String(Math.ceil(Date.now() / 1000) + 1);
    const happened = await lines(
      engine,
      "docker",
      "events",
      "--since",
      `${began}`,
      "--until",
      until,
      "--filter",
      `container=${id}`,
      "--format",
      "{{.Action}}",
    );
    expect(happened.filter((action) => ["pause", "unpause", "commit"].includes(action))).toEqual([
      "pause",
      "unpause",
      "commit",
      "commit",
    ]);
    expect(await ok("run", "--rm", `running-${cli}:again`, "ls", "/first")).toBe("/first");
    await ok("rm", "-f", id);
    await ok("rmi", `running-${cli}`, `running-${cli}:again`);
  });

  test("a commit without a name makes an image without one", async () => {
    const id = await ok("create", "busybox");
    const made = await ok("commit", id);
    expect(await ok("images", "-q", "--no-trunc", "--filter", "dangling=true")).toBe(made);
    await ok("rm", id);
    expect(await ok("rmi", made)).toBe(`Deleted: ${made}`);
  });

  test.each([
    ["-c", "NOSUCH x", "NOSUCH"],
    ["-c", "RUN true", "run is not a valid change command"],
  ])("commit %s %j is refused and makes nothing", async (flag, change, expected) => {
    const before = await ok("images", "-aq");
    const id = await ok("create", "busybox");
    expect(await refusal(engine, cli, "commit", flag, change, id, "never")).toEqual([
      expect.stringContaining(expected),
      1,
    ]);
    expect((await refusal(engine, cli, "commit", id, "Bad/Name"))[0]).toContain("must be lowercase");
    expect(await ok("images", "-aq")).toBe(before);
    await ok("rm", id);
  });

  test("tag gives a further name, rmi takes one name after the other", async () => {
    const id = await ok("create", "busybox");
    const made = await ok("commit", id, `name-${cli}`);
    await ok("rm", id);
    await ok("tag", `name-${cli}`, `registry.test:5000/a/b-${cli}:v1.0`);
    expect(await image(made, "{{json .RepoTags}}")).toBe(`["name-${cli}:latest","registry.test:5000/a/b-${cli}:v1.0"]`);
    expect(await refusal(engine, cli, "rmi", made.slice(7, 19))).toEqual([
      `conflict: unable to delete ${made.slice(7, 19)} (must be forced) - image is referenced in multiple repositories`,
      1,
    ]);
    expect(await ok("rmi", `name-${cli}`)).toBe(`Untagged: name-${cli}:latest`);
    expect(await lines(engine, cli, "rmi", made.slice(7, 19))).toEqual([
      `Untagged: registry.test:5000/a/b-${cli}:v1.0`,
      `Deleted: ${made}`,
    ]);
    expect(await refusal(engine, cli, "rmi", `name-${cli}`)).toEqual([`No such image: name-${cli}:latest`, 1]);
    expect(await refusal(engine, cli, "tag", "nosuch", "x")).toEqual(["No such image: nosuch:latest", 1]);
    expect((await engine[cli]("tag", "busybox", "UPPER")).stderr).toContain("must be lowercase");
  });

  test("rmi refuses what a container uses, by Docker's words for each case", async () => {
    const base = await ok("create", "busybox");
    const made = await ok("commit", base, `used-${cli}`);
    await ok("rm", base);
    const id = await ok("run", "-d", `used-${cli}`, "sleep", "1000");
    const [short, shortImage] = [id.slice(0, 12), made.slice(7, 19)];
    expect(await refusal(engine, cli, "rmi", `used-${cli}`)).toEqual([
      `conflict: unable to remove repository reference "used-${cli}" (must force) - container ${short} is using its referenced image ${shortImage}`,
      1,
    ]);
    expect(await refusal(engine, cli, "rmi", "-f", shortImage)).toEqual([
      `conflict: unable to delete ${shortImage} (cannot be forced) - image is being used by running container ${short}`,
      1,
    ]);
    await ok("kill", id);
    expect(await refusal(engine, cli, "rmi", shortImage)).toEqual([
      `conflict: unable to delete ${shortImage} (must be forced) - image is being used by stopped container ${short}`,
      1,
    ]);
    expect(await lines(engine, cli, "rmi", "-f", shortImage)).toContain(`Untagged: used-${cli}:latest`);
    expect(await field(engine, id, "{{.Image}}")).toBe(made);
    await ok("rm", id);
  });

  test("rmi refuses an image that others stand on, and goes on with the rest", async () => {
    const first = await ok("create", "busybox");
    await ok("commit", first, `below-${cli}`);
    const second = await ok("create", `below-${cli}`);
    await ok("commit", second, `above-${cli}`);
    await ok("rm", first, second);
    const below = await image(`below-${cli}`, "{{.Id}}");
    expect(await refusal(engine, cli, "rmi", below)).toEqual([
      `conflict: unable to delete ${below.slice(7, 19)} (cannot be forced) - image has dependent child images`,
      1,
    ]);
    expect(await ok("rmi", `below-${cli}`)).toBe(`Untagged: below-${cli}:latest`);
    const { stdout, exitCode } = await engine[cli]("rmi", "nosuch", `above-${cli}`);
    expect([stdout, exitCode]).toEqual([expect.stringContaining(`Untagged: above-${cli}:latest`), 1]);
  });
});
