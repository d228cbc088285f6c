import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
  const lines = [
    "FROM busybox",
    "RUN mkdir -p /a/b; echo one > /a/b/file; ln -s /a/b/file /a/absolute; ln -s ../../../../etc/passwd /a/climbing",
    "RUN echo two > /a/second; echo of-the-image > /etc/passwd; rm /bin/vi",
  ];
  await build("layers", lines);
});
async function build(tag: string, lines: readonly string[]): Promise<void> {
  const { stderr, exitCode } = await engine.lighterInput(`${lines.join("\n")}\n`, "build", "-t", tag, "-");
  if (exitCode !== 0) throw new Error(stderr);
}
afterAll(() => engine[Symbol.asyncDispose]());

describe.each(["docker", "lighter"] as const)("%s run --mount type=image", (cli) => {
  const run = (mount: string, ...command: string[]) =>
    engine[cli](
      "run",
      "--rm",
      "--network",
      "none",
      "--mount",
      `type=image,target=/image${mount}`,
      "busybox",
      ...command,
    );

  test("shows the files of an image of many layers, and of one, to be read alone", async () => {
    const script = "cat /image/a/b/file /image/a/second; ls /image/bin/vi /image/bin/sh 2>&1; touch /image/x";
    const { stdout, stderr } = await run(",source=layers", "sh", "-c", script);
    expect(stdout).toBe("one\ntwo\nls: /image/bin/vi: No such file or directory\n/image/bin/sh\n");
    expect(stderr).toContain("Read-only file system");
    expect((await run(",source=busybox", "sh", "-c", "ls /image/bin/vi; touch /image/x")).stderr).toContain(
      "Read-only",
    );
  });

  test.each([
    ["a/b", "ls", "file"],
    ["a/second", "cat", "two"],
    ["a/absolute", "cat", "one"],
    ["a/climbing", "cat", "of-the-image"],
  ])("image-subpath=%s is taken inside the image, whatever its links say", async (subpath, command, expected) => {
    const { stdout, stderr } = await run(`,source=layers,image-subpath=${subpath}`, command, "/image");
    expect([stderr, stdout]).toEqual(["", `${expected}\n`]);
  });

  test.each([
    [",source=layers,image-subpath=a/nosuch", "error mounting subpath a/nosuch to /image: no such file or directory"],
    [",source=layers,image-subpath=../etc", "subpath must be a relative path within the image"],
    [",source=layers,image-subpath=/etc", "subpath must be a relative path within the image"],
    [",source=nosuch", "No such image: nosuch:latest"],
    ["", "field Source must not be empty"],
  ])("%j is refused", async (mount, expected) => {
    const { stderr, exitCode } = await run(mount, "true");
    expect([stderr, exitCode]).toEqual([expect.stringContaining(expected), expect.any(Number)]);
    expect(exitCode).not.toBe(0);
    expect(stderr).not.toContain("Unable to find image");
  });
});

test("a mounted image's files stay while a container refers to them, although the image is removed", async () => {
  await build("leaving", ["FROM busybox", "RUN echo kept > /kept"]);
  const mount = "type=image,source=leaving,target=/image";
  const id = await engine.expectDocker("create", "--mount", mount, "busybox", "cat", "/image/kept");
  const [point] = JSON.parse(await engine.expectDocker("inspect", "-f", "{{json .Mounts}}", id));
  expect(point).toMatchObject({ Type: "image", Name: "leaving", Destination: "/image", RW: false });
  expect(point.Source).toBe(await engine.expectDocker("inspect", "-f", "{{.Id}}", "leaving"));
  await engine.expectDocker("rmi", "--force", "leaving");
  await engine.restart();
  expect(await engine.expectDocker("start", "--attach", id)).toBe("kept");
  await engine.expectDocker("rm", id);
});
