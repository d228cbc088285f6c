import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { CLIS, lines, output, refusal } from "./both-clis.ts";

let engine: TestEngine;
const ids = new Map<string, string>();

async function make(name: string, ...args: string[]): Promise<void> {
  ids.set(name, await engine.expectDocker(...args.slice(0, 1), "--name", name, ...args.slice(1)));
}

beforeAll(async () => {
  engine = await startEngine();
  await engine.expectDocker("tag", "busybox", "other:tag");
  await engine.expectDocker("network", "create", "elsewhere");
  await make("first-run", "create", "--label", "tier=web", "--label", "plain", "busybox", "sleep", "1000");
  await engine.expectDocker("start", "first-run");
  await make("ended", "create", "--label", "tier=db", "busybox", "sh", "-c", "exit 3");
  await engine.expectDocker("start", "--attach", "ended").catch(() => undefined);
  await make("stopped-still", "create", "-v", "data:/data", "-v", "/srv", "other:tag", "true");
  await make("away", "create", "--network", "elsewhere", "busybox", "sleep", "1000");
  await engine.expectDocker("start", "away");
  await engine.expectDocker("pause", "away");
});
afterAll(() => engine[Symbol.asyncDispose]());

describe.each(CLIS)("%s ps", (cli) => {
  const names = (...args: string[]) => lines(engine, cli, "ps", "--format", "{{.Names}}", ...args);

  test("shows what runs, paused too, the newest first; -a the rest", async () => {
    expect(await names()).toEqual(["away", "first-run"]);
    expect(await names("-a")).toEqual(["away", "stopped-still", "ended", "first-run"]);
  });

  test("-q prints ids alone, short or whole", async () => {
    const whole = ids.get("first-run") ?? "";
    expect(await lines(engine, cli, "ps", "-q", "--filter", "name=first")).toEqual([whole.slice(0, 12)]);
    expect(await lines(engine, cli, "ps", "-q", "--no-trunc", "--filter", "name=first")).toEqual([whole]);
  });

  test.each([
    [["status=running"], ["first-run"]],
    [["status=exited"], ["ended"]],
    [["status=created"], ["stopped-still"]],
    [["status=paused"], ["away"]],
    [
      ["status=paused", "status=created"],
      ["away", "stopped-still"],
    ],
    [["name=run"], ["first-run"]],
    [["name=^ended$"], ["ended"]],
    [["name=^/ended$"], ["ended"]],
    [["name=st.*-st"], ["stopped-still"]],
    [["label=tier"], ["ended", "first-run"]],
    [["label=tier=web"], ["first-run"]],
    [["label=tier", "label=plain"], ["first-run"]],
    [["label=tier=none"], []],
    [["ancestor=other:tag"], ["away", "stopped-still", "ended", "first-run"]],
    [["ancestor=nosuch"], []],
    [["exited=3"], ["ended"]],
    [["exited=0"], []],
    [["volume=data"], ["stopped-still"]],
    [["volume=/srv"], ["stopped-still"]],
    [["network=elsewhere"], ["away"]],
    [["network=bridge", "status=running"], ["first-run"]],
    [["before=ended"], ["first-run"]],
    [["since=ended"], ["away", "stopped-still"]],
    [["is-task=true"], []],
  ])("-a with the filters %j", async (filters, expected) => {
    expect(await names("-a", ...filters.flatMap((filter) => ["--filter", filter]))).toEqual(expected);
  });

  test("the filter id takes a part of the id", async () => {
    const id = ids.get("ended") ?? "";
    expect(await names("-a", "--filter", `id=${id.slice(0, 20)}`)).toEqual(["ended"]);
  });

  test("the filters publish and expose look at ports", async () => {
    const id = await output(engine, cli, "create", "--expose", "81", "-p", "127.0.0.1:0:80", "busybox");
    expect(await lines(engine, cli, "ps", "-aq", "--filter", "publish=80")).toEqual([id.slice(0, 12)]);
    expect(await lines(engine, cli, "ps", "-aq", "--filter", "publish=81")).toEqual([]);
    expect(await lines(engine, cli, "ps", "-aq", "--filter", "expose=80-82/tcp")).toEqual([id.slice(0, 12)]);
    await output(engine, cli, "rm", id);
  });

  test("-n and -l count from the newest, those too that do not run", async () => {
    expect(await names("-n", "2")).toEqual(["away", "stopped-still"]);
    expect(await names("-l")).toEqual(["away"]);
    expect(await names("-n", "2", "--filter", "status=exited")).toEqual(["ended"]);
  });

  test("a template sees all fields, and the table has Docker's words for each state", async () => {
    const rows = await lines(engine, cli, "ps", "-a", "--format", "{{.Names}}|{{.Image}}|{{.Command}}|{{.Status}}");
    expect(rows).toEqual([
      expect.stringMatching(/^away\|busybox\|"sleep 1000"\|Up .+ \(Paused\)$/),
      'stopped-still|other:tag|"true"|Created',
      expect.stringMatching(/^ended\|busybox\|"sh -c 'exit 3'"\|Exited \(3\) .+ ago$/),
      expect.stringMatching(/^first-run\|busybox\|"sleep 1000"\|Up (Less than a second|\d+ seconds?|About a minute)$/),
    ]);
    const [first = ""] = await lines(engine, cli, "ps", "-a", "--filter", "name=stopped", "--format", "json");
    expect(JSON.parse(first)).toMatchObject({
      Names: "stopped-still",
      State: "created",
      Mounts: expect.stringContaining("data"),
      LocalVolumes: "2",
      Networks: "bridge",
      Ports: "",
      Labels: "",
    });
  });

  test("--size counts what the container wrote and its image", async () => {
    await engine.expectDocker("exec", "first-run", "sh", "-c", "head -c 1000000 /dev/zero > /big");
    const [size = ""] = await lines(engine, cli, "ps", "--size", "--filter", "name=first", "--format", "{{.Size}}");
    expect(size).toMatch(/^1(\.\d+)?MB \(virtual \d+(\.\d+)?MB\)$/);
  });

  test.each([
    ["nosuch=1", "invalid filter 'nosuch'"],
    ["status=sleeping", "invalid filter 'status=sleeping'"],
    ["exited=much", "invalid filter 'exited=much'"],
    ["health=sick", "invalid filter 'health=sick'"],
  ])("the filter %s is refused", async (filter, expected) => {
    expect(await refusal(engine, cli, "ps", "--filter", filter)).toEqual([expect.stringContaining(expected), 1]);
  });
});

/** The clients asked at two moments. */
function withoutAge(table: string): string {
  return table.replace(/(\d+|Less than a) seconds?/g, "a moment").replace(/ {2,}/g, "  ");
}

test("both print the same table", async () => {
  for (const flags of [[], ["-a"], ["-a", "--no-trunc"], ["-as"]]) {
    const [ours, theirs] = [await engine.expectLighter("ps", ...flags), await engine.expectDocker("ps", ...flags)];
    expect(withoutAge(ours)).toBe(withoutAge(theirs));
  }
});
