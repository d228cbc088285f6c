import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { startEngine } from "../harness/test-engine.ts";
import { run } from "./namespace.ts";

test("prune removes the networks that nobody is on, as far as the filters let it", async () => {
  await using engine = await startEngine();
  const docker = (...args: string[]) => engine.expectDocker(...args);
  await docker("network", "create", "--label", "tier=db", "labelled");
  await docker("network", "create", "plain");
  await docker("network", "create", "used");
  await docker("run", "--detach", "--network", "used", "busybox", "sleep", "1000");
  const names = async () => (await docker("network", "ls", "--format", "{{.Name}}")).split("\n").toSorted();

  expect((await engine.docker("network", "prune", "--force", "--filter", "until=1h")).stdout.trim()).toBe("");
  expect(await docker("network", "prune", "--force", "--filter", "label=tier")).toContain(
    "Deleted Networks:\nlabelled",
  );
  expect(await names()).toEqual(["bridge", "host", "none", "plain", "used"]);
  expect(await docker("network", "prune", "--force", "--filter", "label!=tier")).toContain("plain");
  expect(await docker("network", "prune", "--force")).toBe("");
  expect(await names()).toEqual(["bridge", "host", "none", "used"]);
  const refused = await engine.docker("network", "prune", "--force", "--filter", "name=used");
  expect(refused.stderr).toContain("invalid filter 'name'");
});

test("with the last network that was in use go its link and all rules", async () => {
  await using engine = await startEngine();
  const marks = () =>
    run("nft", "list", "tables")
      .split("\n")
      .filter((line) => line.includes(tableOf(engine.paths.run)));
  await engine.expectDocker("network", "create", "--ipv6", "only");
  expect(marks()).toHaveLength(2);
  const link = `lt-${(await engine.expectDocker("network", "inspect", "--format", "{{.Id}}", "only")).slice(0, 12)}`;
  expect(existsSync(`/sys/class/net/${link}`)).toBe(true);
  await engine.expectDocker("network", "rm", "only");
  expect(marks()).toEqual([]);
  expect(existsSync(`/sys/class/net/${link}`)).toBe(false);
});

function tableOf(runDirectory: string): string {
  return `lighter_${createHash("sha256").update(runDirectory).digest("hex").slice(0, 12)}`;
}
