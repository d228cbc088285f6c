import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import pg from "pg";
import { GenericContainer, getContainerRuntimeClient, Network, Wait } from "testcontainers";

// Its reaper is an image of a registry that the tests do without; they clean up themselves, as its documentation has it.
process.env.TESTCONTAINERS_RYUK_DISABLED = "true";

/**
 * Started, and stopped with its test.
 * @param {import("node:test").TestContext} context
 * @param {GenericContainer} container
 */
async function started(context, container) {
  const running = await container.start();
  context.after(() => running.stop({ timeout: 0 }));
  return running;
}

/** A shell script in busybox. @param {string} script */
function shell(script) {
  return new GenericContainer("busybox").withCommand(["sh", "-c", script]);
}

/**
 * The answer of a server of one line, such as redis.
 * @param {import("testcontainers").StartedTestContainer} container
 * @param {number} port
 * @param {string} request
 */
async function ask(container, port, request) {
  const socket = createConnection({ host: container.getHost(), port: container.getMappedPort(port) });
  socket.write(request);
  return text(socket);
}

test("PostgreSQL is up when its health check and its port say so, and answers a query", async (context) => {
  const database = await started(
    context,
    new GenericContainer("postgres")
      .withEnvironment({ POSTGRES_USER: "tester", POSTGRES_PASSWORD: "secret", POSTGRES_DB: "things" })
      .withExposedPorts(5432)
      .withWaitStrategy(Wait.forAll([Wait.forHealthCheck(), Wait.forListeningPorts()])),
  );
  const client = new pg.Client({
    host: database.getHost(),
    port: database.getMappedPort(5432),
    user: "tester",
    password: "secret",
    database: "things",
  });
  await client.connect();
  try {
    await client.query("CREATE TABLE thing (id serial PRIMARY KEY, name text NOT NULL)");
    await client.query("INSERT INTO thing (name) SELECT 'thing ' || n FROM generate_series(1, 1000) AS n");
    const { rows } = await client.query("SELECT count(*)::int AS total, max(name) AS last FROM thing");
    assert.deepEqual(rows, [{ total: 1000, last: "thing 999" }]);
  } finally {
    await client.end();
  }
  const { output, exitCode } = await database.exec([
    "psql",
    "-U",
    "tester",
    "-d",
    "things",
    "-Atc",
    "SELECT count(*) FROM thing",
  ]);
  assert.deepEqual({ output, exitCode }, { output: "1000\n", exitCode: 0 });
});

test("redis is up when its log says so, and keeps its data over a restart", async (context) => {
  const redis = await started(
    context,
    new GenericContainer("redis")
      .withExposedPorts(6379)
      .withWaitStrategy(Wait.forLogMessage("Ready to accept connections")),
  );
  assert.equal(await ask(redis, 6379, "SET key value\r\nSAVE\r\nQUIT\r\n"), "+OK\r\n+OK\r\n+OK\r\n");
  await redis.restart();
  assert.equal(await ask(redis, 6379, "GET key\r\nQUIT\r\n"), "$5\r\nvalue\r\n+OK\r\n");
});

test("waits for HTTP, for a command in the container, and for a program's end", async (context) => {
  const served = shell("mkdir /www; sleep 1; echo yes > /www/ready; httpd -f -h /www")
    .withExposedPorts(80)
    .withWaitStrategy(
      Wait.forHttp("/ready", 80)
        .forStatusCode(200)
        .forResponsePredicate((body) => body === "yes\n"),
    );
  const web = await started(context, served);
  const response = await fetch(`http://${web.getHost()}:${web.getMappedPort(80)}/ready`);
  assert.equal(await response.text(), "yes\n");
  const touched = shell("sleep 1; touch /tmp/done; sleep 100").withWaitStrategy(
    Wait.forSuccessfulCommand("test -e /tmp/done"),
  );
  await started(context, touched);
  await started(context, shell("exit 0").withWaitStrategy(Wait.forOneShotStartup()));
});

test("a wait that is in vain fails with the container's name and leaves nothing running", async () => {
  const never = shell("sleep 100").withWaitStrategy(Wait.forLogMessage("never").withStartupTimeout(1000));
  const label = { "org.example.test": "in-vain" };
  await assert.rejects(never.withLabels(label).start(), /Log message "never" not received after 1000ms/);
  const { container } = await getContainerRuntimeClient();
  const left = await container.list();
  assert.deepEqual(
    left.filter(({ Labels }) => Labels["org.example.test"]),
    [],
  );
});

test("files are copied in before the start and both ways after it", async (context) => {
  const directory = await mkdtemp(join(tmpdir(), "testcontainers-"));
  context.after(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, "file"), "from a file\n");
  const container = await started(
    context,
    shell("cat /copied/* && sleep 100")
      .withCopyContentToContainer([{ content: "from a string\n", target: "/copied/b", mode: 0o644 }])
      .withCopyFilesToContainer([{ source: join(directory, "file"), target: "/copied/a", mode: 0o644 }])
      .withCopyDirectoriesToContainer([{ source: directory, target: "/tree" }])
      .withWaitStrategy(Wait.forAll([Wait.forLogMessage("from a file"), Wait.forLogMessage("from a string")])),
  );
  await container.copyContentToContainer([{ content: "later\n", target: "/tmp/later" }]);
  const { output } = await container.exec(["cat", "/tmp/later", "/tree/file"]);
  assert.equal(output, "later\nfrom a file\n");
  assert.match(await text(await container.copyArchiveFromContainer("/tmp/later")), /^later.*later\n/s);
});

test("environment, user, directory, entry point, host's name, tmpfs and limits are as asked for", async (context) => {
  const container = await started(
    context,
    new GenericContainer("busybox")
      .withEntrypoint(["sleep"])
      .withCommand(["100"])
      .withEnvironment({ WHO: "me" })
      .withUser("65534")
      .withWorkingDir("/tmp")
      .withHostname("named")
      .withTmpFs({ "/scratch": "rw,mode=1777" })
      .withResourcesQuota({ memory: 0.0625, cpu: 0.5 }),
  );
  const script = "touch /scratch/file; echo $WHO $(id -u) $(pwd) $(hostname); echo oops >&2; exit 3";
  const { stdout, stderr, exitCode } = await container.exec(["sh", "-c", script]);
  assert.deepEqual({ stdout, stderr, exitCode }, { stdout: "me 65534 /tmp named\n", stderr: "oops\n", exitCode: 3 });
  const asRoot = await container.exec(["id", "-u"], { user: "root", workingDir: "/", env: { MORE: "yes" } });
  assert.equal(asRoot.output, "0\n");
  const { container: containers } = await getContainerRuntimeClient();
  const { HostConfig } = await containers.inspect(containers.getById(container.getId()));
  assert.deepEqual([HostConfig.Memory, HostConfig.NanoCpus ?? HostConfig.CpuQuota], [67_108_864, 500_000_000]);
});

test("containers on a network find each other by their aliases", async (context) => {
  const network = await new Network().start();
  const redis = await new GenericContainer("redis")
    .withNetwork(network)
    .withNetworkAliases("store")
    .withWaitStrategy(Wait.forHealthCheck())
    .start();
  context.after(async () => {
    await redis.stop();
    await network.stop();
  });
  const client = await new GenericContainer("redis")
    .withNetwork(network)
    .withCommand(["sleep", "100"])
    .withDefaultLogDriver()
    .start();
  const { output } = await client.exec(["redis-cli", "-h", "store", "ping"]);
  await client.stop();
  assert.equal(output, "PONG\n");
});

test("an image is built from a Dockerfile with arguments and a target, and from none of the cache", async (context) => {
  const directory = await mkdtemp(join(tmpdir(), "testcontainers-"));
  context.after(() => rm(directory, { recursive: true }));
  const dockerfile =
    "FROM busybox AS first\nARG WHO\nRUN echo $WHO > /who\nCMD cat /who; sleep 100\nFROM first\nRUN exit 1\n";
  await writeFile(join(directory, "Dockerfile"), dockerfile);
  const image = await GenericContainer.fromDockerfile(directory)
    .withBuildArgs({ WHO: "me" })
    .withTarget("first")
    .withCache(false)
    .build("testcontainers-built", { deleteOnExit: false });
  await started(context, image.withWaitStrategy(Wait.forLogMessage("me")));
  context.after(async () => {
    const { container } = await getContainerRuntimeClient();
    await container.dockerode.getImage("testcontainers-built").remove();
  });
});
