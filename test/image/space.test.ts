import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { z } from "zod";
import { digestOf } from "../../src/image/digest.ts";
import { Store } from "../../src/store/database.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { startReferenceRegistry, type TestRegistry } from "../registry/reference-registry.ts";
import { tar } from "../snapshot/tar-fixture.ts";

const UsageSchema = z.object({
  LayersSize: z.int(),
  Images: z.array(
    z.looseObject({
      RepoTags: z.array(z.string()),
      Size: z.int(),
      SharedSize: z.int(),
      Containers: z.int(),
    }),
  ),
});

async function diskUsage(engine: TestEngine) {
  return UsageSchema.parse(await (await engine.api("/v1.51/system/df")).json());
}

/** Apparent bytes below a directory as du(1) would add them up without directories: each file once. */
function weigh(path: string): number {
  const seen = new Set<number>();
  const walk = (directory: string): number =>
    readdirSync(directory).reduce((sum, name) => {
      const stats = lstatSync(join(directory, name));
      if (stats.isDirectory()) return sum + walk(join(directory, name));
      if (seen.has(stats.ino)) return sum;
      seen.add(stats.ino);
      return sum + stats.size;
    }, 0);
  return walk(path);
}

describe("system df", () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine();
  });
  afterAll(() => engine[Symbol.asyncDispose]());

  test("tells what images share and what each has alone, as it lies on the disk", async () => {
    const base = tar({ name: "base", content: Buffer.alloc(1_000_000, 1) }, { name: "link", type: "2", link: "base" });
    await engine.dockerInput(base, "import", "-", "space/base");
    for (const [index, bytes] of [500_000, 300_000].entries()) {
      const dockerfile = `FROM space/base\nCOPY part-${index} /\nLABEL more=1\n`;
      const context = tar(
        { name: "Dockerfile", content: dockerfile },
        { name: `part-${index}`, content: Buffer.alloc(bytes, index) },
      );
      expect(await engine.dockerInput(context, "build", "-q", "-t", `space/child:${index}`, "-")).toMatchObject({
        exitCode: 0,
      });
    }
    const usage = await diskUsage(engine);
    const of = (tag: string) => {
      const image = usage.Images.find(({ RepoTags }) => RepoTags.includes(tag));
      return [image?.Size, image?.SharedSize];
    };
    // The link weighs what it says.
    expect(of("space/base:latest")).toEqual([1_000_004, 1_000_004]);
    expect(of("space/child:0")).toEqual([1_500_004, 1_000_004]);
    expect(of("space/child:1")).toEqual([1_300_004, 1_000_004]);
    const [busybox = 0] = of("busybox:latest");
    expect(usage.LayersSize).toBe(1_800_004 + busybox);

    const store = Store.open(join(engine.root, "lighter.db"));
    const layers = store.db.query<{ snapshot: number }, []>("SELECT snapshot FROM layer WHERE snapshot NOT NULL").all();
    store[Symbol.dispose]();
    const onDisk = layers.map(({ snapshot }) => weigh(join(engine.root, "snapshots", String(snapshot), "fs")));
    expect(onDisk.reduce((sum, bytes) => sum + bytes, 0)).toBe(usage.LayersSize);
  });

  test("prune tells what became free, each layer once, whether images or builds had it last", async () => {
    const archive = tar({ name: "base", content: Buffer.alloc(700_000, 7) });
    await engine.dockerInput(archive, "import", "-", "freed/base");
    const dockerfile = "FROM freed/base\nCOPY part /\n";
    const context = tar(
      { name: "Dockerfile", content: dockerfile },
      { name: "part", content: Buffer.alloc(200_000, 8) },
    );
    await engine.dockerInput(context, "build", "-q", "-t", "freed/child", "-");
    const before = (await diskUsage(engine)).LayersSize;
    const pruned = await engine.expectDocker("system", "prune", "-af", "--filter", "label!=nothing");
    const after = (await diskUsage(engine)).LayersSize;
    expect(pruned).toContain("untagged: freed/child:latest");
    const [, figure, unit] = /Total reclaimed space: ([\d.]+)(k|M)B/.exec(pruned) ?? [];
    const told = Number(figure) * (unit === "M" ? 1e6 : 1e3);
    expect(Math.abs(told - (before - after))).toBeLessThan(1_000);
    await engine.expectLighter("template", "build", "busybox");
  });

  test("counts containers, and prune takes by label and age what none of them needs", async () => {
    const context = (label: string) =>
      tar({ name: "Dockerfile", content: `FROM busybox\nLABEL kind=${label}\nRUN echo ${label} > /${label}\n` });
    for (const label of ["old", "used", "kept"]) {
      await engine.dockerInput(context(label), "build", "-q", "-t", `prune/${label}`, "-");
    }
    await engine.expectDocker("create", "--name", "user", "prune/used");
    const prune = async (...words: string[]) => engine.expectDocker("image", "prune", "-af", ...words);
    const names = () => engine.expectDocker("images", "--format", "{{.Repository}}", "prune/*");
    const image = (await diskUsage(engine)).Images.find(({ RepoTags }) => RepoTags.includes("prune/used:latest"));
    expect(image?.Containers).toBe(1);

    await prune("--filter", "until=1h");
    expect((await names()).split("\n").sort()).toEqual(["prune/kept", "prune/old", "prune/used"]);
    expect(await prune("--filter", "label=kind=old")).toContain("untagged: prune/old:latest");
    await prune("--filter", "label=kind", "--filter", "label!=kind=kept");
    expect((await names()).split("\n").sort()).toEqual(["prune/kept", "prune/used"]);
    await engine.expectDocker("system", "prune", "-af", "--filter", "label=kind=kept");
    expect(await names()).toBe("prune/used");
    expect(await engine.expectDocker("start", "-a", "user")).toBe("");
    const refused = await engine.docker("image", "prune", "-f", "--filter", "nonsense=1");
    expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining("invalid filter")]);
    await engine.expectDocker("rm", "user");
  });
});

describe("collection", () => {
  let registry: TestRegistry;
  beforeAll(async () => {
    registry = await startReferenceRegistry();
  });
  afterAll(() => registry[Symbol.asyncDispose]());

  test("beside pulls, builds, commits, loads and imports takes nothing that they need, and leaves nothing over", async () => {
    await using engine = await startEngine();
    const race = await startRace(engine, registry);
    await race.during(4_000);
    expect(race.unexpected).toEqual([]);
    expect(race.rounds()).toBeGreaterThan(5);
    await engine.expectDocker("rm", "-f", "writer");
    await engine.expectDocker("system", "prune", "-af");
    expect(await engine.expectDocker("images", "-aq")).toBe("");
    await engine.restart();
    expectNothingOver(engine);
  }, 60_000);

  test("after SIGKILL in the middle of all that, the next engine clears what belongs to nothing", async () => {
    await using engine = await startEngine();
    for (let round = 0; round < 3; round++) {
      const race = await startRace(engine, registry);
      const racing = race.during(10_000);
      // The moment is the point here: nothing is awaited.
      await Bun.sleep(300 + 400 * round);
      await engine.kill9();
      race.stop();
      await racing;
      await engine.start();
      expectNothingOver(engine);
      for (const id of (await engine.expectDocker("images", "-q", "--filter", "dangling=false")).split("\n")) {
        if (id !== "") await buffer((await engine.api(`/images/${id}/get`)).body ?? Readable.from([]));
      }
      await engine.docker("rm", "-f", "writer");
    }
  }, 120_000);
});

/** What a loser of the race may be told: that what it was about is not there any more. */
const LOST = /No such image|not found|does not exist|is being used|in use|dependent child|reset|closed|connect|ECONN/i;

/** Makes and removes images in every way at once, by the Engine API. */
async function startRace(engine: TestEngine, registry: TestRegistry) {
  const archive = (round: number) => tar({ name: "file", content: Buffer.alloc(200_000, round) });
  const pulled = `${registry.host}/race/pulled:1`;
  await post(engine, "/images/create?fromSrc=-&repo=race/seed&tag=1", archive(1));
  const tags = new URLSearchParams({ repo: `${registry.host}/race/pulled`, tag: "1" });
  await post(engine, `/images/race/seed:1/tag?${tags}`);
  await post(engine, `/images/${pulled}/push`, undefined, { "X-Registry-Auth": "e30=" });
  const saved = Buffer.from(await (await engine.api("/images/race/seed:1/get")).arrayBuffer());
  await engine.expectLighter("template", "build", "busybox");
  await engine.expectDocker("run", "-d", "--name", "writer", "busybox", "sleep", "600");
  const unexpected: string[] = [];
  let rounds = 0;
  let isOver = false;
  const loop = async ([what, work]: readonly [string, (round: number) => Promise<string>]) => {
    for (let round = 0; !isOver; round++) {
      const said = await work(round).catch((error) => String(error));
      const error = /"(?:error|message)":"((?:[^"\\]|\\.)*)"/.exec(said)?.[1];
      if (error !== undefined && !LOST.test(error)) unexpected.push(`${what}: ${error}`);
      rounds++;
    }
  };
  const works: readonly (readonly [string, (round: number) => Promise<string>])[] = [
    [
      "import",
      (round) => post(engine, `/images/create?fromSrc=-&repo=race/imported&tag=${round % 3}`, archive(round % 5)),
    ],
    ["pull", () => post(engine, `/images/create?fromImage=${encodeURIComponent(pulled)}`)],
    ["load", () => post(engine, "/images/load", saved)],
    ["commit", () => post(engine, "/commit?container=writer&repo=race/committed")],
    [
      "build",
      (round) =>
        post(
          engine,
          `/build?t=race/built:${round % 2}`,
          tar({ name: "Dockerfile", content: `FROM ${pulled}\nCOPY Dockerfile /${round % 4}\nLABEL l=1\n` }),
          { "Content-Type": "application/x-tar" },
        ),
    ],
    ["save", async () => (await engine.api("/images/race/seed:1/get")).statusText],
    [
      "remove",
      async () => (await engine.api(`/images/${encodeURIComponent(pulled)}?force=1`, { method: "DELETE" })).text(),
    ],
    ["prune", () => post(engine, `/images/prune?filters=${encodeURIComponent('{"dangling":["false"]}')}`)],
    ["build prune", () => post(engine, "/build/prune")],
  ];
  const loops = works.map(loop);
  return {
    unexpected,
    rounds: () => rounds / works.length,
    stop: () => {
      isOver = true;
    },
    async during(ms: number): Promise<void> {
      await Promise.race([Bun.sleep(ms), Promise.all(loops)]);
      isOver = true;
      await Promise.all(loops);
    },
  };
}

async function post(
  engine: TestEngine,
  path: string,
  body?: Buffer,
  headers: Record<string, string> = {},
): Promise<string> {
  return (await engine.api(path, { method: "POST", body, headers })).text();
}

/** Files and rows of layers and images are the same, and each blob is what its name says. */
function expectNothingOver(engine: TestEngine): void {
  const store = Store.open(join(engine.root, "lighter.db"));
  try {
    const column = (sql: string) =>
      new Set(
        store.db
          .query<{ value: string }, []>(sql)
          .all()
          .map(({ value }) => value),
      );
    const named = column(
      `SELECT blob_digest AS value FROM layer UNION SELECT packed_digest FROM packed_blob
       UNION SELECT id FROM image UNION SELECT manifest_digest FROM image`,
    );
    const blobs = join(engine.root, "content/blobs/sha256");
    expect(
      readdirSync(blobs)
        .map((name) => `sha256:${name}`)
        .sort(),
    ).toEqual([...named].sort());
    for (const name of readdirSync(blobs)) {
      expect<string>(digestOf(readFileSync(join(blobs, name)))).toBe(`sha256:${name}`);
    }
    const snapshots = column("SELECT CAST(key AS TEXT) AS value FROM snapshot");
    expect(readdirSync(join(engine.root, "snapshots")).sort()).toEqual([...snapshots].sort());
    const unpacked = column("SELECT CAST(snapshot AS TEXT) AS value FROM layer WHERE snapshot NOT NULL");
    for (const key of unpacked) expect([key, snapshots.has(key)]).toEqual([key, true]);
    expect(readdirSync(join(engine.root, "content/staging"))).toEqual([]);
    expect(existsSync(join(engine.root, "content/index.json"))).toBe(true);
  } finally {
    store[Symbol.dispose]();
  }
}
