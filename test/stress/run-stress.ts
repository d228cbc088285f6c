import { setTimeout as delay } from "node:timers/promises";
import type { TestEngine } from "../harness/test-engine.ts";
import { deaf, KINDS, TALKER } from "./clients.ts";

export interface StressOptions {
  readonly clients: number;
  readonly seconds: number;
}

export interface StressReport {
  readonly errors: readonly string[];
  /** How often each kind of client did its work. */
  readonly done: Readonly<Record<string, number>>;
  /** The event loop's worst, in all: see EventLoopWatch. */
  readonly delayMs: number;
  readonly stallMs: number;
  readonly busyMs: number;
  /** Resident bytes of the engine, one sample a second. */
  readonly memory: readonly number[];
  readonly openFilesBefore: number;
  readonly openFilesAfter: number;
}

/** Many clients at once, of all kinds, and some that do not read what they asked for. */
export async function runStress(engine: TestEngine, { clients, seconds }: StressOptions): Promise<StressReport> {
  const chatter = "while :; do echo 0123456789012345678901234567890123456789; usleep 2000; done";
  await engine.expectLighter("run", "-d", "--name", TALKER, "busybox", "sh", "-c", chatter);
  const before = await sample(engine);
  const stop = new AbortController();
  const errors: string[] = [];
  const done: Record<string, number> = {};
  const kinds = Object.entries(KINDS);
  const work = Array.from({ length: clients }, async (_, at) => {
    const [name, client] = kinds[at % kinds.length] ?? ["deaf", deaf];
    try {
      done[name] = (done[name] ?? 0) + (await client(engine, stop.signal));
    } catch (error) {
      errors.push(`${name}: ${error}`);
    }
  });
  const silent = Array.from({ length: 3 }, () =>
    deaf(engine, stop.signal).catch((error) => errors.push(`deaf: ${error}`)),
  );
  const samples: Sample[] = [];
  for (let second = 0; second < seconds; second++) {
    await delay(1000);
    samples.push(await sample(engine));
  }
  stop.abort();
  await Promise.all([...work, ...silent]);
  await engine.expectLighter("rm", "-f", TALKER);
  const after = await sample(engine);
  return {
    errors,
    done,
    delayMs: Math.max(...samples.map(({ delayMs }) => delayMs)),
    stallMs: Math.max(...samples.map(({ stallMs }) => stallMs)),
    busyMs: Math.max(...samples.map(({ busyMs }) => busyMs)),
    memory: samples.map(({ residentBytes }) => residentBytes),
    openFilesBefore: before.openFiles,
    openFilesAfter: after.openFiles,
  };
}

interface Sample {
  readonly delayMs: number;
  readonly stallMs: number;
  readonly busyMs: number;
  readonly residentBytes: number;
  readonly openFiles: number;
}

async function sample(engine: TestEngine): Promise<Sample> {
  const text = await (await engine.api("/lighter/metrics")).text();
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
  return {
    delayMs: value("lighter_event_loop_delay_max_seconds") * 1000,
    stallMs: value("lighter_event_loop_stall_max_seconds") * 1000,
    busyMs: value("lighter_event_loop_busy_max_seconds") * 1000,
    residentBytes: value("process_resident_memory_bytes"),
    openFiles: value("process_open_fds"),
  };
}
