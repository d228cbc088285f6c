import { afterAll, beforeAll, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exportTar } from "../../src/snapshot/archive.ts";
import { hasInterpreter } from "../../src/template/elf.ts";
import { buildTemplate, listTemplates } from "../../src/template/templates.ts";
import { openTestParts, type TestParts } from "../registry/engine-parts.ts";
import { readTar } from "../snapshot/tar-fixture.ts";

let parts: TestParts;
beforeAll(() => {
  parts = openTestParts();
});
afterAll(() => parts[Symbol.asyncDispose]());

async function build(options: { tag?: string; signal?: AbortSignal } = {}) {
  const { layers, images, paths } = parts;
  const progress = buildTemplate({ layers, images, temporary: join(paths.root, "tmp") }, "busybox", options);
  for (;;) {
    const step = await progress.next();
    if (step.done) return step.value;
  }
}

test("the busybox template is a root with a shell, users and a place for everybody's files", async () => {
  expect(listTemplates(parts.images)[0]).toMatchObject({ Name: "busybox", Tags: ["busybox:latest"], ImageId: "" });
  const image = await build();
  expect(listTemplates(parts.images)[0]?.ImageId).toBe(image.id);
  expect(image.config.config).toMatchObject({ Cmd: ["sh"], Env: [expect.stringMatching(/^PATH=\/usr\/local\/sbin:/)] });
  const lines = await readTar(exportTar(await parts.layers.root(image.chainId)));
  const line = (name: string) => lines.find((entry) => entry.startsWith(`${name} `));
  expect(line("tmp/")).toContain("directory 1777 0:0");
  expect(line("root/")).toContain("directory 700 0:0");
  expect(line("bin/sh")).toContain("link 755 0:0");
  expect(line("etc/passwd")).toContain("file 644 0:0");
  const [key] = await parts.layers.lower(image.chainId);
  const root = parts.snapshotter.upper(key ?? 0);
  expect(execFileSync("chroot", [root, "/bin/sh", "-c", "id -un; ls / | wc -l"], { encoding: "utf8" })).toStartWith(
    "root\n",
  );
});

test("is the same image whenever it is made, with the names asked for", async () => {
  const first = await build();
  const again = await build({ tag: "mine:v1" });
  expect(again.id).toBe(first.id);
  expect(parts.images.resolve("mine:v1").id).toBe(first.id);
});

test("leaves nothing when it is cancelled", async () => {
  await expect(build({ signal: AbortSignal.abort() })).rejects.toMatchObject({ kind: "cancelled" });
  expect(readdirSync(join(parts.paths.root, "tmp"))).toEqual([]);
});

test("an unknown template is named with those that there are", () => {
  expect(() => buildTemplate({ ...parts, temporary: "" }, "alpine")).toThrow(
    "No such template: alpine: there are busybox, debian, registry",
  );
});

test("a program that needs a loader is told from one that does not", () => {
  const text = join(parts.paths.root, "text");
  writeFileSync(text, "#!/bin/sh\n");
  expect([hasInterpreter("/bin/busybox"), hasInterpreter("/bin/ls"), hasInterpreter(text)]).toEqual([
    false,
    true,
    false,
  ]);
});
