import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
  await engine.expectDocker("create", "--name", "stopped", "busybox", "true");
  await engine.expectDocker("run", "-d", "--name", "running", "--network", "none", "busybox", "sleep", "1000");
});
afterAll(() => engine[Symbol.asyncDispose]());

const json = (body: unknown) => ({
  method: "POST",
  body: JSON.stringify(body),
  headers: { "content-type": "application/json" },
});
const POST = { method: "POST" };
const DELETE = { method: "DELETE" };
const create = (body: Record<string, unknown>) => json({ Image: "busybox", Cmd: ["true"], ...body });

/** Each as Docker answers: the status, and one line that names what is wrong. */
const refusals: readonly [string, RequestInit, number, string | RegExp][] = [
  ["/containers/create", create({ Image: "nosuch" }), 404, "No such image: nosuch:latest"],
  ["/containers/create", create({ Image: "busybox:nosuch" }), 404, "No such image: busybox:nosuch"],
  ["/containers/create", create({ Image: "Busy:Box:x" }), 400, /^invalid reference format/],
  [
    "/containers/create?name=running",
    create({}),
    409,
    /^Conflict\. The container name "\/running" is already in use by container "[0-9a-f]{64}"\. You have to remove \(or rename\) that container to be able to reuse that name\.$/,
  ],
  [
    "/containers/create?name=-x",
    create({}),
    400,
    "Invalid container name (-x), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
  ],
  ["/containers/create", create({ Cmd: [], Image: "", Entrypoint: [] }), 400, "no command specified"],
  ["/containers/create", create({ HostConfig: { PortBindings: { "80/tcp": [{ HostPort: "99999" }] } } }), 400, /99999/],
  ["/containers/create", create({ HostConfig: { PortBindings: { nosuch: [{ HostPort: "80" }] } } }), 400, /nosuch/],
  [
    "/containers/create?platform=linux/s390x",
    create({}),
    404,
    "image with reference busybox was found but its platform (linux/amd64) does not match the specified platform (linux/s390x)",
  ],
  ["/containers/create?platform=a/b/c/d", create({}), 400, /^"a\/b\/c\/d": invalid argument/],
  ["/containers/create", create({ HostConfig: { NetworkMode: "container:nosuch" } }), 400, "No such container: nosuch"],
  ["/containers/create", create({ HostConfig: { VolumesFrom: ["nosuch"] } }), 400, "No such container: nosuch"],
  ["/containers/create", create({ HostConfig: { Memory: 1 } }), 400, "Minimum memory limit allowed is 6MB"],
  [
    "/containers/create",
    create({ HostConfig: { Binds: ["/a:/b:/c:/d"] } }),
    400,
    /^invalid volume specification: '\/a:\/b:\/c:\/d'/,
  ],
  [
    "/containers/create",
    create({ HostConfig: { Mounts: [{ Type: "bind", Source: "/no/such/place", Target: "/x" }] } }),
    400,
    'invalid mount config for type "bind": bind source path does not exist: /no/such/place',
  ],
  ["/containers/create", { ...POST, body: "{", headers: { "content-type": "application/json" } }, 400, /JSON|EOF/],
  ["/containers/nosuch/start", POST, 404, "No such container: nosuch"],
  ["/containers/running/start", POST, 304, ""],
  ["/containers/stopped/stop", POST, 304, ""],
  ["/containers/stopped/kill", POST, 409, /^[Cc]annot kill container: stopped: container [0-9a-f]{64} is not running$/],
  ["/containers/running/kill?signal=NOSUCH", POST, 400, /[Ii]nvalid signal: NOSUCH/],
  ["/containers/stopped/pause", POST, 409, /^[Cc]ontainer [0-9a-f]{64} is not running$/],
  ["/containers/running/unpause", POST, 409, /is not paused$/],
  ["/containers/stopped/exec", json({ Cmd: ["true"] }), 409, /^container [0-9a-f]{64} is not running$/i],
  ["/containers/stopped/top", {}, 409, /^container [0-9a-f]{64} is not running$/i],
  [
    "/containers/running",
    DELETE,
    409,
    /^cannot remove container "\/?running": container is running: stop the container before removing or force remove$/,
  ],
  ["/containers/running/rename?name=stopped", POST, 409, /already in use by container/],
  ["/containers/nosuch/json", {}, 404, "No such container: nosuch"],
  ["/images/nosuch/json", {}, 404, /^No such image: nosuch(:latest)?$/],
  [
    "/images/busybox",
    DELETE,
    409,
    /^conflict: unable to remove repository reference "busybox" \(must force\) - container [0-9a-f]{12} is using its referenced image [0-9a-f]{12}$/,
  ],
  ["/images/busybox/tag?repo=BAD!", POST, 400, /^invalid reference format/],
];

describe("the API answers with Docker's status and one line", () => {
  test.each(refusals)("%s %j: %d %s", async (path, request, status, expected) => {
    const response = await engine.api(path, request);
    const body = await response.text();
    expect([response.status, body]).toEqual([status, expect.anything()]);
    if (expected === "") return expect(body).toBe("");
    const { message } = JSON.parse(body);
    if (typeof expected === "string") expect(message).toBe(expected);
    else expect(message).toMatch(expected);
    expect(message).not.toContain("\n");
  });

  test("and leaves nothing half-made", async () => {
    expect((await engine.expectDocker("ps", "-a", "--format", "{{.Names}}")).split("\n").sort()).toEqual([
      "running",
      "stopped",
    ]);
    expect(await engine.expectDocker("volume", "ls", "-q")).toBe("");
  });
});

describe.each(["docker", "lighter"] as const)("%s says what is wrong", (cli) => {
  test.each<[string[], number, string | RegExp]>([
    [["run", "--pull", "never", "nosuch"], 125, /No such image: nosuch:latest/],
    [["run", "BAD@x"], 125, /invalid reference format/],
    [
      ["run", "--pull", "never", "--platform", "linux/arm64", "busybox"],
      125,
      /image with reference busybox was found but its platform \(linux\/amd64\) does not match the specified platform \(linux\/arm64\)/,
    ],
    [["run", "--gpus", "all", "busybox"], 125, /could not select device driver "" with capabilities: \[\[gpu\]\]/],
    [["run", "--storage-opt", "size=1G", "busybox"], 125, /--storage-opt is supported only for overlay over xfs/],
    [["run", "--name", "running", "busybox"], 125, /Conflict\. The container name "\/running" is already in use/],
    [["exec", "stopped", "true"], 1, /[Cc]ontainer [0-9a-f]{64} is not running/],
    [["exec", "running", "nosuch"], 127, /exec: "nosuch": executable file not found in \$PATH/],
    [["exec", "running", "/etc/passwd"], 126, /exec: "\/etc\/passwd": permission denied/],
    [["exec", "-w", "/nosuch", "running", "true"], 126, /chdir to cwd \("\/nosuch"\)/],
    [
      ["exec", "-u", "nosuch", "running", "true"],
      126,
      /unable to find user nosuch: no matching entries in passwd file/,
    ],
    [["start", "nosuch"], 1, /No such container: nosuch/],
    [["rm", "running"], 1, /container is running: stop the container before removing or force remove/],
    [["rmi", "busybox"], 1, /conflict: unable to remove repository reference "busybox"/],
  ])("%j", async (args, status, expected) => {
    const { stdout, stderr, exitCode } = await engine[cli](...args);
    // A program that cannot be entered is told of on the stream that was to be its output, as with Docker.
    expect(stdout + stderr).toMatch(expected);
    expect(exitCode).toBe(status);
  });
});

test("a network has to be there when a container starts, not before", async () => {
  await engine.expectDocker("create", "--name", "early", "--network", "later", "busybox", "true");
  for (const cli of ["docker", "lighter"] as const) {
    const { stderr, exitCode } = await engine[cli]("start", "early");
    expect([stderr, exitCode]).toEqual([expect.stringContaining("network later not found"), 1]);
  }
  expect((await engine.api("/containers/early/start", POST)).status).toBe(404);
  expect(await engine.expectDocker("inspect", "-f", "{{.State.Status}}", "early")).toBe("created");
  await engine.expectDocker("network", "create", "later");
  await engine.expectDocker("start", "early");
  expect(await engine.expectDocker("wait", "early")).toBe("0");
  await engine.expectDocker("rm", "early");
  await engine.expectDocker("network", "rm", "later");
});

test("a start that fails is kept with its reason, and holds no port", async () => {
  await engine.expectDocker("create", "--name", "broken", "-p", "80", "busybox", "/no/such");
  for (const cli of ["docker", "lighter"] as const) {
    const { stderr, exitCode } = await engine[cli]("start", "broken");
    expect([stderr, exitCode]).toEqual([expect.stringContaining("stat /no/such: no such file or directory"), 1]);
  }
  const state = JSON.parse(await engine.expectDocker("inspect", "-f", "{{json .State}}", "broken"));
  expect(state).toMatchObject({ Status: "created", ExitCode: 127, Running: false, Pid: 0 });
  expect(state.Error).toContain("no such file or directory");
  expect(await engine.expectDocker("port", "broken")).toBe("");
});
