import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  CreateBodySchema,
  ExecConfigSchema,
  HostConfigSchema,
  ResourcesSchema,
} from "../../src/engine/container-config.ts";
import { NetworkCreateSchema } from "../../src/network/create-network.ts";
import { VolumeCreateSchema } from "../../src/volume/create-volume.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

/** A value that no field takes: no text, no whole number, no flag, no list, no object. */
const WRONG = 0.5;

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
  await engine.expectDocker("run", "-d", "--name", "subject", "busybox", "sleep", "1000");
}, 60_000);
afterAll(() => engine[Symbol.asyncDispose]());

describe.each([
  [
    "POST /containers/create",
    Object.keys(CreateBodySchema.parse({})),
    (wrong: object) => ({ Image: "busybox", ...wrong }),
  ],
  [
    "POST /containers/create with HostConfig",
    Object.keys(HostConfigSchema.parse({})),
    (wrong: object) => ({ Image: "busybox", HostConfig: wrong }),
  ],
  ["POST /containers/subject/update", Object.keys(ResourcesSchema.parse({})), (wrong: object) => wrong],
  [
    "POST /containers/subject/exec",
    Object.keys(ExecConfigSchema.parse({})),
    (wrong: object) => ({ Cmd: ["true"], ...wrong }),
  ],
  [
    "POST /networks/create",
    Object.keys(NetworkCreateSchema.parse({ Name: "x" })),
    (wrong: object) => ({ Name: "x", ...wrong }),
  ],
  ["POST /volumes/create", Object.keys(VolumeCreateSchema.parse({})), (wrong: object) => wrong],
])("%s", (operation, names, bodyWith) => {
  const [method = "", path = ""] = operation.split(" ");
  const ask = async (body: object) => {
    const headers = { "Content-Type": "application/json" };
    const response = await engine.api(path, { method, headers, body: JSON.stringify(body) });
    return { status: response.status, text: await response.text() };
  };

  test.each(names)("%s of another type is refused by its name", async (name) => {
    const { status, text } = await ask(bodyWith({ [name]: WRONG }));
    expect(`${status} ${text}`).toMatch(new RegExp(`^400 .*invalid JSON: (?:\\w+\\.)*${name}\\b`));
  });
});
