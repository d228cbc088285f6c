import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { TerminalSession } from "../harness/terminal-session.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { CLIS, field, lines, output, refusal } from "./both-clis.ts";

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine[Symbol.asyncDispose]());

const ECHO = 'while read line; do echo "got $line"; [ "$line" = stop ] && exit 6; done; echo ended';

/** To leave is no failure, but the docker CLI ends `attach` and `exec` (not `run`) as if it were. */
const DETACHED = { docker: 1, lighter: 0 } as const;

describe.each(CLIS)("%s attach", (cli) => {
  test("hands over standard input and brings the exit code back", async () => {
    const id = await output(engine, cli, "run", "-di", "busybox", "sh", "-c", ECHO);
    const { stdout, exitCode } = await engine[`${cli}Input`]("one\nstop\n", "attach", id);
    expect([stdout, exitCode]).toEqual(["got one\ngot stop\n", 6]);
    await output(engine, cli, "rm", id);
  });

  test("a client that goes leaves the program's input open to the next", async () => {
    const id = await output(engine, cli, "run", "-di", "busybox", "sh", "-c", ECHO);
    await using follower = engine.terminal(cli, ["logs", "-f", id]);
    {
      await using first = engine.terminal(cli, ["attach", id]);
      first.type("one\r");
      await first.waitFor("got one");
    }
    const { stdout, exitCode } = await engine[`${cli}Input`]("stop\n", "attach", id);
    expect([stdout, exitCode]).toEqual(["got stop\n", 6]);
    await follower.waitFor(/got one\s+got stop/);
    expect(await follower.exited()).toBe(0);
    await output(engine, cli, "rm", id);
  });

  test("two clients at once see the same, and either may type", async () => {
    const id = await output(engine, cli, "run", "-dit", "busybox", "sh");
    await using one = engine.terminal(cli, ["attach", id]);
    await using two = engine.terminal(cli, ["attach", id]);
    two.type("echo two is he''re\r");
    await two.waitFor("two is here");
    one.type("echo from-o''ne\r");
    await Promise.all([one.waitFor("from-one"), two.waitFor("from-one")]);
    two.type("echo from-t''wo\r");
    await Promise.all([one.waitFor("from-two"), two.waitFor("from-two")]);
    two.type("exit 4\r");
    expect(await Promise.all([one.exited(), two.exited()])).toEqual([4, 4]);
    await output(engine, cli, "rm", id);
  });

  test("the detach keys leave it running and the other client attached; other keys can be chosen", async () => {
    const id = await output(engine, cli, "run", "-dit", "busybox", "sh");
    await using stays = engine.terminal(cli, ["attach", id]);
    await using leaves = engine.terminal(cli, ["attach", id]);
    for (const client of [stays, leaves]) {
      client.type("echo rea''dy\r");
      await client.waitFor("ready");
    }
    leaves.type("\x10\x11");
    await leaves.waitFor("read escape sequence");
    expect(await leaves.exited()).toBe(DETACHED[cli]);

    await using chosen = engine.terminal(cli, ["attach", "--detach-keys", "ctrl-a,x", id]);
    chosen.type("echo ag''ain\r");
    await chosen.waitFor("again");
    chosen.type("\x01x");
    await chosen.waitFor("read escape sequence");
    expect(await chosen.exited()).toBe(DETACHED[cli]);

    expect(await field(engine, id, "{{.State.Running}}")).toBe("true");
    stays.type("echo still h''ere\r");
    await stays.waitFor("still here");
    await output(engine, cli, "rm", "-f", id);
    expect(await stays.exited()).toBe(137);
  });

  test("--no-stdin only looks, and a signal to the client reaches the program", async () => {
    const script = "trap 'echo caught; exit 9' INT; while :; do echo tick; sleep 0.05; done";
    const id = await output(engine, cli, "run", "-d", "busybox", "sh", "-c", script);
    await using looking = engine.terminal(cli, ["attach", "--no-stdin", id]);
    await looking.waitFor("tick");
    await engine.expectDocker("kill", "-s", "INT", id);
    await looking.waitFor("caught");
    expect(await looking.exited()).toBe(9);
    await output(engine, cli, "rm", id);
  });

  test("what does not run, or is paused, is refused", async () => {
    const id = await output(engine, cli, "create", "busybox");
    expect(await refusal(engine, cli, "attach", id)).toEqual([
      "You cannot attach to a stopped container, start it first",
      1,
    ]);
    await output(engine, cli, "rm", id);
    const paused = await output(engine, cli, "run", "-d", "busybox", "sleep", "100");
    await output(engine, cli, "pause", paused);
    expect(await refusal(engine, cli, "attach", paused)).toEqual([
      "You cannot attach to a paused container, unpause it first",
      1,
    ]);
    await output(engine, cli, "rm", "-f", paused);
  });
});

describe.each(CLIS)("%s run -it", (cli) => {
  test("has our terminal's size, and follows it", async () => {
    const script = "trap 'stty size' WINCH; stty size; while :; do sleep 0.02; done";
    const size = { rows: 23, columns: 71 };
    await using session = engine.terminal(cli, ["run", "--rm", "-it", "busybox", "sh", "-c", script], size);
    await session.waitFor("23 71");
    await followsSize(session);
    session.type("\x03");
    expect(await session.exited()).toBe(130);
  });

  test("control-C interrupts the program inside, not the client", async () => {
    await using session = engine.terminal(cli, ["run", "--rm", "-it", "busybox", "sh"]);
    await session.waitFor("# ");
    session.type("while :; do echo run''ning; sleep 1; done\r");
    await session.waitFor("running");
    session.type("\x03");
    await session.waitFor("^C");
    session.type("echo al''ive; exit 2\r");
    await session.waitFor("alive");
    expect(await session.exited()).toBe(2);
  });

  test("detaching from a container of --rm keeps it until it ends", async () => {
    const name = `kept-${cli}`;
    await using session = engine.terminal(cli, ["run", "--rm", "-it", "--name", name, "busybox", "sh"]);
    await session.waitFor("# ");
    session.type("\x10\x11");
    expect(await session.exited()).toBe(0);
    expect(await field(engine, name, "{{.State.Status}}")).toBe("running");
    const removed = engine.docker("wait", name);
    await output(engine, cli, "kill", name);
    await removed;
  });

  test("control-D ends a shell, and its last exit code is ours", async () => {
    await using session = engine.terminal(cli, ["run", "--rm", "-it", "busybox", "sh"]);
    const prompt = await session.waitFor("# ");
    session.type("(exit 8)\r");
    await session.waitFor("# ", prompt);
    session.type("\x04");
    expect(await session.exited()).toBe(8);
  });
});

describe.each(CLIS)("%s start -a", (cli) => {
  test("-ai hands over standard input and brings the exit code back, each time it is started", async () => {
    const id = await output(engine, cli, "create", "-i", "busybox", "sh", "-c", ECHO);
    for (const word of ["first", "second"]) {
      const { stdout, exitCode } = await engine[`${cli}Input`](`${word}\nstop\n`, "start", "-ai", id);
      expect([stdout, exitCode]).toEqual([`got ${word}\ngot stop\n`, 6]);
    }
    expect(await lines(engine, cli, "logs", id)).toEqual(["got first", "got stop", "got second", "got stop"]);
    await output(engine, cli, "rm", id);
  });

  test("several cannot be attached to at once, and one that cannot start fails with its reason", async () => {
    const id = await output(engine, cli, "create", "busybox", "/nosuch");
    expect((await engine[cli]("start", "-a", id, id)).stderr).toContain(
      "cannot start and attach multiple containers at once",
    );
    expect(await refusal(engine, cli, "start", "-a", id)).toEqual([
      expect.stringContaining('exec: "/nosuch": stat /nosuch: no such file or directory'),
      1,
    ]);
    await output(engine, cli, "rm", id);
  });
});

/** Docker's client begins to follow its terminal a moment after the program has begun: the size changes until it is followed. */
async function followsSize(session: TerminalSession): Promise<void> {
  for (let rows = 30; rows < 40; rows++) {
    session.resize(rows, 99);
    const seen = session.waitFor(`${rows} 99`, 0, 1000).then(
      () => true,
      () => false,
    );
    if (await seen) return;
  }
  throw new Error("the program's terminal did not follow ours in ten changes of its size");
}
