import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { startEngine } from "../harness/test-engine.ts";
import { runStress } from "./run-stress.ts";

/** `npm run stress -- --clients 50 --seconds 120`: prints what was seen; fails on an error, a stall or growing memory. */
const MOST_STALL_MS = 50;
const MOST_GROWTH = 1.1;

const { values } = parseArgs({
  options: { clients: { type: "string", default: "50" }, seconds: { type: "string", default: "120" } },
});
// What others do on a machine with more to do than it has processors, no engine can help: then what counts is how long it
// kept its own thread.
const isMachineBusy = (loadavg()[0] ?? 0) > availableParallelism();
await using engine = await startEngine();
const report = await runStress(engine, { clients: Number(values.clients), seconds: Number(values.seconds) });
const mebibytes = report.memory.map((bytes) => Math.round(bytes / 2 ** 20));
const half = Math.ceil(mebibytes.length / 2);
const growth =
  median(mebibytes.slice(half + Math.floor(half / 2))) / median(mebibytes.slice(Math.floor(half / 2), half));
console.log(
  `done: ${Object.entries(report.done)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ")}`,
);
console.log(
  `errors: ${report.errors.length}${report.errors
    .slice(0, 10)
    .map((error) => `\n  ${error}`)
    .join("")}`,
);
console.log(
  `event loop: at most ${report.delayMs.toFixed(1)} ms late, ${report.stallMs.toFixed(1)} ms without waiting for a processor, ${report.busyMs.toFixed(1)} ms computing${isMachineBusy ? "; others use the machine, so the last counts" : ""}`,
);
console.log(
  `memory: ${mebibytes.join(" ")} MiB; grew by ${((growth - 1) * 100).toFixed(1)} % from the second quarter to the last`,
);
console.log(`open files: ${report.openFilesBefore} before, ${report.openFilesAfter} after`);
const failed =
  report.errors.length > 0 || (isMachineBusy ? report.busyMs : report.stallMs) > MOST_STALL_MS || growth > MOST_GROWTH;
console.log(failed ? "FAILED" : "passed");
process.exitCode = failed ? 1 : 0;

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
