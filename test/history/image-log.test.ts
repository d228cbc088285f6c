import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { FileChange, ImageLayer, ImageStep, LayerNode } from "../../src/client/history-documents.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { buildImage } from "./build-image.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await buildImage(
    engine,
    "app",
    `FROM busybox
     RUN echo one > /one && mkdir /data && echo a > /data/a
     ENV COLOR=red
     RUN rm /data/a && echo two >> /one && echo b > /data/b
     CMD ["sh"]`,
  );
});
afterAll(() => engine[Symbol.asyncDispose]());

async function layersOf(image: string): Promise<string[]> {
  return JSON.parse(await engine.expectDocker("image", "inspect", "--format", "{{json .RootFS.Layers}}", image));
}

function told(files: readonly FileChange[]): string[] {
  return files.map(({ Path, Kind, SizeBefore, Size }) => `${"CAD"[Kind]} ${Path} ${SizeBefore}>${Size}`);
}

describe("image log", () => {
  test("tells each step with its layer and what that changed, newest first", async () => {
    const steps: ImageStep[] = JSON.parse(await engine.expectLighter("image", "log", "--json", "app"));
    const [base = "", first = "", second = ""] = await layersOf("app");
    expect(
      steps.map(({ Position, Layer, Added, Changed, Deleted }) => [Position, Layer, Added, Changed, Deleted]),
    ).toEqual([
      [null, null, 0, 0, 0],
      [0, second, 1, 1, 1],
      [null, null, 0, 0, 0],
      [1, first, 2, 0, 0],
      [2, base, expect.any(Number), 0, 0],
    ]);
    expect(steps[2]?.CreatedBy).toContain("ENV COLOR=red");
  });

  test("is a table, a list, a template or a log with the files of each layer", async () => {
    const [base, first, second] = (await layersOf("app")).map((digest) => digest.slice(7, 19));
    const table = await engine.expectLighter("image", "log", "app");
    expect(table.split("\n")[0]).toMatch(/^POS +LAYER +CREATED +SIZE +CHANGES +CREATED BY/);
    expect(await engine.expectLighter("image", "log", "--quiet", "app")).toBe([second, first, base].join("\n"));
    const positions = await engine.expectLighter("image", "log", "--format", "{{.Position}} {{.Changes}}", "app");
    expect(positions.split("\n").slice(0, 2)).toEqual(["- -", "0 +1 ~1 -1"]);
    const patch = await engine.expectLighter("image", "log", "--patch", "app");
    expect(patch).toContain(" A /data/b  2B\n D /data/a  2B\n C /one  4B -> 8B");
  });

  test("begins at a place in the image", async () => {
    const steps: ImageStep[] = JSON.parse(await engine.expectLighter("image", "log", "--json", "app@1"));
    expect(steps.map(({ Position }) => Position)).toEqual([1, 2]);
  });
});

describe("image show", () => {
  test("tells the files of a layer by its number and by its digest", async () => {
    const [, first = ""] = await layersOf("app");
    const digits = first.slice(7, 19);
    for (const place of ["1", digits, `sha256:${digits}`, first]) {
      const layer: ImageLayer = JSON.parse(await engine.expectLighter("image", "show", "--json", `app@${place}`));
      expect(layer.Layer).toBe(first);
      expect(told(layer.Files)).toEqual(["A /data 0>0", "A /data/a 0>2", "A /one 0>4"]);
    }
  });

  test.each([
    ["app@3", "app has 3 layers"],
    ["app@dead", "app has no layer that begins with dead"],
    ["app@{1}", "app:latest has no entry @{1}"],
    ["app@x", "is no place in a history"],
    ["nothing@0", "No such image: nothing:latest"],
  ])("refuses %s", async (name, reason) => {
    const { exitCode, stderr } = await engine.lighter("image", "show", name);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(reason);
  });
});

describe("image diff", () => {
  test("tells what the second has otherwise than the first", async () => {
    const output = await engine.expectLighter("image", "diff", "app@1", "app");
    expect(output).toBe("A /data/b  2B\nD /data/a  2B\nC /one  4B -> 8B\n1 added, 1 changed, 1 deleted; +4B");
  });

  test("compares images that have no layer in common by what is in them", async () => {
    await buildImage(engine, "same", "FROM app\nRUN true > /same");
    await engine.expectLighter("create", "--name", "flat", "same");
    const archive = `${engine.root}/flat.tar`;
    await engine.expectLighter("export", "--output", archive, "flat");
    await engine.expectLighter("import", archive, "flat");
    const files: FileChange[] = JSON.parse(await engine.expectLighter("image", "diff", "--json", "app", "flat"));
    expect(told(files).filter((line) => !line.includes(".dockerenv"))).toEqual(expect.arrayContaining(["A /same 0>0"]));
    expect(files.every(({ Kind }) => Kind === 1)).toBe(true);
  });

  test("compares with a container as it is now", async () => {
    await engine.expectLighter("run", "--name", "Box", "app", "sh", "-c", "echo hi > /data/c; rm /data/b");
    expect(await engine.expectLighter("image", "diff", "app", "Box")).toBe(
      "A /data/c  3B\nD /data/b  2B\n1 added, 0 changed, 1 deleted; +1B",
    );
  });
});

test("image tree draws what images share once", async () => {
  await buildImage(engine, "other", "FROM app\nRUN echo > /other");
  const roots: LayerNode[] = JSON.parse(await engine.expectLighter("image", "tree", "--json"));
  const base = roots.find(({ Images }) => Images.some(({ Tags }) => Tags.includes("busybox:latest")));
  const app = base?.Children[0]?.Children[0];
  expect(app?.Images.flatMap(({ Tags }) => Tags)).toEqual(["app:latest"]);
  expect(app?.Children.flatMap(({ Images }) => Images.flatMap(({ Tags }) => Tags))).toContain("other:latest");
  const drawn = await engine.expectLighter("image", "tree");
  expect(drawn).toContain("[busybox:latest]");
  expect(drawn).toMatch(/└─ 2 layers .* \[app:latest\]\n {3}[├└]─ /);
});
