import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { TerminalSession } from "../../harness/terminal-session.ts";
import { expectOutput, runClient } from "../expect-output.ts";

/** A working day with the docker command: what people type, in the order in which they do. */
const docker = (...args: string[]) => expectOutput(["docker", ...args]);

const NETWORK = "cli-net";
const CONTAINERS = ["cli-db", "cli-api", "cli-web"];
const directory = mkdtempSync(join(tmpdir(), "docker-cli-"));

beforeAll(async () => {
  await docker("network", "create", NETWORK);
});
afterAll(async () => {
  await runClient(["docker", "rm", "--force", "--volumes", ...CONTAINERS]);
  await runClient(["docker", "network", "rm", NETWORK]);
  await runClient(["docker", "volume", "rm", "cli-data"]);
  await runClient(["docker", "rmi", "--force", "cli-api", "cli-kept"]);
  rmSync(directory, { recursive: true });
});

test("a shell on a terminal has its size, control-C, and its exit code", async () => {
  const command = ["docker", "run", "--rm", "-it", "--hostname", "box", "busybox"];
  await using session = new TerminalSession(command, process.env, { rows: 30, columns: 100 });
  await session.waitFor("/ # ");
  session.type("stty size; hostname\r");
  const sized = await session.waitFor(/30 100\s+box\s/);
  session.resize(20, 60);
  // In a loop, for the shell itself may be hit between two programs.
  session.type("while :; do echo run''ning; sleep 1; done\r");
  await session.waitFor("running", sized);
  session.type("\x03");
  const interrupted = await session.waitFor(/\^C\s+\/ # /, sized);
  session.type("stty size; exit 5\r");
  await session.waitFor("20 60", interrupted);
  expect(await session.exited()).toBe(5);
});

test("an application of three containers on a network is built, started and seen healthy", async () => {
  const example = resolve(import.meta.dir, "../../../examples/compose/api");
  await docker("build", "--quiet", "--tag", "cli-api", example);
  await docker(
    "run",
    "-d",
    "--name",
    "cli-db",
    "--network",
    NETWORK,
    "--network-alias",
    "redis",
    "-v",
    "cli-data:/data",
    "redis",
  );
  const health = ["--health-cmd", "wget -q -O - http://127.0.0.1:8080/cgi-bin/health", "--health-interval", "1s"];
  await docker(
    "run",
    "-d",
    "--name",
    "cli-api",
    "--network",
    NETWORK,
    "-e",
    "REDIS_HOST=redis",
    "--init",
    ...health,
    "cli-api",
  );
  const proxy = "while :; do wget -q -O /www/count http://cli-api:8080/cgi-bin/visits; sleep 0.1; done";
  const command = ["sh", "-c", `mkdir /www; httpd -h /www; ${proxy}`];
  await docker(
    "run",
    "-d",
    "--name",
    "cli-web",
    "--network",
    NETWORK,
    "-p",
    "127.0.0.1::80",
    "--init",
    "busybox",
    ...command,
  );

  const filters = ["--filter", "container=cli-api", "--filter", "event=health_status"];
  await using events = new TerminalSession(["docker", "events", "--since", "1m", ...filters], process.env);
  await events.waitFor("health_status: healthy");
  expect(await docker("inspect", "-f", "{{.State.Health.Status}} {{len .NetworkSettings.Networks}}", "cli-api")).toBe(
    "healthy 1",
  );
  expect(await docker("ps", "--filter", "health=healthy", "--format", "{{.Names}}")).toContain("cli-api");
  expect(await docker("exec", "cli-web", "wget", "-q", "-O", "-", "http://cli-api:8080/cgi-bin/visits")).toMatch(
    /^visit \d+$/,
  );
  const place = await docker("port", "cli-web", "80/tcp");
  expect((await fetch(`http://${place}/absent`)).status).toBe(404);
});

test("inspect's templates, ps, top, stats, logs and diff look into it", async () => {
  const names = "{{range $name, $at := .NetworkSettings.Networks}}{{$name}} {{$at.IPAddress}}{{end}}";
  expect(await docker("inspect", "-f", names, "cli-db")).toMatch(new RegExp(`^${NETWORK} \\d+\\.\\d+\\.\\d+\\.\\d+$`));
  expect(await docker("inspect", "-f", "{{json .Config.Healthcheck.Test}}", "cli-api")).toContain("CMD-SHELL");
  expect(await docker("ps", "--format", "table {{.Names}}\t{{.Status}}\t{{.Ports}}")).toMatch(
    /cli-web +Up .* +127\.0\.0\.1:\d+->80\/tcp/,
  );
  expect(await docker("top", "cli-db", "-o", "pid,args")).toContain("redis-server");
  expect(await docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", "cli-db")).toMatch(
    /^cli-db [\d.]+[MK]iB \/ /,
  );
  expect(await docker("logs", "--tail", "1", "cli-db")).toContain("Ready to accept connections");
  expect(await docker("diff", "cli-web")).toMatch(/^A \/www$/m);
});

test("files, commits, archives: what was made is kept", async () => {
  await writeFile(join(directory, "page"), "copied in\n");
  await docker("cp", join(directory, "page"), "cli-web:/www/page");
  expect(await docker("exec", "cli-web", "cat", "/www/page")).toBe("copied in");
  await docker("commit", "--change", 'CMD ["cat", "/www/page"]', "cli-web", "cli-kept:v1");
  await docker("save", "--output", join(directory, "kept.tar"), "cli-kept:v1");
  await docker("rmi", "cli-kept:v1");
  expect(await docker("load", "--input", join(directory, "kept.tar"))).toBe("Loaded image: cli-kept:v1");
  expect(await docker("run", "--rm", "cli-kept:v1")).toBe("copied in");
  expect(await docker("history", "--format", "{{.CreatedBy}}", "cli-kept:v1")).toContain("httpd");
  await docker("rmi", "cli-kept:v1");
});

test("system df counts what there is, and events tell of it afterwards", async () => {
  const usage = await docker("system", "df", "--format", "{{.Type}} {{.TotalCount}}");
  expect(usage).toMatch(/^Images [1-9]\d*\nContainers [1-9]\d*\nLocal Volumes [1-9]\d*\nBuild Cache \d+$/);
  expect(await docker("system", "df", "--verbose")).toMatch(/cli-data +1 +/);
  const range = ["--since", "10m", "--until", "0s"];
  const starts = await docker("events", ...range, "--filter", "event=start", "--format", "{{.Actor.Attributes.name}}");
  expect(starts.split("\n")).toEqual(expect.arrayContaining(CONTAINERS));
});

test("pause, stop, restart, rename, wait, kill: each state is told", async () => {
  const state = () => docker("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "cli-db");
  await docker("pause", "cli-db");
  expect(await state()).toBe("paused 0");
  await docker("unpause", "cli-db");
  await docker("stop", "cli-db");
  expect(await state()).toBe("exited 0");
  await docker("restart", "cli-db");
  expect(await state()).toBe("running 0");
  await docker("rename", "cli-db", "cli-other");
  await docker("rename", "cli-other", "cli-db");
  await docker("kill", "--signal", "KILL", "cli-db");
  expect(await docker("wait", "cli-db")).toBe("137");
  expect(await docker("ps", "-a", "--filter", "exited=137", "--format", "{{.Names}}")).toContain("cli-db");
});

test("mistakes are told as people know it, with the exit codes that scripts test for", async () => {
  expect(await runClient(["docker", "run", "--rm", "busybox", "no-such-program"])).toMatchObject({
    exitCode: 127,
    stderr: expect.stringContaining('exec: "no-such-program": executable file not found in $PATH'),
  });
  expect(await runClient(["docker", "run", "--rm", "busybox", "/etc"])).toMatchObject({ exitCode: 126 });
  expect(await runClient(["docker", "rm", "no-such-container"])).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining("No such container: no-such-container"),
  });
  expect(await runClient(["docker", "network", "rm", NETWORK])).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining("has active endpoints"),
  });
});
