import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Contender, timed } from "./contender.ts";

/** Ten steps that do nothing: what is measured is what a builder adds to each. */
export function buildSteps(contender: Contender, ...options: string[]): Promise<number> {
  const steps = Array.from({ length: 10 }, (_, index) => `RUN echo ${index} > /step-${index}`);
  return buildOf(contender, ["FROM busybox", ...steps], options);
}

/** Four stages that wait half a second each, and one that needs them all: a builder of graphs waits for them at once. */
export function buildStages(contender: Contender): Promise<number> {
  const names = ["a", "b", "c", "d"];
  const stages = names.flatMap((name) => [`FROM busybox AS ${name}`, `RUN sleep 0.5; echo ${name} > /${name}`]);
  const copies = names.map((name) => `COPY --from=${name} /${name} /${name}`);
  return buildOf(contender, [...stages, "FROM busybox", ...copies], ["--no-cache"]);
}

async function buildOf(contender: Contender, lines: readonly string[], options: readonly string[]): Promise<number> {
  const context = mkdtempSync(join(tmpdir(), "bench-build-"));
  try {
    writeFileSync(join(context, "Dockerfile"), `${lines.join("\n")}\n`);
    return await timed(contender, "build", "-q", ...options, "-t", "bench-build", context);
  } finally {
    rmSync(context, { recursive: true });
  }
}

const FILES = 20_000;
const FILE_BYTES = 25_000;

let large: string | null = null;

/** A context of 500 MB in 20,000 files, of which one is copied: what is measured is how the context gets to the builder. */
export async function buildLargeContext(contender: Contender, changed: string): Promise<number> {
  const context = largeContext();
  writeFileSync(join(context, "changed"), changed);
  return timed(contender, "build", "-q", "-t", "bench-context", context);
}

/** Made with the first use, for it takes its time; goes with the process. */
function largeContext(): string {
  if (large !== null) return large;
  const directory = mkdtempSync(join(tmpdir(), "bench-context-"));
  large = directory;
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  const content = Buffer.alloc(FILE_BYTES);
  for (let number = 0; number < FILES; number++) {
    const below = join(directory, `d${number % 100}`);
    if (number < 100) mkdirSync(below);
    content.writeUInt32LE(number);
    writeFileSync(join(below, `f${number}`), content);
  }
  writeFileSync(join(directory, "Dockerfile"), "FROM busybox\nCOPY changed /changed\n");
  return directory;
}
