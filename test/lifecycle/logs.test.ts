import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { CLIS, lines, output, refusal } from "./both-clis.ts";

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
  await engine.docker(
    "run",
    "--name",
    "both",
    "busybox",
    "sh",
    "-c",
    "echo out 1; echo err 1 >&2; echo out 2; printf part",
  );
  await engine.docker("run", "--name", "spread", "busybox", "sh", "-c", "echo early; sleep 1.2; echo late");
});
afterAll(() => engine[Symbol.asyncDispose]());

const STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z /;

describe.each(CLIS)("%s logs", (cli) => {
  test("keeps the two streams apart, and the last line as it was written", async () => {
    const { stdout, stderr } = await engine[cli]("logs", "both");
    expect([stdout, stderr]).toEqual(["out 1\nout 2\npart", "err 1\n"]);
  });

  test.each([
    ["0", []],
    ["1", ["late"]],
    ["5", ["early", "late"]],
    ["all", ["early", "late"]],
  ])("--tail %s", async (tail, expected) => {
    expect(await lines(engine, cli, "logs", "--tail", tail, "spread")).toEqual(expected);
  });

  test("-t puts the time before each line, by which --since and --until cut", async () => {
    const [early = "", late = ""] = await lines(engine, cli, "logs", "-t", "spread");
    expect(early).toMatch(STAMP);
    expect(early.replace(STAMP, "")).toBe("early");
    const [stamp = ""] = late.split(" ");
    expect(await output(engine, cli, "logs", "--since", stamp, "spread")).toBe("late");
    expect(await output(engine, cli, "logs", "--until", early.split(" ")[0] ?? "", "spread")).toBe("early");
    expect(await output(engine, cli, "logs", "--since", "1h", "--until", "30m", "spread")).toBe("");
    const seconds = String(Date.parse(stamp) / 1000 - 0.6);
    expect(await output(engine, cli, "logs", "--since", seconds, "spread")).toBe("late");
  });

  test("-f tells what comes until the container ends, after the tail", async () => {
    const script = "echo old; echo older; read line; echo $line; exit 4";
    const id = await output(engine, cli, "run", "-di", "busybox", "sh", "-c", script);
    await using follower = engine.terminal(cli, ["logs", "-f", "--tail", "1", id]);
    await follower.waitFor("older");
    await engine.dockerInput("typed\n", "attach", id);
    await follower.waitFor("typed");
    expect(await follower.exited()).toBe(0);
    expect(follower.screen).not.toContain("old\r\n");
    await output(engine, cli, "rm", id);
  });

  test("--details puts the attributes that the log's options name before each line, after the time", async () => {
    const options = ["--log-opt", "labels=tier", "--log-opt", "env=MODE", "--log-opt", "tag={{.Name}}"];
    const facts = ["--name", "detailed", "--label", "tier=front end", "-e", "MODE=a"];
    const id = await output(engine, cli, "run", "-d", ...options, ...facts, "busybox", "echo", "said");
    await output(engine, cli, "wait", id);
    const attributes = "MODE=a,tag=detailed,tier=front+end";
    expect(await output(engine, cli, "logs", "--details", id)).toBe(`${attributes} said`);
    const timed = new RegExp(`^\\d{4}-\\S+Z ${attributes.replace("+", "\\+")} said$`);
    expect(await output(engine, cli, "logs", "--details", "-t", id)).toMatch(timed);
    expect(await output(engine, cli, "logs", id)).toBe("said");
    await output(engine, cli, "rm", id);
    expect(await refusal(engine, cli, "create", "--log-opt", "tag={{.Nosuch}}", "busybox")).toEqual([
      expect.stringContaining(".Nosuch"),
      1,
    ]);
  });

  test("-f of a container that has ended comes back at once", async () => {
    expect(await lines(engine, cli, "logs", "-f", "spread")).toEqual(["early", "late"]);
  });

  test("a terminal's log is what it printed, carriage returns included", async () => {
    const id = await output(engine, cli, "run", "-dt", "busybox", "sh", "-c", "echo one; echo two >&2");
    await output(engine, cli, "wait", id);
    const { stdout, stderr } = await engine[cli]("logs", id);
    expect([stdout, stderr]).toEqual(["one\r\ntwo\r\n", ""]);
    await output(engine, cli, "rm", id);
  });

  test("max-size and max-file turn the log over, and what is kept reads on without a gap", async () => {
    const id = await output(
      engine,
      cli,
      ...["run", "-d", "--log-opt", "max-size=10k", "--log-opt", "max-file=3"],
      ...["busybox", "sh", "-c", "i=0; while [ $i -lt 1000 ]; do echo number $i; i=$((i+1)); done"],
    );
    await output(engine, cli, "wait", id);
    const kept = await lines(engine, cli, "logs", id);
    expect(kept.length).toBeGreaterThan(100);
    expect(kept.length).toBeLessThan(500);
    const first = 1000 - kept.length;
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, index) => `number ${first + index}`));
    expect(await lines(engine, cli, "logs", "--tail", "150", id)).toEqual(kept.slice(-150));
    await output(engine, cli, "rm", id);
  });

  test("a driver that keeps nothing cannot be read, and the output still reaches who is attached", async () => {
    const args = ["run", "--log-driver", "none", "--name", "mute", "busybox", "echo", "heard"];
    expect(await output(engine, cli, ...args)).toBe("heard");
    expect(await refusal(engine, cli, "logs", "mute")).toEqual([
      "configured logging driver does not support reading",
      1,
    ]);
    await output(engine, cli, "rm", "mute");
  });

  test("a line longer than the log's parts comes back in one piece", async () => {
    const id = await output(
      engine,
      cli,
      "run",
      "-d",
      "busybox",
      "sh",
      "-c",
      "head -c 50000 /dev/zero | tr '\\0' x; echo end",
    );
    await output(engine, cli, "wait", id);
    expect(await output(engine, cli, "logs", id)).toBe(`${"x".repeat(50000)}end`);
    await output(engine, cli, "rm", id);
  });

  test.each([
    [["--log-driver", "nosuch"], "logger: no log driver named 'nosuch' is registered"],
    [["--log-opt", "nosuch=1"], "unknown log opt 'nosuch' for json-file log driver"],
  ])("run %j is refused", async (flags, expected) => {
    expect(await refusal(engine, cli, "run", "--rm", ...flags, "busybox", "true")).toEqual([
      expect.stringContaining(expected),
      125,
    ]);
  });

  test("a container that is not there is named", async () => {
    expect(await refusal(engine, cli, "logs", "nosuch")).toEqual(["No such container: nosuch", 1]);
  });
});
