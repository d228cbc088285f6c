import { expect, test } from "bun:test";
import { TerminalSession } from "./terminal-session.ts";

test("a program on a terminal sees its size, gets what is typed, and its exit code is known", async () => {
  const script = 'stty size; read line; stty size; echo "got:$line"; exit 7';
  await using session = new TerminalSession(["sh", "-c", script], process.env, { rows: 31, columns: 97 });
  const behind = await session.waitFor("31 97");
  session.resize(10, 20);
  session.type("hello\r");
  await session.waitFor(/10 20\s+got:hello/, behind);
  expect(await session.exited()).toBe(7);
});

test("text that was not printed when the program ended is shown beside what was", async () => {
  await using session = new TerminalSession(["echo", "something"], process.env);
  await expect(session.waitFor("another thing")).rejects.toThrow(/another thing was not printed, but "something/);
});
