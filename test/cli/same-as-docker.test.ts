import { afterAll, beforeAll, expect, test } from "bun:test";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
  await engine.expectLighter("run", "-d", "--name", "runs", "-l", "a=b", "busybox", "sleep", "1000");
  await engine.lighter("run", "--name", "ended", "busybox", "sh", "-c", "echo one; echo two >&2; echo three; exit 3");
  await engine.expectLighter(
    "create",
    "--name",
    "made",
    "-v",
    "data:/data",
    "busybox",
    "sh",
    "-c",
    "a long command line",
  );
  // An image of its own: names of one image come from the docker CLI in no certain order.
  await engine.expectLighter("commit", "ended", "second/name:1.0");
  await engine.expectLighter("network", "create", "extra");
});
afterAll(() => engine[Symbol.asyncDispose]());

/** Command lines that both CLIs must answer alike, byte by byte: scripts parse what they print. */
const alike: readonly (readonly string[])[] = [
  ["ps"],
  ["ps", "-a"],
  ["ps", "-aq", "--no-trunc"],
  ["ps", "-as"],
  ["ps", "-l"],
  ["ps", "-n", "2"],
  ["ps", "-a", "--format", "json"],
  ["ps", "--format", '{{.ID}} {{.Label "a"}} {{json .Names}} {{.Mounts}}'],
  ["ps", "-a", "--format", 'table {{.Names}}\\t{{.Status}}\\t{{.Label "com.example.some-label"}}'],
  ["ps", "-a", "-f", "status=exited", "-f", "name=ended"],
  ["container", "ls"],
  ["images"],
  ["images", "-q"],
  ["images", "--no-trunc", "--digests"],
  ["images", "--format", "json"],
  ["images", "second/name"],
  ["images", "--format", "{{.Repository}}:{{.Tag}} {{.Size}} {{.Digest}}"],
  ["history", "busybox"],
  ["history", "--no-trunc", "-H=false", "busybox"],
  ["inspect", "runs"],
  ["inspect", "busybox", "runs"],
  ["inspect", "--type", "image", "busybox"],
  ["inspect", "-f", "{{.State.Status}} {{json .Config.Cmd}} {{len .Config.Cmd}} {{index .Config.Cmd 0}}", "runs"],
  ["inspect", "-f", "{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}", "runs"],
  ["inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", "runs"],
  ["inspect", "-f", "{{if .State.Health}}x{{else}}none{{end}} {{.HostConfig.Binds}} {{.HostConfig.Init}}", "runs"],
  ["container", "inspect", "-s", "ended"],
  ["image", "inspect", "busybox"],
  ["network", "inspect", "extra"],
  ["volume", "inspect", "data"],
  ["network", "ls"],
  ["network", "ls", "--format", "{{.Name}} {{.Driver}} {{.IPv4}}"],
  ["volume", "ls"],
  ["volume", "ls", "--format", "json"],
  ["system", "df"],
  ["top", "runs"],
  ["top", "runs", "-o", "pid,comm"],
  ["diff", "runs"],
  ["port", "runs"],
  ["logs", "ended"],
  ["logs", "-t", "ended"],
  ["logs", "--tail", "1", "ended"],
  ["logs", "--since", "2020-01-01", "--until", "2020-02-01", "ended"],
  ["wait", "ended"],
  ["exec", "runs", "sh", "-c", "echo out; echo err >&2; exit 9"],
  ["exec", "-e", "A=1", "-w", "/tmp", "-u", "1:2", "runs", "sh", "-c", "echo $A $PWD; id -u; id -g"],
  ["version", "--format", "{{.Server.Version}} {{.Server.APIVersion}}"],
  ["info", "--format", "{{.ServerVersion}} {{.NCPU}} {{json .Name}}"],
  ["start", "-a", "ended"],
];

for (const line of alike) {
  test(`lighter ${line.join(" ")} answers as docker does`, async () => {
    const [ours, theirs] = [await engine.lighter(...line), await engine.docker(...line)];
    expect({ ...ours, stdout: withoutSeconds(ours.stdout) }).toEqual({
      ...theirs,
      stdout: withoutSeconds(theirs.stdout),
    });
  });
}

/** The clock goes on between the two: ages in seconds, and the width of columns that hold them, do not count. */
function withoutSeconds(stdout: string): string {
  if (!/Less than a second|\d+ seconds?/.test(stdout)) return stdout;
  return (
    stdout
      .replaceAll(/Less than a second|\d+ seconds?/g, "AGE")
      // The engine tells it since API 1.51, which ours speaks and not every docker.
      .replaceAll(/"Containers":"(N\/A|\d+)"/g, '"Containers":"COUNT"')
      .replaceAll(/ {2,}/g, "  ")
  );
}

/** What goes wrong is told with the same first line and the same exit status. */
const alikeInFailing: readonly (readonly string[])[] = [
  ["rm"],
  ["rm", "nosuch"],
  ["rm", "runs"],
  ["rmi", "nosuch"],
  ["stop", "nosuch"],
  ["kill", "ended"],
  ["start", "nosuch"],
  ["wait", "nosuch"],
  ["pause", "ended"],
  ["unpause", "runs"],
  ["tag", "nosuch", "x"],
  ["exec", "nosuch", "true"],
  ["exec", "ended", "true"],
  ["exec", "runs", "nosuch"],
  ["attach", "ended"],
  ["logs", "nosuch"],
  ["logs", "--since", "foo", "ended"],
  ["top", "ended"],
  ["port", "runs", "80"],
  ["cp", "runs:/nosuch", "/tmp/x"],
  ["inspect", "nosuch"],
  ["inspect", "-f", "{{.Foo", "runs"],
  ["images", "a", "b"],
  ["ps", "-Z"],
  ["ps", "-f", "a"],
  ["ps", "-f", "foo=bar"],
  ["run"],
  ["run", "--nosuch", "busybox"],
  ["run", "--rm", "busybox", "nosuch"],
  ["run", "--rm", "busybox", "/etc"],
  ["run", "--name", "runs", "busybox"],
  ["run", "--rm", "-m", "lots", "busybox"],
  ["network", "rm", "nosuch"],
  ["volume", "rm", "data"],
  ["frob"],
];

for (const line of alikeInFailing) {
  test(`lighter ${line.join(" ")} fails as docker does`, async () => {
    const ours = await engine.lighter(...line);
    const theirs = await engine.docker(...line);
    const firstLine = (stderr: string) => stderr.split("\n")[0];
    expect({ exitCode: ours.exitCode, stderr: firstLine(ours.stderr) }).toEqual({
      exitCode: theirs.exitCode,
      stderr: firstLine(theirs.stderr.replaceAll("docker", "lighter")),
    });
  });
}
