import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startReferenceRegistry } from "../test/registry/reference-registry.ts";
import { buildLargeContext, buildStages, buildSteps } from "./builds.ts";
import { type Contender, printed, timed, untimed } from "./contender.ts";
import { memoryOf } from "./memory.ts";
import { rootArchive } from "./root-archive.ts";
import { imageArchive, registryWithRoot } from "./root-image.ts";

/** One line of the table. */
export interface Row {
  /** Short, for `--only`. */
  readonly key: string;
  readonly title: string;
  readonly unit: "ms" | "MiB";
  /** How often it is measured for each contender, unless `-n` says otherwise. */
  readonly runs: number;
  /** How many times less than Docker the target is. */
  readonly target: number;
  /** Measures once, and leaves nothing that it made. */
  measure(contender: Contender): Promise<number>;
}

const MANY = 30;
const SLEEP = ["busybox", "sleep", "600"];
const MIB = 1024 * 1024;

export const ROWS: readonly Row[] = [
  row("run", "run --rm busybox true, bridge network", 15, 12, (contender) =>
    timed(contender, "run", "--rm", "busybox", "true"),
  ),
  row("run-none", "the same, --network none", 15, 14, (contender) =>
    timed(contender, "run", "--rm", "--network", "none", "busybox", "true"),
  ),
  row("exec", "exec true", 15, 5, async (contender) => {
    const id = await printed(contender, "run", "-d", ...SLEEP);
    try {
      return await timed(contender, "exec", id, "true");
    } finally {
      await untimed(contender, "rm", "-f", id);
    }
  }),
  row("sequence", `${MANY} starts in sequence`, 2, 10, async (contender) => {
    const started = performance.now();
    for (let count = 0; count < MANY; count++) await timed(contender, "run", "-d", ...SLEEP);
    return finish(contender, performance.now() - started);
  }),
  row("parallel", `${MANY} starts in parallel`, 2, 10, async (contender) => {
    const elapsed = await startMany(contender);
    return finish(contender, elapsed);
  }),
  row("remove", `rm -f of ${MANY}`, 2, 8, async (contender) => {
    await startMany(contender);
    return timed(contender, "rm", "-f", ...(await containers(contender)));
  }),
  row("build", "build of 10 RUN steps, cold", 2, 6, (contender) => buildSteps(contender, "--no-cache")),
  row("build-cached", "the same, cached", 7, 6, async (contender) => {
    await buildSteps(contender);
    return buildSteps(contender);
  }),
  row("build-stages", "build of 5 stages, 4 of them side by side", 2, 1.5, buildStages),
  row("build-context", "build with a context of 500 MB in 20,000 files, the second time", 2, 6, async (contender) => {
    await buildLargeContext(contender, "first");
    return buildLargeContext(contender, String(performance.now()));
  }),
  row("commit", "commit of 100 MB", 3, 3, async (contender) => {
    const write = ["dd", "if=/dev/urandom", "of=/big", "bs=1000000", "count=100"];
    await untimed(contender, "run", "--name", "bench-commit", "busybox", ...write);
    const elapsed = await timed(contender, "commit", "bench-commit", "bench-commit");
    await untimed(contender, "rm", "bench-commit");
    await untimed(contender, "rmi", "bench-commit");
    return elapsed;
  }),
  row("import", "import of a Debian root file system", 3, 3, async (contender) => {
    const elapsed = await timed(contender, "import", await rootArchive(), "bench-root");
    await untimed(contender, "rmi", "bench-root");
    return elapsed;
  }),
  row("save", "save of the same", 3, 3, async (contender) => {
    await untimed(contender, "import", await rootArchive(), "bench-root");
    const directory = mkdtempSync(join(tmpdir(), "bench-save-"));
    try {
      return await timed(contender, "save", "-o", join(directory, "image.tar"), "bench-root");
    } finally {
      rmSync(directory, { recursive: true });
      await untimed(contender, "rmi", "bench-root");
    }
  }),
  row("load", "load of the same", 3, 3, async (contender) => {
    const elapsed = await timed(contender, "load", "-i", await imageArchive());
    await untimed(contender, "rmi", "bench-root");
    return elapsed;
  }),
  row("pull", "pull of the same, loopback registry", 3, 3, async (contender) => {
    await using registry = await registryWithRoot();
    const elapsed = await timed(contender, "pull", registry.image);
    await untimed(contender, "rmi", registry.image);
    return elapsed;
  }),
  row("push", "push of the same", 3, 3, async (contender) => {
    await using registry = await startReferenceRegistry();
    const name = `${registry.host}/bench-root`;
    await untimed(contender, "import", await rootArchive(), name);
    const elapsed = await timed(contender, "push", name);
    await untimed(contender, "rmi", name);
    return elapsed;
  }),
  row("logs", "200 MB of output through attach", 2, 5, (contender) => {
    const script = `yes ${"0123456789".repeat(6)}abc | head -c 200000000`;
    return timed(contender, "run", "--rm", "busybox", "sh", "-c", script);
  }),
  {
    key: "memory",
    title: "engine's memory",
    unit: "MiB",
    runs: 1,
    target: 2.2,
    measure: async (contender) => memoryOf(contender.engineProcesses()) / MIB,
  },
  {
    key: "memory-each",
    title: "memory beside each container",
    unit: "MiB",
    runs: 1,
    target: 10,
    measure: memoryPerContainer,
  },
];

function row(key: string, title: string, runs: number, target: number, measure: Row["measure"]): Row {
  return { key, title, unit: "ms", runs, target, measure };
}

async function startMany(contender: Contender): Promise<number> {
  const started = performance.now();
  await Promise.all(Array.from({ length: MANY }, () => timed(contender, "run", "-d", ...SLEEP)));
  return performance.now() - started;
}

async function finish(contender: Contender, elapsed: number): Promise<number> {
  await untimed(contender, "rm", "-f", ...(await containers(contender)));
  return elapsed;
}

async function containers(contender: Contender): Promise<string[]> {
  return (await printed(contender, "ps", "-aq")).split("\n").filter(Boolean);
}

async function memoryPerContainer(contender: Contender): Promise<number> {
  const monitors = () => memoryOf(contender.monitors());
  const before = monitors();
  await startMany(contender);
  return finish(contender, (monitors() - before) / MANY / MIB);
}
