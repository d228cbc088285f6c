import type { Readable } from "node:stream";
import { fail } from "../base/errors.ts";
import { type Line, LineSchema } from "../build/door/build-order.ts";
import { OwnDoor } from "../build/door/own-door.ts";
import type { Engine } from "../engine/engine.ts";
import { builderOf } from "./builder.ts";
import { parseInput } from "./parse-input.ts";
import { bytes, json } from "./reply.ts";
import { streamBody } from "./request-body.ts";
import { type Route, route } from "./route.ts";

/** A line is a name, or the order with its secrets and the Dockerfile. */
const MAX_LINE_CHARACTERS = 16 * 1024 * 1024;

const doors = new WeakMap<Engine, OwnDoor>();

function doorOf(engine: Engine): OwnDoor {
  const door = doors.get(engine) ?? new OwnDoor(builderOf(engine));
  doors.set(engine, door);
  return door;
}

/** What `lighter build` speaks: only what has changed of a directory is sent. */
export const OWN_BUILD_ROUTES: readonly Route[] = [
  route({
    method: "POST",
    path: "/lighter/builds",
    summary: "Orders a build: options and the names of all files, a JSON document a line; tells which files are wanted",
    body: streamBody,
    handle: async ({ services: { engine }, body }) => json(await doorOf(engine).accept(readLines(body)), 201),
  }),
  route({
    method: "POST",
    path: "/lighter/builds/{id}",
    summary: "Takes the wanted files and builds: progress, output and outcome on one stream of frames",
    body: streamBody,
    handle: ({ services: { engine }, params, body, abort }) =>
      bytes("application/vnd.lighter.build", doorOf(engine).run(params.id, body, abort)),
  }),
];

async function* readLines(source: Readable): AsyncGenerator<Line> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of source) {
    const parts = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    if (rest.length > MAX_LINE_CHARACTERS) fail("invalid", "BUILD_ORDER", "a line of the build's order is too long");
    for (const part of parts) if (part !== "") yield parseLine(part);
  }
  if (rest !== "") yield parseLine(rest);
}

function parseLine(text: string): Line {
  try {
    return parseInput(LineSchema, JSON.parse(text), "invalid build order");
  } catch (error) {
    if (error instanceof SyntaxError) fail("invalid", "BUILD_ORDER", "a line of the build's order is no JSON");
    throw error;
  }
}
