import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { CLIS, field, lines, output, refusal } from "./both-clis.ts";

let engine: TestEngine;
let id: string;

beforeAll(async () => {
  engine = await startEngine();
  id = await engine.expectDocker(
    ...["run", "-d", "--name", "web", "--hostname", "web.test", "-e", "KEY=value", "-l", "tier=front", "-w", "/tmp"],
    ...[
      "-v",
      "data:/data",
      "-v",
      "/etc:/host-etc:ro",
      "--tmpfs",
      "/scratch:size=1m",
      "-p",
      "127.0.0.1::80",
      "-p",
      "::53/udp",
    ],
    ...[
      "--memory",
      "64m",
      "--cpus",
      "0.5",
      "--pids-limit",
      "50",
      "--restart",
      "on-failure:3",
      "--cap-add",
      "NET_ADMIN",
    ],
    ...["--stop-signal", "USR1", "--init", "busybox", "sh", "-c", "sleep 1000"],
  );
});
afterAll(() => engine[Symbol.asyncDispose]());

describe.each(CLIS)("%s inspect", (cli) => {
  const inspect = async (...args: string[]) => JSON.parse(await output(engine, cli, "inspect", ...args));

  test("has what scripts read", async () => {
    const [document] = await inspect("web");
    expect(document).toMatchObject({
      Id: id,
      Name: "/web",
      Path: "sh",
      Args: ["-c", "sleep 1000"],
      Created: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      RestartCount: 0,
      Driver: "overlay2",
      Platform: "linux",
      State: {
        Status: "running",
        Running: true,
        Paused: false,
        Restarting: false,
        OOMKilled: false,
        Dead: false,
        ExitCode: 0,
        Error: "",
        FinishedAt: "0001-01-01T00:00:00Z",
      },
      Config: {
        Hostname: "web.test",
        Image: "busybox",
        Cmd: ["sh", "-c", "sleep 1000"],
        WorkingDir: "/tmp",
        Labels: { tier: "front" },
        StopSignal: "USR1",
        ExposedPorts: { "80/tcp": {}, "53/udp": {} },
        Env: expect.arrayContaining(["KEY=value"]),
        Tty: false,
        OpenStdin: false,
      },
      HostConfig: {
        Binds: expect.arrayContaining(["data:/data", "/etc:/host-etc:ro"]),
        Memory: 64 * 1024 * 1024,
        NanoCpus: 500_000_000,
        PidsLimit: 50,
        RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 },
        CapAdd: ["CAP_NET_ADMIN"],
        NetworkMode: "bridge",
        Tmpfs: { "/scratch": "size=1m" },
        Init: true,
        Privileged: false,
        LogConfig: { Type: "json-file" },
        PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "" }] },
      },
      NetworkSettings: {
        IPAddress: expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/),
        Gateway: expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/),
        MacAddress: expect.stringMatching(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/),
        Ports: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: expect.stringMatching(/^\d+$/) }] },
        Networks: { bridge: { IPAddress: expect.any(String), NetworkID: expect.stringMatching(/^[0-9a-f]{64}$/) } },
      },
    });
    expect(document.State.Pid).toBeGreaterThan(1);
    expect(document.LogPath).toContain(id);
    const mounts = document.Mounts.map(({ Type, Name, Destination, RW }: Record<string, unknown>) => [
      Type,
      Name,
      Destination,
      RW,
    ]);
    expect(mounts.sort()).toEqual([
      ["bind", undefined, "/host-etc", false],
      ["volume", "data", "/data", true],
    ]);
  });

  test("--type looks among one kind only, and a name of none is said", async () => {
    expect(await inspect("--type", "container", "web")).toHaveLength(1);
    expect((await inspect("--type", "image", "busybox"))[0].RepoTags).toContain("busybox:latest");
    expect((await inspect("--type", "volume", "data"))[0].Name).toBe("data");
    expect((await inspect("--type", "network", "bridge"))[0].Driver).toBe("bridge");
    expect(await inspect("web", "busybox", "data", "bridge")).toHaveLength(4);
    const { stdout, exitCode } = await engine[cli]("inspect", "--type", "image", "web");
    expect([stdout.trim(), exitCode]).toEqual(["[]", 1]);
    expect(await refusal(engine, cli, "inspect", "nosuch")).toEqual(["No such object: nosuch", 1]);
  });

  test("--format walks into it, and --size adds the sizes", async () => {
    const template =
      '{{.Name}} {{json .State.Running}} {{index .Config.Labels "tier"}} {{range .Mounts}}{{.Destination}};{{end}}';
    expect(await output(engine, cli, "inspect", "-f", template, "web")).toMatch(/^\/web true front (\/\S+;){2}$/);
    expect(Number(await output(engine, cli, "inspect", "--size", "-f", "{{.SizeRootFs}}", "web"))).toBeGreaterThan(1e6);
  });

  test("port names where each published port is", async () => {
    expect(await lines(engine, cli, "port", "web")).toContainEqual(
      expect.stringMatching(/^80\/tcp -> 127\.0\.0\.1:\d+$/),
    );
    expect(await output(engine, cli, "port", "web", "80")).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(await output(engine, cli, "port", "web", "53/udp")).toMatch(/^0\.0\.0\.0:\d+/);
    expect(await refusal(engine, cli, "port", "web", "81")).toEqual([expect.stringMatching(/no public port '81/i), 1]);
  });

  test("top shows the processes inside with ps's columns, its options too", async () => {
    const [titles = "", ...rows] = await lines(engine, cli, "top", "web");
    expect(titles.split(/\s+/)).toEqual(["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]);
    expect(rows.join("\n")).toContain("sleep 1000");
    const [, ...commands] = await lines(engine, cli, "top", "web", "-o", "pid,args");
    const pids = commands.map((line) => line.trim().split(/\s+/)[0]);
    expect(pids).toContain(await field(engine, "web", "{{.State.Pid}}"));
    const created = await output(engine, cli, "create", "busybox");
    expect(await refusal(engine, cli, "top", created)).toEqual([`container ${created} is not running`, 1]);
    await output(engine, cli, "rm", created);
  });

  test("stats --no-stream tells use and limit", async () => {
    const format = "{{.Name}}|{{.CPUPerc}}|{{.MemUsage}}|{{.MemPerc}}|{{.NetIO}}|{{.BlockIO}}|{{.PIDs}}";
    const [line = ""] = await lines(engine, cli, "stats", "--no-stream", "--format", format, "web");
    expect(line).toMatch(
      /^web\|\d+\.\d\d%\|[\d.]+[KM]?i?B \/ 64MiB\|\d+\.\d\d%\|[\d.]+k?B \/ [\d.]+k?B\|[\d.]+[kM]?B \/ [\d.]+[kM]?B\|[1-9]$/,
    );
    const stopped = await output(engine, cli, "create", "--name", "still", "busybox");
    const all = await lines(engine, cli, "stats", "--no-stream", "-a", "--format", "{{.Name}} {{.PIDs}}");
    expect(all).toContainEqual("still 0");
    await output(engine, cli, "rm", stopped);
  });

  test("update changes the limits of what runs, and the restart policy", async () => {
    expect(
      await output(engine, cli, "update", "--memory", "32m", "--memory-swap", "64m", "--cpus", "0.25", "web"),
    ).toBe("web");
    expect(await field(engine, "web", "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}")).toBe("33554432 250000000");
    const [memory = ""] = await lines(engine, cli, "stats", "--no-stream", "--format", "{{.MemUsage}}", "web");
    expect(memory).toEndWith("/ 32MiB");
    await output(engine, cli, "update", "--restart", "unless-stopped", "--pids-limit", "40", "web");
    expect(await field(engine, "web", "{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.PidsLimit}}")).toBe(
      "unless-stopped 40",
    );
    expect(await refusal(engine, cli, "update", "--memory", "1k", "web")).toEqual([
      expect.stringContaining("Minimum memory limit allowed is 6MB"),
      1,
    ]);
    expect(await field(engine, "web", "{{.HostConfig.Memory}}")).toBe("33554432");
    await output(
      engine,
      cli,
      "update",
      "--memory",
      "64m",
      "--memory-swap",
      "128m",
      "--cpus",
      "0.5",
      "--restart",
      "on-failure:3",
      "--pids-limit",
      "50",
      "web",
    );
  });
});
