import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { CLIS, lines, output, refusal } from "./both-clis.ts";

let engine: TestEngine;
let scratch: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "lighter-archives-"));
  engine = await startEngine();
});
afterAll(async () => {
  rmSync(scratch, { recursive: true });
  await engine[Symbol.asyncDispose]();
});

/** What a root is made of, each file with owner, mode and content's sum. */
const LISTING =
  "find / -xdev \\( -path /proc -o -path /sys -o -path /dev \\) -prune -o -type f -print | sort | grep -v '^/etc/\\(hosts\\|hostname\\|resolv.conf\\)$' | xargs stat -c '%n %u:%g %a %s'";

describe.each(CLIS)("%s", (cli) => {
  const ok = (...args: string[]) => output(engine, cli, ...args);
  const file = (name: string) => join(scratch, `${cli}-${name}`);

  test("export and import bring a root back, with the settings that import is told", async () => {
    const id = await ok(
      "run",
      "-d",
      "busybox",
      "sh",
      "-c",
      "echo x > /x; chown 3:4 /x; chmod 4711 /x; ln /x /hard; mkfifo /fifo; ln -s x /soft",
    );
    await ok("wait", id);
    await ok("export", "-o", file("root.tar"), id);
    await ok("export", "-o", file("same.tar"), id);
    expect(Bun.hash(readFileSync(file("same.tar")))).toBe(Bun.hash(readFileSync(file("root.tar"))));
    const made = await ok(
      "import",
      "-c",
      'CMD ["cat", "/x"]',
      "-c",
      "ENV A=b",
      "-m",
      "imported so",
      file("root.tar"),
      `imported-${cli}:1`,
    );
    expect(made).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await ok("run", "--rm", `imported-${cli}:1`)).toBe("x");
    const script = "stat -c '%u:%g %a %h %F' /x /fifo; readlink /soft; echo $A";
    expect(await ok("run", "--rm", `imported-${cli}:1`, "sh", "-c", script)).toBe(
      "3:4 4711 2 regular file\n0:0 644 1 fifo\nx\nb",
    );
    expect(await ok("history", "--format", "{{.Comment}}", `imported-${cli}:1`)).toBe("imported so");
    expect(await ok("run", "--rm", `imported-${cli}:1`, "sh", "-c", LISTING)).toBe(
      await ok("run", "--rm", `imported-${cli}:1`, "sh", "-c", LISTING),
    );
    await ok("rm", id);
  });

  test("import reads standard input, compressed too", async () => {
    const id = await ok("create", "busybox");
    await ok("export", "-o", file("plain.tar"), id);
    await ok("rm", id);
    const packed = Bun.gzipSync(readFileSync(file("plain.tar")));
    const { stdout, exitCode } = await engine[`${cli}Input`](packed, "import", "-", `piped-${cli}`);
    expect([stdout, exitCode]).toEqual([expect.stringMatching(/^sha256:/), 0]);
    expect(await ok("run", "--rm", `piped-${cli}`, "echo", "runs")).toBe("runs");
  });

  test("save and load bring several images back under their names and ids, and share their layers", async () => {
    const id = await ok("run", "-d", "busybox", "sh", "-c", "echo top > /top");
    await ok("wait", id);
    const upper = await ok("commit", "-c", 'CMD ["cat", "/top"]', id, `upper-${cli}:v1`);
    await ok("rm", id);
    await ok("tag", `upper-${cli}:v1`, `also-${cli}:v2`);
    await ok("tag", "busybox", `base-${cli}`);
    const base = await ok("images", "-q", "--no-trunc", `base-${cli}`);
    await ok("save", "-o", file("images.tar"), `upper-${cli}:v1`, `also-${cli}:v2`, `base-${cli}`);
    await ok("rmi", `upper-${cli}:v1`, `also-${cli}:v2`, `base-${cli}`);
    expect(await ok("images", "-q", `upper-${cli}`)).toBe("");
    const said = await lines(engine, cli, "load", "-i", file("images.tar"));
    expect(said.filter((line) => line.startsWith("Loaded image")).sort()).toEqual([
      `Loaded image: also-${cli}:v2`,
      `Loaded image: base-${cli}:latest`,
      `Loaded image: upper-${cli}:v1`,
    ]);
    expect(await ok("images", "-q", "--no-trunc", `upper-${cli}`)).toBe(upper);
    expect(await ok("images", "-q", "--no-trunc", `base-${cli}`)).toBe(base);
    expect(await ok("run", "--rm", `also-${cli}:v2`)).toBe("top");
  });

  test("an image saved by its id comes back without a name, by standard input", async () => {
    const container = await ok("create", "busybox");
    const id = await ok("commit", "-m", `nameless ${cli}`, container);
    await ok("rm", container);
    await ok("save", "-o", file("nameless.tar"), id);
    await ok("rmi", id);
    const { stdout, exitCode } = await engine[`${cli}Input`](readFileSync(file("nameless.tar")), "load");
    expect([stdout, exitCode]).toEqual([expect.stringContaining(`Loaded image ID: ${id}`), 0]);
    await ok("rmi", id);
  });

  test("what is no archive is refused, and leaves nothing", async () => {
    const before = await ok("images", "-aq");
    writeFileSync(file("garbage"), "this is no archive".repeat(100));
    expect((await engine[cli]("load", "-i", file("garbage"))).exitCode).toBe(1);
    expect((await engine[cli]("import", file("garbage"), `never-${cli}`)).exitCode).toBe(1);
    expect(await refusal(engine, cli, "save", "-o", file("none.tar"), "nosuch")).toEqual([
      expect.stringContaining("No such image: nosuch"),
      1,
    ]);
    expect(await ok("images", "-aq")).toBe(before);
    const cut = readFileSync(file("images.tar"));
    writeFileSync(file("cut.tar"), cut.subarray(0, Math.floor(cut.length / 2)));
    expect((await engine[cli]("load", "-i", file("cut.tar"))).exitCode).toBe(1);
  });
});
