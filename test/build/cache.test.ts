import { expect, test } from "bun:test";
import type { BuildProgress } from "../../src/build/classic/progress.ts";
import { type ContextFiles, idOf, LocalBuilder, textOf } from "./local-builder.ts";

/** How many steps were taken from the cache. */
function hits(said: readonly BuildProgress[]): number {
  return textOf(said).split(" ---> Using cache\n").length - 1;
}

test("the same build again runs nothing and gives the same image", async () => {
  await using builder = await LocalBuilder.open();
  const dockerfile = `FROM busybox AS a
ARG V=1
ENV A=b
RUN echo $V > /v
WORKDIR /w
COPY d /d
FROM busybox
COPY --from=a /v /v
RUN cat /v
CMD x`;
  const files = { "d/a": "a", "d/b": "b" };
  const first = await builder.build(dockerfile, files);
  const ran = builder.steps.length;
  const second = await builder.build(dockerfile, files);
  expect([hits(first), hits(second)]).toEqual([0, 8]);
  expect(builder.steps.length).toBe(ran);
  expect(idOf(second)).toBe(idOf(first));
});

test("a changed file, permission or name is copied anew, and what comes after it made anew", async () => {
  await using builder = await LocalBuilder.open();
  const dockerfile = "FROM busybox\nENV A=b\nCOPY d /d\nRUN ls -R /d";
  await builder.build(dockerfile, { "d/a": "a" });
  const changed: readonly ContextFiles[] = [
    { "d/a": "changed" },
    { "d/a": { content: "a", mode: 0o755 } },
    { "d/renamed": "a" },
    { "d/a": { link: "a" } },
  ];
  for (const files of changed) {
    expect(hits(await builder.build(dockerfile, files))).toBe(1);
  }
  expect(hits(await builder.build(dockerfile, { "d/a": "a", beside: "not copied" }))).toBe(3);
});

test("a file copied into a directory under another name is another copy", async () => {
  await using builder = await LocalBuilder.open();
  const build = (name: string) => builder.see("ls /x", `FROM busybox\nCOPY ${name} /x/`, { one: "same", two: "same" });
  expect([await build("one"), await build("two")]).toEqual(["one\n", "two\n"]);
});

test("instructions that read alike but mean something else are not taken for each other", async () => {
  await using builder = await LocalBuilder.open();
  const commands = ['["echo", "a b"]', '["echo", "a", "b"]', "echo a b"];
  for (const command of commands) expect(hits(await builder.build(`FROM busybox\nRUN ${command}`))).toBe(0);
  const labels = ['a="b c=d"', "a=b c=d"];
  for (const label of labels) expect(hits(await builder.build(`FROM busybox\nLABEL ${label}`))).toBe(0);
});

test("a build argument counts from its ARG on, and only for what runs; proxies never do", async () => {
  await using builder = await LocalBuilder.open();
  const dockerfile = "FROM busybox\nRUN echo before\nARG V\nENV X=y\nRUN echo $V";
  const build = (given: Record<string, string>) =>
    builder.build(dockerfile, {}, { buildArgs: new Map(Object.entries(given)) });
  await build({ V: "1" });
  expect(hits(await build({ V: "1", http_proxy: "p" }))).toBe(4);
  const other = await build({ V: "2" });
  expect(hits(other)).toBe(3);
  expect(textOf(other)).toContain("\n2\n");
});

test("without cache everything is made again, and is the cache from then on", async () => {
  await using builder = await LocalBuilder.open();
  const dockerfile = "FROM busybox\nRUN echo a > /a";
  await builder.build(dockerfile);
  const anew = await builder.build(dockerfile, {}, { noCache: true });
  const again = await builder.build(dockerfile);
  expect([hits(anew), hits(again)]).toEqual([0, 1]);
  expect(idOf(again)).toBe(idOf(anew));
});

test("an image that was removed is put together again from the cache; what was pruned is made again", async () => {
  await using builder = await LocalBuilder.open();
  const dockerfile = "FROM busybox\nRUN echo a > /a";
  builder.images.remove(builder.images.resolve(idOf(await builder.build(dockerfile))).id);
  const said = await builder.build(dockerfile);
  expect(hits(said)).toBe(1);
  expect(builder.images.find(idOf(said))).not.toBeNull();
  builder.parts.cache.remove(builder.parts.cache.records().map(({ id }) => id));
  expect(hits(await builder.build(dockerfile))).toBe(0);
});
