import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { decode, encode, RECURSION_DESIRED } from "dns-packet";
import { runProgram } from "../harness/program.ts";
import { startEngine, type TestEngine } from "../harness/test-engine.ts";
import { ask as askPeer } from "./ask.ts";
import { serveNames } from "./serve-names.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.expectDocker("network", "create", "app");
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
});

/** Starts a container that stays, and returns its address on the network. */
async function stay(name: string, ...options: string[]): Promise<string> {
  await engine.expectDocker("run", "--detach", "--name", name, ...options, "busybox", "sleep", "1000");
  return addressOf(name);
}

function addressOf(name: string): Promise<string> {
  return engine.expectDocker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name);
}

/** Of 180 bytes: three answers do not fit into 512, for our answers repeat it. */
const LONG_NAME = Array.from({ length: 3 }, () => "n".repeat(59)).join(".");

/** Sends bytes to a container's resolver from within its network namespace. */
async function ask(container: string, protocol: "udp" | "tcp", bytes: Uint8Array): Promise<Buffer> {
  const pid = await engine.expectDocker("inspect", "--format", "{{.State.Pid}}", container);
  const program = [
    process.execPath,
    join(import.meta.dir, "dns-client.ts"),
    protocol,
    Buffer.from(bytes).toString("hex"),
  ];
  const { stdout } = await runProgram(["nsenter", `--net=/proc/${pid}/ns/net`, ...program], { env: process.env });
  return Buffer.from(stdout.trim(), "hex");
}

/** What a name is to a container: its addresses in order, or the server's refusal. */
async function lookup(container: string, ...query: string[]): Promise<string[]> {
  const { stdout } = await engine.docker("exec", container, "nslookup", ...query);
  const failed = /can't find \S+: (\w+)/.exec(stdout)?.[1];
  if (failed) return [failed];
  return [...stdout.matchAll(/^Address: (\S+)$|name = (\S+)$/gm)].map(([, address, name]) => address ?? name ?? "");
}

test("containers find each other by name, alias, hostname and short id, whatever the letters' size", async () => {
  const web = await stay("web", "--network", "app", "--network-alias", "www", "--hostname", "web-host");
  const other = await stay("web-client", "--network", "app");
  const id = await engine.expectDocker("inspect", "--format", "{{.Id}}", "web");
  for (const name of ["web", "www", "WWW", "web-host", id.slice(0, 12), "web.app", "www.app."]) {
    expect(await lookup("web-client", name)).toEqual([web]);
  }
  expect(await lookup("web", "web-client")).toEqual([other]);
  // A name of ours without an address of this family has none, and nobody else is asked.
  expect(await lookup("web-client", "-type=aaaa", "web")).toEqual([]);
});

test("an address leads back to a name", async () => {
  const back = await stay("back", "--network", "app");
  expect(await lookup("back", back)).toEqual(["back.app"]);
});

test("one name of several containers gives all addresses, in changing order", async () => {
  const addresses: string[] = [];
  for (const name of ["many-1", "many-2", "many-3"]) {
    addresses.push(await stay(name, "--network", "app", "--network-alias", "many"));
  }
  const orders = new Set<string>();
  // Three addresses have six orders: that all of thirty answers have one and the same is no chance.
  for (let i = 0; i < 30 && orders.size < 2; i++) {
    const found = await lookup("many-1", "many");
    expect(found.toSorted()).toEqual(addresses.toSorted());
    orders.add(found.join(" "));
  }
  expect(orders.size).toBeGreaterThan(1);
  await engine.expectDocker("rm", "--force", "many-2");
  expect((await lookup("many-1", "many")).toSorted()).toEqual([addresses[0], addresses[2]].toSorted() as string[]);
});

test("a link is a name for the one who has it alone", async () => {
  const target = await stay("linked", "--network", "app");
  await stay("linking", "--network", "app", "--link", "linked:database");
  expect(await lookup("linking", "database")).toEqual([target]);
  expect(await lookup("linked", "database")).not.toEqual([target]);
});

test("names are those of one network, and there are none on the default bridge", async () => {
  await engine.expectDocker("network", "create", "--internal", "apart");
  await stay("stranger", "--network", "apart");
  await stay("native", "--network", "app");
  expect(await lookup("native", "stranger")).toEqual(["NXDOMAIN"]);
  const resolv = await engine.expectDocker("run", "--rm", "busybox", "cat", "/etc/resolv.conf");
  expect(resolv).not.toContain("127.0.0.11");
});

test("a new name is known at once", async () => {
  const address = await stay("before", "--network", "app");
  await stay("asker", "--network", "app");
  await engine.expectDocker("rename", "before", "after");
  expect(await lookup("asker", "after")).toEqual([address]);
  expect(await lookup("asker", "before")).not.toEqual([address]);
});

test("on an internal network nothing is asked outside", async () => {
  await engine.expectDocker("network", "create", "--internal", "inside");
  const one = await stay("inside-1", "--network", "inside");
  await stay("inside-2", "--network", "inside");
  expect(await lookup("inside-2", "inside-1")).toEqual([one]);
  expect(await lookup("inside-2", "name.invalid")).toEqual(["SERVFAIL"]);
});

test.each(["127.0.0.253", "255.255.255.255", "ff02::1"])(
  "where %s is the server, the client hears of a failure",
  async (server) => {
    const name = `deaf-${server.replace(/\W/g, "-")}`;
    await stay(name, "--network", "app", "--dns", server);
    expect(await lookup(name, "name.invalid")).toEqual(["SERVFAIL"]);
  },
);

test("what is nobody's name is asked of the servers in order, over both protocols", async () => {
  // An address of loopback that is this process's alone, and one that nobody listens on.
  const [silent, server] = [1, 2].map((last) => `127.${(process.pid >> 8) & 0xff}.${process.pid & 0xff}.${last}`);
  await using _upstream = await serveNames(server ?? "", { "up.example": "198.51.100.1" });
  await stay("outsider", "--network", "app", "--dns", silent ?? "", "--dns", server ?? "");
  expect(await lookup("outsider", "up.example")).toEqual(["198.51.100.1"]);
  expect(await lookup("outsider", "down.example")).toEqual(["NXDOMAIN"]);
  const query = encode({
    type: "query",
    id: 9,
    flags: RECURSION_DESIRED,
    questions: [{ type: "A", name: "up.example" }],
  });
  expect(decode(await ask("outsider", "tcp", query))).toMatchObject({ id: 9, answers: [{ data: "198.51.100.1" }] });
});

test("names survive the engine: it answers again when it is back", async () => {
  const target = await stay("lasting", "--network", "app");
  await stay("lasting-client", "--network", "app");
  await engine.kill9();
  await engine.start();
  expect(await lookup("lasting-client", "lasting")).toEqual([target]);
});

test("resolv.conf has the search domains and options that were asked for", async () => {
  const options = ["--dns-search", "corp.example", "--dns-opt", "timeout:1"];
  const text = await engine.expectDocker(
    "run",
    "--rm",
    "--network",
    "app",
    ...options,
    "busybox",
    "cat",
    "/etc/resolv.conf",
  );
  expect(text).toBe("nameserver 127.0.0.11\nsearch corp.example\noptions timeout:1 ndots:0");
});

test("an answer that is too long for a datagram says so, and comes whole over TCP", async () => {
  const aliases = Array.from({ length: 3 }, (_, i) => `crowd-${i}`);
  for (const name of aliases) await stay(name, "--network", "app", "--network-alias", LONG_NAME);
  const query = encode({ type: "query", id: 7, flags: RECURSION_DESIRED, questions: [{ type: "A", name: LONG_NAME }] });
  const short = decode(await ask("crowd-0", "udp", query));
  expect(short).toMatchObject({ id: 7, flag_tc: true });
  const whole = decode(await ask("crowd-0", "tcp", query));
  expect(whole).toMatchObject({ id: 7, flag_tc: false });
  expect(whole.answers).toHaveLength(3);
});

test("whatever is sent to the resolver, it goes on", async () => {
  const target = await stay("robust", "--network", "app");
  const query = encode({ type: "query", id: 1, questions: [{ type: "A", name: "robust" }] });
  const looping = Buffer.from("010100000001000000000000c00c00010001", "hex");
  const manyRecords = Buffer.from("01010000ffffffffffffffff", "hex");
  const answer = Buffer.from(query);
  answer.writeUInt16BE(0x8000, 2);
  const hostile: [Uint8Array, string][] = [
    [new Uint8Array(1), ""],
    [looping, "010180010000000000000000"],
    [manyRecords, "010180010000000000000000"],
    [answer, ""],
    [new Uint8Array(1300).fill(0xff), ""],
    [new Uint8Array(60_000), ""],
  ];
  for (const [bytes, expected] of hostile) expect((await ask("robust", "udp", bytes)).toString("hex")).toBe(expected);
  for (const [bytes] of hostile) await ask("robust", "tcp", bytes);
  // More clients than the resolver keeps: the first have to make room.
  const clients =
    "for i in $(seq 40); do sleep 5 | nc 127.0.0.11 53 >/dev/null & done; nslookup robust; kill $(jobs -p)";
  expect(await engine.expectDocker("exec", "robust", "sh", "-c", clients)).toContain(`Address: ${target}`);
  expect(await lookup("robust", "robust")).toEqual([target]);
  expect(decode(await ask("robust", "tcp", query)).answers).toMatchObject([{ data: target }]);
});

test("a container may listen on port 53 itself", async () => {
  const address = await stay("server", "--network", "app");
  const neighbour = await stay("server-client", "--network", "app");
  const within = async (...args: string[]) => [
    "nsenter",
    `--net=/proc/${await engine.expectDocker("inspect", "--format", "{{.State.Pid}}", "server")}/ns/net`,
    process.execPath,
    join(import.meta.dir, "peer.ts"),
    ...args,
  ];
  for (const protocol of ["udp", "tcp"] as const) {
    const server = Bun.spawn(await within("serve", protocol, "53"), { stdout: "pipe", stderr: "inherit" });
    try {
      const { value } = await server.stdout.getReader().read();
      expect(Buffer.from(value ?? new Uint8Array()).toString()).toBe("listening\n");
      expect(await askPeer(protocol, address, 53)).not.toBe("");
      expect(await lookup("server", "server-client")).toEqual([neighbour]);
    } finally {
      server.kill();
      await server.exited;
    }
  }
});
