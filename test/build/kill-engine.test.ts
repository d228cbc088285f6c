import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startEngine } from "../harness/test-engine.ts";

/** More by hand: `LIGHTER_TEST_KILLS=50`. */
const KILLS = Number(process.env.LIGHTER_TEST_KILLS ?? 8);

/** Each build has steps of its own before those that all share, so that there is always something being made. */
function dockerfile(number: number): string {
  return `FROM busybox AS a
RUN echo ${number} > /own; dd if=/dev/zero of=/big bs=64k count=32 2>/dev/null
RUN --mount=type=cache,id=killed,target=/c echo ${number} >> /c/log
FROM busybox AS b
RUN echo shared > /shared
FROM busybox
COPY --from=a /own /own
COPY --from=b /shared /shared
COPY data /data
RUN cat /own /shared /data > /all
CMD cat /all`;
}

test(
  "an engine that is killed in the middle of builds leaves cache and images right, and nothing else",
  async () => {
    await using engine = await startEngine();
    const context = mkdtempSync(join(engine.root, "killed-"));
    writeFileSync(join(context, "data"), "data\n");
    for (let number = 0; number < KILLS; number++) {
      writeFileSync(join(context, "Dockerfile"), dockerfile(number));
      // By its address, for a client that finds nobody there would start another engine.
      const building = engine.lighter("--host", `unix://${engine.socket}`, "build", "-t", "killed", context);
      await Bun.sleep(Math.random() * 400);
      await engine.kill9();
      await building;
      await engine.start();
    }
    writeFileSync(join(context, "Dockerfile"), dockerfile(KILLS));
    await engine.expectLighter("build", "-t", "killed", context);
    expect(await engine.expectLighter("run", "--rm", "killed")).toBe(`${KILLS}\nshared\ndata`);
    // Whatever was finished before a kill is whole: all of it can be built upon and exported.
    const before = await engine.expectLighter("image", "inspect", "-f", "{{.Id}}", "killed");
    await engine.expectLighter("builder", "prune", "-af");
    await engine.expectLighter("build", "-t", "killed", context);
    expect(await engine.expectLighter("run", "--rm", "killed")).toBe(`${KILLS}\nshared\ndata`);
    expect(before).toStartWith("sha256:");

    await engine.stop();
    await engine.start();
    expect(readdirSync(join(engine.root, "tmp"))).toEqual([]);
    using db = new Database(join(engine.root, "lighter.db"), { readonly: true });
    const active = db.query("SELECT owner FROM snapshot WHERE kind = 'active' AND owner LIKE 'build %'").all();
    const lost = db
      .query("SELECT 1 FROM build_output WHERE chain_id NOT NULL AND chain_id NOT IN (SELECT chain_id FROM layer)")
      .all();
    expect([active, lost]).toEqual([[], []]);
  },
  60_000 + KILLS * 3_000,
);
