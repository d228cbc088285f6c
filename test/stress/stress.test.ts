import { expect, test } from "bun:test";
import { startEngine } from "../harness/test-engine.ts";
import { KINDS } from "./clients.ts";
import { runStress } from "./run-stress.ts";

/** The short form of `npm run stress`, with limits for a machine that does other things as well. */
test("many clients at once get what they ask for, whoever does not read", async () => {
  await using engine = await startEngine();
  const report = await runStress(engine, { clients: 20, seconds: 4 });
  expect(report.errors).toEqual([]);
  for (const kind of Object.keys(KINDS)) expect(`${kind} ${report.done[kind]}`).toMatch(/ [1-9]/);
  expect(report.busyMs).toBeLessThan(500);
}, 60_000);
