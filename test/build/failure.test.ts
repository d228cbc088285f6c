import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buildImage } from "../../src/build/classic/build-image.ts";
import { DEFAULT_BUILD_OPTIONS } from "../../src/build/classic/build-options.ts";
import { LocalBuilder, tarOf, textOf } from "./local-builder.ts";

/** What a build might leave: its own files, snapshots being written to, staged blobs. */
function leftOf(builder: LocalBuilder): string[] {
  const list = (name: string) => {
    try {
      return readdirSync(join(builder.root, name)).map((entry) => `${name}/${entry}`);
    } catch {
      return [];
    }
  };
  return [
    ...list("tmp"),
    ...list("content/staging"),
    ...builder.activeSnapshots().map((owner) => `snapshot of ${owner}`),
  ];
}

test("a step that fails tells its command and exit code; what was done before stays as cache, nothing else does", async () => {
  await using builder = await LocalBuilder.open();
  const dockerfile = (last: string) => `FROM busybox\nRUN echo kept > /kept\nRUN ${last}`;
  const said = await builder.build(dockerfile("echo half > /half; exit 7"));
  const message = "The command '/bin/sh -c echo half > /half; exit 7' returned a non-zero code: 7";
  expect(said.at(-1)).toEqual({ errorDetail: { code: 7, message }, error: message });
  expect(leftOf(builder)).toEqual([]);
  expect(textOf(await builder.build(dockerfile("true")))).toContain("RUN echo kept > /kept\n ---> Using cache\n");
});

test("a copy that fails leaves nothing", async () => {
  await using builder = await LocalBuilder.open();
  for (const line of ["COPY --chown=nobody:nogroup a /a", "COPY a /etc/passwd/below", "COPY . /etc/passwd"]) {
    const last = (await builder.build(`FROM busybox\n${line}`, { a: "a" })).at(-1);
    expect(last).toMatchObject({ error: expect.any(String) });
    expect(leftOf(builder)).toEqual([]);
  }
});

test("an abort ends the running step at once and leaves nothing", async () => {
  await using builder = await LocalBuilder.open();
  const abort = new AbortController();
  const begun = Date.now();
  const build = builder.build(
    "FROM busybox\nRUN echo started; exec sleep 60",
    {},
    {},
    abort.signal,
    ({ stream }) => stream === "started\n" && abort.abort(),
  );
  expect((await build).at(-1)).toMatchObject({ error: expect.any(String) });
  expect(Date.now() - begun).toBeLessThan(10_000);
  expect(leftOf(builder)).toEqual([]);
});

test("a reader that leaves ends the build", async () => {
  await using builder = await LocalBuilder.open();
  const context = tarOf({ Dockerfile: "FROM busybox\nRUN echo started; exec sleep 60" });
  const signal = new AbortController().signal;
  for await (const progress of buildImage(builder.parts, DEFAULT_BUILD_OPTIONS, context, signal)) {
    if ("stream" in progress && progress.stream === "started\n") break;
  }
  expect(leftOf(builder)).toEqual([]);
});

test("a context that is none, breaks off or leads out is refused and leaves nothing", async () => {
  await using builder = await LocalBuilder.open();
  const good = Buffer.concat(
    await Array.fromAsync<Buffer>(tarOf({ Dockerfile: "FROM busybox", big: "x".repeat(4096) })),
  );
  const contexts: readonly (readonly [string, Readable])[] = [
    ["invalid tar header", Readable.from([Buffer.from("no archive".repeat(200))])],
    ["unexpected EOF", Readable.from([good.subarray(0, 2000)])],
    ["Cannot locate specified Dockerfile", Readable.from([])],
    ["leads out of the context", tarOf({ Dockerfile: "FROM busybox", "../../escaped": "x" })],
    ["the client went", Readable.from(brokenStream(good.subarray(0, 1024)))],
  ];
  for (const [message, context] of contexts) {
    await expect(builder.buildFrom(context)).rejects.toThrow(message);
    expect(leftOf(builder)).toEqual([]);
  }
});

async function* brokenStream(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
  throw new Error("the client went");
}
