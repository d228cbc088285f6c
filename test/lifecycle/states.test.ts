import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { eventually } from "../harness/deadline.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { CLIS, field, lines, output, refusal } from "./both-clis.ts";

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine[Symbol.asyncDispose]());

/** Answers a signal with a word and the exit code; says when it is ready to. */
const trap = (signal: string, exitCode: number) =>
  `trap 'echo caught; exit ${exitCode}' ${signal}; echo ready; while :; do sleep 0.02; done`;

const DEAF = "trap '' TERM; echo ready; while :; do sleep 0.02; done";

describe.each(CLIS)("%s", (cli) => {
  const run = (...args: string[]) => output(engine, cli, "run", "-d", ...args);
  const ok = (...args: string[]) => output(engine, cli, ...args);

  /** Runs a script in a shell and waits until it has said "ready". */
  async function runReady(script: string, ...flags: string[]): Promise<string> {
    const id = await run(...flags, "busybox", "sh", "-c", script);
    await using follower = engine.terminal(cli, ["logs", "-f", id]);
    await follower.waitFor("ready");
    return id;
  }

  const stateOf = (id: string) => field(engine, id, "{{.State.Status}} {{.State.ExitCode}}");

  test("create then start: the id is printed, then the name that was given", async () => {
    const id = await ok("create", "--name", "made", "busybox", "sleep", "1000");
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(await stateOf(id)).toBe("created 0");
    expect(await ok("start", "made")).toBe("made");
    expect(await ok("start", "made")).toBe("made");
    expect(await stateOf(id)).toBe("running 0");
    expect(await ok("rm", "-f", "made")).toBe("made");
  });

  test("pause stops the process really, and unpause lets it go on where it was", async () => {
    const id = await runReady("echo ready; i=0; while :; do i=$((i+1)); echo $i > /count; done");
    const pid = await field(engine, id, "{{.State.Pid}}");
    const count = () => readFileSync(`/proc/${pid}/root/count`, "utf8");
    await eventually("it counts", () => (count().length > 1 ? true : undefined));
    expect(await ok("pause", id)).toBe(id);
    expect(await field(engine, id, "{{.State.Status}} {{.State.Paused}} {{.State.Running}}")).toBe("paused true true");
    const before = count();
    const ticks = () => readFileSync(`/proc/${pid}/stat`, "utf8").split(" ").slice(13, 15).join("+");
    const spent = ticks();
    await ok("ps");
    expect([count(), ticks()]).toEqual([before, spent]);
    expect(await refusal(engine, cli, "pause", id)).toEqual([`Container ${id} is already paused`, 1]);
    expect(await refusal(engine, cli, "start", id)).toEqual([
      "cannot start a paused container, try unpause instead",
      1,
    ]);
    expect(await ok("unpause", id)).toBe(id);
    await eventually("it counts on", () => (count() !== before ? true : undefined));
    expect(await refusal(engine, cli, "unpause", id)).toEqual([`Container ${id} is not paused`, 1]);
    await ok("kill", id);
    expect(await refusal(engine, cli, "pause", id)).toEqual([`container ${id} is not running`, 1]);
    await ok("rm", id);
  });

  test("a paused container is stopped all the same", async () => {
    const id = await runReady(trap("TERM", 4));
    await ok("pause", id);
    await ok("stop", id);
    expect(await stateOf(id)).toBe("exited 4");
    await ok("rm", id);
  });

  test("stop sends SIGTERM, and SIGKILL only after the time", async () => {
    const polite = await runReady(trap("TERM", 5));
    expect(await ok("stop", polite)).toBe(polite);
    expect(await stateOf(polite)).toBe("exited 5");
    const deaf = await runReady(DEAF);
    const begin = performance.now();
    await ok("stop", "-t", "1", deaf);
    expect(performance.now() - begin).toBeGreaterThanOrEqual(1000);
    expect(await stateOf(deaf)).toBe("exited 137");
    await ok("stop", deaf);
    await ok("rm", polite, deaf);
  });

  test.each([
    ["the container's own stop signal", ["--stop-signal", "USR1"], []],
    ["the signal that stop is told", [], ["-s", "USR1"]],
  ])("stop with %s", async (_name, flags, stopFlags) => {
    const id = await runReady(trap("USR1", 6), ...flags);
    await ok("stop", ...stopFlags, id);
    expect(await stateOf(id)).toBe("exited 6");
    await ok("rm", id);
  });

  test("stop has the container's own time, and none for -t 0", async () => {
    const id = await runReady(DEAF, "--stop-timeout", "1");
    await ok("stop", id);
    expect(await stateOf(id)).toBe("exited 137");
    await ok("start", id);
    await ok("stop", "-t", "0", id);
    expect(await stateOf(id)).toBe("exited 137");
    await ok("rm", id);
  });

  test("kill is SIGKILL, or the signal by name or number", async () => {
    const id = await runReady(`trap 'echo one' USR1; ${trap("USR2", 7)}`);
    await using follower = engine.terminal(cli, ["logs", "-f", id]);
    expect(await ok("kill", "-s", "SIGUSR1", id)).toBe(id);
    await follower.waitFor("one");
    await ok("kill", "--signal", "12", id);
    expect(await ok("wait", id)).toBe("7");
    await ok("start", id);
    await ok("kill", id);
    expect(await stateOf(id)).toBe("exited 137");
    expect(await refusal(engine, cli, "kill", id)).toEqual([
      `cannot kill container: ${id}: container ${id} is not running`,
      1,
    ]);
    expect(await refusal(engine, cli, "kill", "-s", "NOSUCH", id)).toEqual(["invalid signal: NOSUCH", 1]);
    await ok("rm", id);
  });

  test("restart stops and starts again with the same address and files, under a new process", async () => {
    const id = await runReady("cat /kept; echo me > /kept; echo ready; sleep 1000");
    const seen = "{{.State.Pid}} {{.State.StartedAt}}";
    const before = await field(engine, id, seen);
    const address = await field(engine, id, "{{.NetworkSettings.IPAddress}}");
    expect(await ok("restart", "-t", "0", id)).toBe(id);
    expect(await field(engine, id, seen)).not.toBe(before);
    expect(await field(engine, id, "{{.NetworkSettings.IPAddress}} {{.State.Status}}")).toBe(`${address} running`);
    await using follower = engine.terminal(cli, ["logs", "-f", id]);
    await follower.waitFor(/ready\s+(cat[^\n]*\n)?me\s+ready/);
    await ok("kill", id);
    await ok("restart", id);
    expect(await stateOf(id)).toBe("running 0");
    await ok("rm", "-f", id);
  });

  test("wait waits for several, in the order of the arguments", async () => {
    const one = await ok("create", "-i", "busybox", "sh", "-c", "read line; exit 3");
    const two = await ok("create", "busybox", "sh", "-c", "exit 4");
    await ok("start", one, two);
    const codes = ok("wait", one, two);
    await engine.dockerInput("\n", "attach", one);
    expect(await codes).toBe("3\n4");
    expect(await ok("wait", one)).toBe("3");
    const { stdout, stderr, exitCode } = await engine[cli]("wait", two, "nosuch");
    expect([stdout, stderr, exitCode]).toEqual(["4\n", expect.stringContaining("No such container: nosuch"), 1]);
    await ok("rm", one, two);
  });

  test("rm refuses what runs or is paused, until it is forced", async () => {
    const id = await run("--name", "busy", "busybox", "sleep", "1000");
    expect(await refusal(engine, cli, "rm", "busy")).toEqual([
      'cannot remove container "/busy": container is running: stop the container before removing or force remove',
      1,
    ]);
    await ok("pause", id);
    expect(await refusal(engine, cli, "rm", "busy")).toEqual([
      'cannot remove container "/busy": container is paused and must be unpaused first',
      1,
    ]);
    expect(await ok("rm", "-f", "busy")).toBe("busy");
    expect(await refusal(engine, cli, "inspect", "busy")).toEqual(["No such object: busy", 1]);
    expect(await refusal(engine, cli, "rm", "busy")).toEqual(["No such container: busy", 1]);
  });

  test("rm -v takes the unnamed volumes along, and leaves the named ones", async () => {
    const volumes = () => lines(engine, cli, "volume", "ls", "-q");
    const id = await run("-v", "/unnamed", "-v", `named-${cli}:/named`, "busybox", "true");
    await ok("wait", id);
    const before = await volumes();
    await ok("rm", "-v", id);
    expect(before.length - (await volumes()).length).toBe(1);
    expect(await volumes()).toContain(`named-${cli}`);
    await ok("volume", "rm", `named-${cli}`);
  });

  test("rm goes on with the others where one cannot be removed", async () => {
    const one = await ok("create", "busybox");
    const two = await ok("create", "busybox");
    const { stdout, stderr, exitCode } = await engine[cli]("rm", one, "nosuch", two);
    expect([stdout, stderr, exitCode]).toEqual([
      `${one}\n${two}\n`,
      "Error response from daemon: No such container: nosuch\n",
      1,
    ]);
  });

  test("rename refuses a name in use, and frees the old one", async () => {
    const id = await ok("create", "--name", "first-name", "busybox");
    const other = await ok("create", "--name", "taken", "busybox");
    expect(await refusal(engine, cli, "rename", "first-name", "taken")).toEqual([
      `Error when allocating new name: Conflict. The container name "/taken" is already in use by container "${other}". You have to remove (or rename) that container to be able to reuse that name.`,
      1,
    ]);
    await ok("rename", "first-name", "second-name");
    expect(await field(engine, "second-name", "{{.Name}} {{.Id}}")).toBe(`/second-name ${id}`);
    const again = await ok("create", "--name", "first-name", "busybox");
    expect(await refusal(engine, cli, "create", "--name", "taken", "busybox")).toEqual([
      `Conflict. The container name "/taken" is already in use by container "${other}". You have to remove (or rename) that container to be able to reuse that name.`,
      1,
    ]);
    expect(await refusal(engine, cli, "rename", "taken", "in valid")).toEqual([
      "Invalid container name (in valid), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
      1,
    ]);
    await ok("rm", id, other, again);
  });

  test("an unambiguous prefix of an id is enough, an ambiguous one is refused", async () => {
    const made = new Map<string, string>();
    const both = async (): Promise<[string, string]> => {
      for (;;) {
        const id = await ok("create", "busybox", "true");
        const other = made.get(id.slice(0, 1));
        made.set(id.slice(0, 1), id);
        if (other) return [id, other];
      }
    };
    const [one, two] = await both();
    let length = 1;
    while (one.slice(0, length) === two.slice(0, length)) length++;
    const shared = one.slice(0, length - 1);
    expect(await refusal(engine, cli, "start", shared)).toEqual([
      `multiple IDs found with provided prefix: ${shared}`,
      1,
    ]);
    expect(await field(engine, one.slice(0, 12), "{{.Id}}")).toBe(one);
    expect(await ok("start", one.slice(0, 12))).toBe(one.slice(0, 12));
    const all = await lines(engine, cli, "ps", "-aq", "--filter", "ancestor=busybox");
    await ok("rm", "-f", ...all);
  });

  test.each(["start", "stop", "kill", "restart", "pause", "unpause", "wait", "rm", "top", "diff", "port", "stats"])(
    "%s of a container that is not there names it",
    async (command) => {
      expect(await refusal(engine, cli, command, ...(command === "stats" ? ["--no-stream"] : []), "nosuch")).toEqual([
        "No such container: nosuch",
        1,
      ]);
    },
  );

  test("an image that is not there is refused, and nothing is left of it", async () => {
    const { stderr, exitCode } = await engine[cli]("create", "--name", "never", "--pull", "never", "nosuch:1");
    expect([stderr, exitCode]).toEqual([expect.stringContaining("No such image: nosuch:1"), 1]);
    expect(await lines(engine, cli, "ps", "-aq", "--filter", "name=never")).toEqual([]);
  });

  test("a start that fails leaves the container created with its reason, and it can be removed", async () => {
    const id = await ok("create", "busybox", "/nosuch");
    const { stderr, exitCode } = await engine[cli]("start", id);
    expect([stderr, exitCode]).toEqual([expect.stringContaining('exec: "/nosuch": stat /nosuch'), 1]);
    expect(await stateOf(id)).toBe("created 127");
    expect(await field(engine, id, "{{.State.Error}}")).toContain("no such file or directory");
    await ok("rm", id);
  });
});
