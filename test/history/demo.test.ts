import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { runProgram } from "../harness/program.ts";
import { startEngine } from "../harness/test-engine.ts";

const DEMO = resolve(import.meta.dir, "../../examples/rollback/demo.sh");
const LIGHTER = resolve(import.meta.dir, "../../dist/lighter");

test.skipIf(!existsSync("/usr/bin/redis-check-rdb"))(
  "a database goes back two of its three commits and forward one, with its data as it was at each (needs redis-tools)",
  async () => {
    await using engine = await startEngine();
    const { stdout, stderr, exitCode } = await runProgram(["sh", DEMO], { env: { ...engine.env, LIGHTER } });
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    expect(stdout.split("\n").slice(0, 7)).toEqual([
      "committed shop:ann: 9 in stock, orders: ann ",
      "committed shop:bob: 8 in stock, orders: ann bob ",
      "committed shop:cem: 7 in stock, orders: ann bob cem ",
      "by mistake:  in stock, orders:  ",
      "two back: 9 in stock, orders: ann ",
      "one forward: 8 in stock, orders: ann bob ",
      "and one more: 7 in stock, orders: ann bob cem ",
    ]);
    const [first, second] = [await orders(engine, "shop:ann"), await orders(engine, "shop:bob")];
    expect([first, second]).toEqual(["ann", "ann\nbob"]);
  },
  60_000,
);

/** What a new container of a committed image has in its database. */
async function orders(engine: Awaited<ReturnType<typeof startEngine>>, image: string): Promise<string> {
  const id = await engine.expectLighter("run", "--detach", "--network", "none", image);
  const script = 'until [ "$(redis-cli ping 2>&1)" = PONG ]; do sleep 0.1; done; redis-cli lrange orders 0 -1';
  return engine.expectLighter("exec", id, "sh", "-c", script);
}
