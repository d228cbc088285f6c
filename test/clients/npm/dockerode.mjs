import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import Docker from "dockerode";
import { extract, pack } from "tar-stream";

/** Finds the engine by DOCKER_HOST. */
const docker = new Docker();

/**
 * A started container that goes with its test.
 * @param {import("node:test").TestContext} context
 * @param {Docker.ContainerCreateOptions} options
 */
async function started(context, options) {
  const container = await docker.createContainer({ Image: "busybox", ...options });
  context.after(() => container.remove({ force: true, v: true }));
  await container.start();
  return container;
}

/**
 * Both outputs of a multiplexed stream, to its end.
 * @param {NodeJS.ReadableStream} stream
 */
async function demultiplexed(stream) {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  docker.modem.demuxStream(stream, stdout, stderr);
  stream.on("end", () => {
    stdout.end();
    stderr.end();
  });
  return { stdout: await text(stdout), stderr: await text(stderr) };
}

/** @param {Record<string, string>} files contents by name */
function archiveOf(files) {
  const archive = pack();
  for (const [name, content] of Object.entries(files)) archive.entry({ name }, content);
  archive.finalize();
  return Readable.from(archive);
}

/**
 * @param {Record<string, string>} context contents of the build's files by name
 * @param {Docker.ImageBuildOptions} options
 * @returns {Promise<{ stream?: string, error?: string }[]>} the progress
 */
async function built(context, options) {
  const stream = await docker.buildImage(archiveOf(context), options);
  return new Promise((resolve, reject) =>
    docker.modem.followProgress(stream, (error, progress) => (error ? reject(error) : resolve(progress))),
  );
}

/**
 * What a container that removes itself prints to its standard output, to the end: `docker.run` may resolve before that.
 * @param {string} Image
 * @param {string[]} Cmd
 * @param {Docker.HostConfig} [hostConfig]
 */
async function outputOf(Image, Cmd, hostConfig = {}) {
  const container = await docker.createContainer({ Image, Cmd, HostConfig: { AutoRemove: true, ...hostConfig } });
  const stream = await container.attach({ stream: true, hijack: true, stdout: true, stderr: true });
  const output = demultiplexed(stream);
  await container.start();
  return (await output).stdout;
}

/**
 * What a stream of JSON lines holds. It is given up when the caller has seen enough.
 * @param {NodeJS.ReadableStream} stream
 */
async function* documentsOf(stream) {
  const response = /** @type {import("node:http").IncomingMessage} */ (stream);
  try {
    for await (const line of createInterface({ input: response })) yield JSON.parse(line);
  } finally {
    response.destroy();
  }
}

test("run pipes a container's output and resolves with its exit code", async () => {
  const output = new PassThrough();
  const [result, container] = await docker.run("busybox", ["sh", "-c", "echo out; exit 3"], output);
  await container.remove();
  assert.equal(result.StatusCode, 3);
  assert.equal(await text(output), "out\r\n");
});

test("an attached stream carries input, and both outputs apart", async (context) => {
  const container = await docker.createContainer({
    Image: "busybox",
    Cmd: ["sh", "-c", "read line; echo got $line; echo bad >&2; cat"],
    OpenStdin: true,
    StdinOnce: true,
  });
  context.after(() => container.remove({ force: true }));
  const stream = await container.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true });
  const output = demultiplexed(stream);
  await container.start();
  stream.write("hello\n");
  stream.end("rest");
  assert.deepEqual(await output, { stdout: "got hello\nrest", stderr: "bad\n" });
  assert.deepEqual(await container.wait(), { StatusCode: 0 });
});

test("a terminal's output is raw, and its size is what it was made", async (context) => {
  const container = await docker.createContainer({
    Image: "busybox",
    Cmd: ["sh", "-c", "read line; stty size"],
    Tty: true,
    OpenStdin: true,
  });
  context.after(() => container.remove({ force: true }));
  const stream = await container.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true });
  await container.start();
  await container.resize({ h: 33, w: 111 });
  stream.write("go\n");
  assert.match(await text(stream), /^go\r\n33 111\r\n$/);
});

test("exec runs with its own directory, user and environment, and its exit code is inspected", async (context) => {
  const container = await started(context, { Cmd: ["sleep", "100"] });
  const exec = await container.exec({
    Cmd: ["sh", "-c", "echo $WHO at $(pwd) as $(id -u); cat; exit 7"],
    Env: ["WHO=me"],
    WorkingDir: "/tmp",
    User: "65534",
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
  });
  const stream = await exec.start({ hijack: true, stdin: true });
  const output = demultiplexed(stream);
  stream.end("input");
  assert.deepEqual(await output, { stdout: "me at /tmp as 65534\ninput", stderr: "" });
  const { Running, ExitCode } = await exec.inspect();
  assert.deepEqual({ Running, ExitCode }, { Running: false, ExitCode: 7 });
});

test("logs come as one buffer, and followed to the container's end", async (context) => {
  const container = await started(context, { Cmd: ["sh", "-c", "echo one; read line; echo two"], OpenStdin: true });
  const followed = demultiplexed(await container.logs({ follow: true, stdout: true, stderr: true }));
  const stdin = await container.attach({ stream: true, hijack: true, stdin: true });
  stdin.write("go\n");
  assert.deepEqual(await followed, { stdout: "one\ntwo\n", stderr: "" });
  const last = await container.logs({ stdout: true, tail: 1 });
  assert.equal(last.subarray(8).toString(), "two\n");
});

test("statistics are one document, or one each second", async (context) => {
  const container = await started(context, { Cmd: ["sleep", "100"] });
  const sample = await container.stats({ stream: false });
  assert.ok(sample.memory_stats.usage > 0);
  assert.ok(sample.networks?.eth0);
  const stream = await container.stats({ stream: true });
  for await (const { id, precpu_stats, cpu_stats } of documentsOf(stream)) {
    assert.equal(id, container.id);
    if (precpu_stats.system_cpu_usage) {
      assert.ok(cpu_stats.system_cpu_usage > precpu_stats.system_cpu_usage);
      break;
    }
  }
});

test("events tell a container's life in order", async () => {
  const container = await docker.createContainer({ Image: "busybox", Cmd: ["true"] });
  const events = await docker.getEvents({ filters: { container: [container.id], type: ["container"] }, since: 0 });
  await container.start();
  await container.wait();
  await container.remove();
  /** @type {string[]} */
  const actions = [];
  for await (const { Action } of documentsOf(events)) {
    actions.push(Action);
    if (Action === "destroy") break;
  }
  assert.deepEqual(actions, ["create", "start", "die", "destroy"]);
});

test("files go in as an archive and come out as one", async (context) => {
  const container = await started(context, { Cmd: ["sleep", "100"] });
  await container.putArchive(archiveOf({ "greeting.txt": "hello" }), { path: "/tmp" });
  const members = extract();
  (await container.getArchive({ path: "/tmp/greeting.txt" })).pipe(members);
  const found = [];
  for await (const member of members) found.push([member.header.name, await text(member)]);
  assert.deepEqual(found, [["greeting.txt", "hello"]]);
  await assert.rejects(container.getArchive({ path: "/nothing" }), { statusCode: 404 });
});

test("a committed container is an image", async (context) => {
  const container = await started(context, { Cmd: ["sh", "-c", "echo kept > /file"] });
  await container.wait();
  const { Id } = await container.commit({ repo: "dockerode-commit", changes: 'CMD ["cat", "/file"]' });
  context.after(() => docker.getImage(Id).remove({ force: true }));
  assert.equal(await outputOf("dockerode-commit", []), "kept\n");
});

test("buildImage's progress can be followed to the image, or to what is wrong", async (context) => {
  const dockerfile = "FROM busybox\nARG WHO\nCOPY file /\nRUN echo $WHO >> /file\n";
  const progress = await built(
    { Dockerfile: dockerfile, file: "from " },
    {
      t: "dockerode-build",
      buildargs: { WHO: "me" },
      labels: { made: "here" },
    },
  );
  const image = docker.getImage("dockerode-build");
  context.after(() => image.remove({ force: true }));
  assert.match(progress.map(({ stream = "" }) => stream).join(""), /Successfully tagged dockerode-build:latest/);
  assert.deepEqual((await image.inspect()).Config.Labels, { made: "here" });
  assert.equal(await outputOf("dockerode-build", ["cat", "/file"]), "from me\n");
  const failed = await built({ Dockerfile: "FROM busybox\nRUN exit 9\n" }, {});
  assert.match(failed.at(-1)?.error ?? "", /returned a non-zero code: 9/);
});

test("images are saved, loaded, tagged and listed", async (context) => {
  const image = docker.getImage("busybox");
  await image.tag({ repo: "dockerode-tag", tag: "v1" });
  const copy = docker.getImage("dockerode-tag:v1");
  const archive = await copy.get();
  await copy.remove();
  await assert.rejects(copy.inspect(), { statusCode: 404, reason: "no such image" });
  const loading = await docker.loadImage(archive);
  assert.match(await text(loading), /Loaded image: dockerode-tag:v1/);
  context.after(() => copy.remove());
  const listed = await docker.listImages({ filters: { reference: ["dockerode-tag"] } });
  assert.deepEqual(
    listed.map(({ RepoTags }) => RepoTags?.includes("dockerode-tag:v1")),
    [true],
  );
});

test("a volume keeps what containers write, and is refused removal while one uses it", async (context) => {
  await docker.createVolume({ Name: "dockerode-volume", Labels: { of: "dockerode" } });
  const volume = docker.getVolume("dockerode-volume");
  context.after(() => volume.remove({ force: true }));
  const writer = await docker.createContainer({
    Image: "busybox",
    Cmd: ["sh", "-c", "echo kept > /data/file"],
    HostConfig: { Mounts: [{ Type: "volume", Source: "dockerode-volume", Target: "/data" }] },
  });
  await writer.start();
  await writer.wait();
  await assert.rejects(volume.remove(), { statusCode: 409 });
  await writer.remove();
  assert.equal(await outputOf("busybox", ["cat", "/data/file"], { Binds: ["dockerode-volume:/data:ro"] }), "kept\n");
});

test("containers on a network of the user's find each other by name and alias, joined while they run too", async (context) => {
  const network = await docker.createNetwork({ Name: "dockerode-network", Internal: true });
  const server = await started(context, {
    name: "dockerode-server",
    Cmd: ["sh", "-c", "echo served > /tmp/file; httpd -f -h /tmp"],
    HostConfig: { NetworkMode: "dockerode-network" },
    NetworkingConfig: { EndpointsConfig: { "dockerode-network": { Aliases: ["files"] } } },
  });
  const client = await started(context, { Cmd: ["sleep", "100"] });
  context.after(() => network.remove()); // Such hooks run in their order: the containers go first.
  await network.connect({ Container: client.id });
  for (const name of ["dockerode-server", "files"]) {
    const exec = await client.exec({
      // Its httpd may not listen yet.
      Cmd: ["sh", "-c", `until wget -q -O - http://${name}/file 2>/dev/null; do usleep 10000; done`],
      AttachStdout: true,
      AttachStderr: true,
    });
    assert.deepEqual(await demultiplexed(await exec.start({})), { stdout: "served\n", stderr: "" });
  }
  const { Containers } = await network.inspect();
  assert.deepEqual(Object.keys(Containers ?? {}).sort(), [server.id, client.id].sort());
  await network.disconnect({ Container: client.id });
  assert.deepEqual(Object.keys((await client.inspect()).NetworkSettings.Networks), ["bridge"]);
});

test("wait tells the exit, the next exit and the removal", async () => {
  const container = await docker.createContainer({ Image: "busybox", Cmd: ["sh", "-c", "exit 5"] });
  const exit = container.wait({ condition: "next-exit" });
  const removal = container.wait({ condition: "removed" });
  await container.start();
  assert.equal((await exit).StatusCode, 5);
  await container.remove();
  assert.equal((await removal).StatusCode, 5);
});

test("a wait that follows the start of a short program still learns its exit code, though it removes itself", async () => {
  const container = await docker.createContainer({
    Image: "busybox",
    Cmd: ["sh", "-c", "exit 6"],
    HostConfig: { AutoRemove: true },
  });
  const removed = container.wait({ condition: "removed" });
  await container.start();
  await removed;
  assert.equal((await container.wait()).StatusCode, 6);
  await assert.rejects(container.inspect(), { statusCode: 404 });
});

test("prune removes what its filter names and nothing else", async (context) => {
  const kept = await docker.createContainer({ Image: "busybox" });
  context.after(() => kept.remove());
  const pruned = await docker.createContainer({ Image: "busybox", Labels: { prune: "dockerode" } });
  const filters = { label: ["prune=dockerode"] };
  assert.deepEqual((await docker.pruneContainers({ filters })).ContainersDeleted, [pruned.id]);
  await docker.createVolume({ Name: "dockerode-pruned", Labels: { prune: "dockerode" } });
  assert.deepEqual((await docker.pruneVolumes({ filters: { ...filters, all: ["true"] } })).VolumesDeleted, [
    "dockerode-pruned",
  ]);
  await docker.createNetwork({ Name: "dockerode-pruned", Labels: { prune: "dockerode" } });
  assert.deepEqual((await docker.pruneNetworks({ filters })).NetworksDeleted, ["dockerode-pruned"]);
  await kept.inspect();
});

test("a request can be given up while it waits", async (context) => {
  const container = await started(context, { Cmd: ["sleep", "100"] });
  const abort = new AbortController();
  const waiting = container.wait({ abortSignal: abort.signal });
  abort.abort();
  await assert.rejects(waiting, /abort/i);
  assert.equal((await container.inspect()).State.Running, true);
});
