import { z } from "zod";
import type { TestEngine } from "../harness/test-engine.ts";

/** One client of a kind: works until the signal, again and again, and says how often it did. */
export type Client = (engine: TestEngine, signal: AbortSignal) => Promise<number>;

/** The container that writes all the time. */
export const TALKER = "talker";

const Created = z.object({ Id: z.string() });
const Waited = z.object({ StatusCode: z.number() });
const Stats = z.object({ cpu_stats: z.object({ cpu_usage: z.object({ total_usage: z.number() }) }) });
const Event = z.object({ Type: z.string(), Action: z.string() });

/** Makes, starts, waits for and removes containers. */
const start: Client = async (engine, signal) => {
  let done = 0;
  for (; !signal.aborted; done++) {
    const created = await post(engine, "/containers/create", { Image: "busybox", Cmd: ["true"] });
    const { Id: id } = Created.parse(await created.json());
    await post(engine, `/containers/${id}/start`);
    const { StatusCode: code } = Waited.parse(await (await post(engine, `/containers/${id}/wait`)).json());
    if (code !== 0) throw new Error(`a container ended with ${code}`);
    await expectOk(await engine.api(`/containers/${id}`, { method: "DELETE" }));
  }
  return done;
};

/** Follows a log for some hundred lines, leaves, and comes again. */
const followLogs: Client = (engine, signal) =>
  readAgain(engine, signal, `/containers/${TALKER}/logs?follow=1&stdout=1&tail=10`, (chunk) => chunk.length, 20_000);

const followStats: Client = (engine, signal) =>
  readAgain(engine, signal, `/containers/${TALKER}/stats`, (chunk) => documents(chunk, Stats), 3);

const followEvents: Client = (engine, signal) =>
  readAgain(engine, signal, "/events?since=1", (chunk) => documents(chunk, Event), 500);

export const KINDS: Readonly<Record<string, Client>> = { start, followLogs, followStats, followEvents };

/** Asks for streams without an end and reads nothing of them. */
export const deaf: Client = async (engine, signal) => {
  const paths = [`/containers/${TALKER}/logs?follow=1&stdout=1`, "/events?since=1", `/containers/${TALKER}/stats`];
  const responses = await Promise.all(paths.map((path) => engine.api(path, { signal })));
  if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  return responses.length;
};

/** Reads a stream until so much of it was seen; then leaves, and begins again. */
async function readAgain(
  engine: TestEngine,
  signal: AbortSignal,
  path: string,
  measure: (chunk: Uint8Array) => number,
  enough: number,
): Promise<number> {
  let done = 0;
  for (; !signal.aborted; done++) {
    const leave = new AbortController();
    const either = AbortSignal.any([leave.signal, signal]);
    try {
      const response = await engine.api(path, { signal: either });
      await expectOk(response);
      let seen = 0;
      for await (const chunk of response.body ?? []) {
        seen += measure(chunk);
        if (seen >= enough) break;
      }
      if (seen === 0) throw new Error(`${path} ended without a byte`);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      leave.abort();
    }
  }
  return done;
}

/** How many whole documents are in a chunk; each line is one. */
function documents(chunk: Uint8Array, schema: z.ZodType): number {
  const lines = new TextDecoder().decode(chunk).split("\n").filter(Boolean);
  // The first and the last may be halves of what came before and comes after.
  for (const line of lines.slice(1, -1)) schema.parse(JSON.parse(line));
  return lines.length;
}

async function post(engine: TestEngine, path: string, body?: object): Promise<Response> {
  const response = await engine.api(path, {
    method: "POST",
    ...(body ? { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {}),
  });
  await expectOk(response);
  return response;
}

async function expectOk(response: Response): Promise<void> {
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
}
