import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { runProgram } from "../harness/program.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

/** Moments at which the engine is killed, in milliseconds after it was asked: in different steps of the work. */
const MOMENTS_MS = [0, 7, 15, 24, 33, 45, 70];

test("whenever the engine is killed, a container is on one side of a rollback or on the other, whole", async () => {
  await using engine = await startEngine();
  await engine.expectLighter("create", "--name", "box", "busybox");
  for (const number of [1, 2]) {
    const archive = `${engine.root}/state-${number}`;
    await Bun.write(archive, String(number).repeat(3_000_000));
    await engine.expectDocker("cp", archive, "box:/state");
    await engine.expectLighter("commit", "box");
  }
  for (const [round, moment] of MOMENTS_MS.entries()) {
    // Something to save each time, so that all steps have work to do.
    await Bun.write(`${engine.root}/round`, String(round));
    await engine.expectDocker("cp", `${engine.root}/round`, "box:/round");
    const rollback = engine.lighter("rollback", "box", round % 2 === 0 ? "1" : "+1");
    // The moment is the point here: nothing is awaited.
    await Bun.sleep(moment);
    await engine.kill9();
    await rollback;
    await engine.start();
    expect(["1", "2"]).toContain(await stateOf(engine));
    expectNothingLeftOver(engine);
  }
  // And all can still be done with it.
  await engine.expectDocker("cp", `${engine.root}/round`, "box:/last");
  await engine.expectLighter("rollback", "box", "0");
  expect(await engine.expectDocker("diff", "box")).toBe("");
  await engine.expectLighter("start", "--attach", "box");
}, 60_000);

/** What all of the container's file consists of. */
async function stateOf(engine: TestEngine): Promise<string> {
  const { stdout } = await runProgram(
    ["sh", "-c", "docker cp box:/state - | tar xO | fold -w 100000 | sort -u | head -c 3"],
    { env: engine.env },
  );
  expect(stdout).toBe((stdout[0] ?? "").repeat(3));
  return stdout[0] ?? "";
}

function expectNothingLeftOver({ root }: TestEngine): void {
  using db = new Database(join(root, "lighter.db"), { readonly: true });
  const keys = db.query<{ key: number }, []>("SELECT key FROM snapshot").all();
  expect(readdirSync(join(root, "snapshots")).sort()).toEqual(keys.map(({ key }) => String(key)).sort());
  expect(readdirSync(join(root, "content/staging"))).toEqual([]);
  const lost = db
    .query(
      "SELECT owner FROM snapshot WHERE kind = 'active' AND owner NOT LIKE 'mount-points:%' AND owner NOT IN (SELECT id FROM container)",
    )
    .all();
  expect(lost).toEqual([]);
}
