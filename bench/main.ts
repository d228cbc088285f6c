import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Contender } from "./contender.ts";
import { copyImage, startDocker } from "./docker-engine.ts";
import { measureFloor } from "./floor.ts";
import { lighterContenders, startLighter } from "./lighter-engine.ts";
import { ROWS, type Row } from "./rows.ts";
import { median } from "./statistics.ts";
import { type Measured, table } from "./table.ts";

const RESULTS = resolve(import.meta.dir, "results");
const FLOOR_RUNS = 20;

const { values: options } = parseArgs({
  options: {
    vs: { type: "string" },
    only: { type: "string", multiple: true, default: [] },
    runs: { type: "string", short: "n" },
  },
});
if (options.vs !== undefined && options.vs !== "docker") throw new Error(`--vs ${options.vs}: only docker is known`);

const rows = ROWS.filter(({ key }) => options.only.length === 0 || options.only.includes(key));
if (rows.length === 0) throw new Error(`--only takes one of: ${ROWS.map(({ key }) => key).join(" ")}`);

await using resources = new AsyncDisposableStack();
const lighter = resources.use(await startLighter());
const contenders = lighterContenders(lighter);
if (options.vs === "docker") {
  const docker = resources.use(await startDocker());
  await copyImage("busybox", lighter, docker);
  contenders.unshift(docker.contender);
}

const floor = await measureFloor(FLOOR_RUNS);
const measured: Measured[] = [];
for (const row of rows) {
  console.error(row.title);
  measured.push(await measureRow(row, contenders, Number(options.runs ?? row.runs)));
}
report(measured);

/**
 * In turn, so that whatever else the machine does falls on all alike; each contender's first time is thrown away, for
 * it fills caches.
 */
async function measureRow(row: Row, among: readonly Contender[], runs: number): Promise<Measured> {
  const values: Record<string, number[]> = Object.fromEntries(among.map(({ name }) => [name, []]));
  const warmUp = runs > 2 ? 1 : 0;
  for (let run = 0; run < runs + warmUp; run++) {
    for (const contender of among) {
      const value = await row.measure(contender);
      if (run >= warmUp) values[contender.name]?.push(value);
    }
  }
  const { key, title, unit, target } = row;
  return { row: { key, title, unit, target }, values };
}

function report(results: readonly Measured[]): void {
  const names = contenders.map(({ name }) => name);
  console.log(table(results, names, "docker"));
  console.log(`\nThe floor, unshare with all namespaces: ${median(floor).toFixed(1)} ms`);
  mkdirSync(RESULTS, { recursive: true });
  const date = new Date().toISOString();
  const path = join(RESULTS, `${date.replaceAll(":", "-")}.json`);
  const machine = { kernel: release(), processors: cpus().length, model: cpus()[0]?.model };
  writeFileSync(path, `${JSON.stringify({ date, machine, floorMs: floor, rows: results }, null, 2)}\n`);
  console.error(`all values: ${path}`);
}
