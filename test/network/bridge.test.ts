import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { NetworkCreateSchema } from "../../src/network/create-network.ts";
import type { Endpoint, EndpointRequest } from "../../src/network/network-record.ts";
import { Networks } from "../../src/network/networks.ts";
import type { PortMapping, PortRequest } from "../../src/network/port-mapping.ts";
import { Store } from "../../src/store/database.ts";
import { eventually } from "../harness/deadline.ts";
import { ask } from "./ask.ts";
import { Namespace, run } from "./namespace.ts";

const directory = mkdtempSync(join(tmpdir(), "lighter-network-"));
afterAll(() => rmSync(directory, { recursive: true }));

const HOST_ADDRESS =
  Object.entries(networkInterfaces())
    .filter(([name]) => name !== "lo")
    .flatMap(([, addresses]) => addresses ?? [])
    .find(({ family }) => family === "IPv4")?.address ?? "";

/** One engine's networks on a store and run directory of its own. */
class Machine implements AsyncDisposable {
  readonly run = `/run/lighter-${randomBytes(6).toString("hex")}`;
  readonly store = Store.open(join(directory, `${randomBytes(6).toString("hex")}.db`));
  readonly warnings: string[] = [];
  networks = this.start();
  readonly #containers: Namespace[] = [];

  /** As after `kill -9`: the records and the host are as they were, the memory is gone. */
  start(): Networks {
    const networks = new Networks(this.store, this.run, (_, message) => this.warnings.push(message));
    networks.ensureDefaults();
    return networks;
  }

  async container(
    network = "bridge",
    request: EndpointRequest = {},
  ): Promise<{ ns: Namespace; endpoint: Endpoint; ip: string }> {
    const id = randomBytes(32).toString("hex");
    const endpoint = await this.networks.connect({ id, name: `c${id.slice(0, 6)}` }, network, request);
    const link = this.networks.linkOf(endpoint);
    if (!link) throw new Error("a bridge network has to give a link");
    const ns = new Namespace();
    this.#containers.push(ns);
    ns.join(link);
    this.networks.linked(endpoint);
    return { ns, endpoint, ip: link.address };
  }

  async publish(endpoint: Endpoint, ...requests: PortRequest[]): Promise<PortMapping[]> {
    const mappings = await this.networks.publishing.claim(endpoint, requests);
    await this.networks.publishing.publish(endpoint.containerId, mappings);
    return mappings;
  }

  link(): string {
    return this.networks.resolve("bridge").bridge?.link ?? "";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const container of this.#containers) await container[Symbol.asyncDispose]();
    for (const network of this.networks.list(new Map())) {
      for (const id of Object.keys(this.networks.inspect(network.Id).Containers)) this.networks.release(id);
    }
    expect(await this.networks.teardown()).toBe(true);
    this.store[Symbol.dispose]();
  }
}

let machine: Machine;
beforeEach(() => {
  machine = new Machine();
});
afterEach(async () => {
  await machine[Symbol.asyncDispose]();
});

function subnetOf({ networks }: Machine): string | undefined {
  return networks.resolve("bridge").bridge?.subnet;
}

/** Other engines of this host may come or go between the choices. */
async function threeOfOneMind(): Promise<Machine[] | undefined> {
  const engines = [new Machine(), new Machine(), new Machine()];
  if (new Set(engines.map(subnetOf)).size === 1) return engines;
  for (const engine of engines) await engine[Symbol.asyncDispose]();
  return undefined;
}

function fixed(hostPort: number, containerPort: number, part: Partial<PortRequest> = {}): PortRequest {
  return { protocol: "tcp", containerPort, hostIp: "", hostPorts: { first: hostPort, last: hostPort }, ...part };
}

/** Differs between runs at the same moment on one machine. */
const BASE_PORT = 20000 + (process.pid % 1000) * 10;

describe("a published port", () => {
  test("is reached on loopback and on the host's addresses until it is taken back", async () => {
    const { ns, endpoint } = await machine.container();
    await ns.serve("tcp", 80);
    await machine.publish(endpoint, fixed(BASE_PORT, 80));
    const gateway = machine.networks.resolve("bridge").bridge?.gateway ?? "";
    expect(await ask("tcp", "127.0.0.1", BASE_PORT)).toBe(gateway);
    expect(await ask("tcp", HOST_ADDRESS, BASE_PORT)).toBe(HOST_ADDRESS);
    expect(await ask("tcp", gateway, BASE_PORT)).toBe(gateway);
    await machine.networks.publishing.withdraw(endpoint.containerId);
    expect(await ask("tcp", "127.0.0.1", BASE_PORT)).toBe("");
    expect(await ask("tcp", HOST_ADDRESS, BASE_PORT)).toBe("");
  });

  test("on one address is not reached on another", async () => {
    const { ns, endpoint } = await machine.container();
    await ns.serve("tcp", 80);
    await machine.publish(endpoint, fixed(BASE_PORT, 80, { hostIp: "127.0.0.1" }));
    expect(await ask("tcp", "127.0.0.1", BASE_PORT)).not.toBe("");
    expect(await ask("tcp", HOST_ADDRESS, BASE_PORT)).toBe("");
  });

  test("may be UDP, beside TCP of the same number", async () => {
    const { ns, endpoint } = await machine.container();
    await ns.serve("udp", 53);
    await ns.serve("tcp", 54);
    await machine.publish(endpoint, fixed(BASE_PORT, 53, { protocol: "udp" }), fixed(BASE_PORT, 54));
    expect(await ask("udp", HOST_ADDRESS, BASE_PORT)).toBe(HOST_ADDRESS);
    expect(await ask("tcp", HOST_ADDRESS, BASE_PORT)).toBe(HOST_ADDRESS);
  });

  test("is reached from its own container, from its neighbour, and from another network, through the host", async () => {
    const { ns, endpoint } = await machine.container();
    const neighbour = await machine.container();
    await machine.networks.create(NetworkCreateSchema.parse({ Name: "other" }));
    const stranger = await machine.container("other");
    await ns.serve("tcp", 80);
    await machine.publish(endpoint, fixed(BASE_PORT, 80));
    for (const from of [ns, neighbour.ns, stranger.ns])
      expect(await from.ask("tcp", HOST_ADDRESS, BASE_PORT)).not.toBe("");
  });

  test("comes back after another program has flushed our table", async () => {
    const { ns, endpoint } = await machine.container();
    await ns.serve("tcp", 80);
    await machine.publish(endpoint, fixed(BASE_PORT, 80));
    run("nft", "delete", "table", "ip", tableOf(machine));
    const second = await machine.container();
    await machine.publish(second.endpoint, fixed(BASE_PORT + 1, 80));
    expect(machine.warnings).toHaveLength(1);
    expect(await ask("tcp", "127.0.0.1", BASE_PORT)).not.toBe("");
  });
});

describe("a host port", () => {
  test("that another container has is refused in Docker's words, and free again with that container's end", async () => {
    const first = await machine.container();
    const second = await machine.container();
    await machine.publish(first.endpoint, fixed(BASE_PORT, 80));
    const { containerName, id } = second.endpoint;
    await expect(machine.publish(second.endpoint, fixed(BASE_PORT + 1, 80), fixed(BASE_PORT, 80))).rejects.toThrow(
      `driver failed programming external connectivity on endpoint ${containerName} (${id}): Bind for 0.0.0.0:${BASE_PORT} failed: port is already allocated`,
    );
    machine.networks.release(first.endpoint.containerId);
    await machine.networks.publishing.withdraw(first.endpoint.containerId);
    await machine.publish(second.endpoint, fixed(BASE_PORT + 1, 80), fixed(BASE_PORT, 80));
    expect(machine.networks.publishing.portsOf(second.endpoint.containerId)).toHaveLength(2);
  });

  test("on one address excludes the same on every address, but not on another", async () => {
    const first = await machine.container();
    const second = await machine.container();
    await machine.publish(first.endpoint, fixed(BASE_PORT, 80, { hostIp: "127.0.0.1" }));
    await machine.publish(second.endpoint, fixed(BASE_PORT, 80, { hostIp: HOST_ADDRESS }));
    const third = await machine.container();
    await expect(machine.networks.publishing.claim(third.endpoint, [fixed(BASE_PORT, 80)])).rejects.toThrow(
      "port is already allocated",
    );
  });

  test("of a range is the first that neither a container nor a process has", async () => {
    const { endpoint } = await machine.container();
    const other = createServer().listen(BASE_PORT + 1, "127.0.0.1");
    await once(other, "listening");
    const range = { hostPorts: { first: BASE_PORT, last: BASE_PORT + 2 } };
    try {
      const [first, second] = await machine.publish(endpoint, fixed(0, 80, range), fixed(0, 81, range));
      expect([first?.hostPort, second?.hostPort]).toEqual([BASE_PORT, BASE_PORT + 2]);
      const { endpoint: late } = await machine.container();
      await expect(machine.networks.publishing.claim(late, [fixed(0, 80, range)])).rejects.toThrow(
        "all ports are allocated",
      );
    } finally {
      other.close();
    }
  });
});

describe("a container on a bridge", () => {
  test("reaches other machines through the host's address, and is not reached by them directly", async () => {
    await using outside = new Namespace();
    outside.joinHost("198.51.100.1", "198.51.100.2");
    await outside.serve("tcp", 80);
    const { ns, ip } = await machine.container();
    await ns.serve("tcp", 81);
    expect(await ns.ask("tcp", "198.51.100.2", 80)).toBe("198.51.100.1");
    outside.run("ip", "route", "add", "default", "via", "198.51.100.1");
    expect(await outside.ask("tcp", ip, 81)).toBe("");
  });

  test("publishes to other machines", async () => {
    await using outside = new Namespace();
    outside.joinHost("198.51.100.1", "198.51.100.2");
    const { ns, endpoint } = await machine.container();
    await ns.serve("tcp", 81);
    await machine.publish(endpoint, fixed(BASE_PORT, 81));
    expect(await outside.ask("tcp", "198.51.100.1", BASE_PORT)).toBe("198.51.100.2");
  });

  test("reaches the host's resolver", async () => {
    const server = /^nameserver ([\d.]+)$/m.exec(await Bun.file("/etc/resolv.conf").text())?.[1] ?? "";
    const resolver = new Resolver({ timeout: 2000, tries: 1 });
    resolver.setServers([server]);
    const query = (name: string) => resolver.resolve4(name).catch(({ code }) => code);
    // "No such name" is an answer too.
    expect(await query("name.invalid")).toBe("ENOTFOUND");
    const { ns } = await machine.container();
    const script = `const r = new (require("node:dns/promises").Resolver)({ timeout: 2000, tries: 1 });
      r.setServers(["${server}"]); r.resolve4("name.invalid").catch(({ code }) => console.log(code));`;
    expect(ns.run(process.execPath, "-e", script).trim()).toBe("ENOTFOUND");
  });

  test("cannot reach what listens on the host's loopback (CVE-2020-8558)", async () => {
    const secret = createServer((socket) => socket.end("secret")).listen(0, "127.0.0.1");
    await once(secret, "listening");
    const address = secret.address();
    const port = typeof address === "object" && address ? address.port : 0;
    try {
      const { ns } = await machine.container();
      const gateway = machine.networks.resolve("bridge").bridge?.gateway ?? "";
      ns.run("ip", "address", "delete", "127.0.0.1/8", "dev", "lo");
      ns.run("sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1");
      ns.run("ip", "route", "add", "127.0.0.0/8", "via", gateway);
      const attempt = () => ns.ask("tcp", "127.0.0.1", port);
      expect(await attempt()).toBe("");
      // The same attempt gets through without the guard, so it is the guard that stopped it.
      run("nft", "flush", "chain", "ip", tableOf(machine), "guard");
      expect(await attempt()).toBe("secret");
    } finally {
      secret.close();
    }
  });

  test("is apart from other bridges, and on an internal network has no way out", async () => {
    await machine.networks.create(NetworkCreateSchema.parse({ Name: "inside", Internal: true }));
    const [first, second] = [await machine.container("inside"), await machine.container("inside")];
    const stranger = await machine.container();
    for (const { ns } of [first, second, stranger]) await ns.serve("tcp", 80);
    expect(await first.ns.ask("tcp", second.ip, 80)).toBe(first.ip);
    expect(await stranger.ns.ask("tcp", first.ip, 80)).toBe("");
    first.ns.run("ip", "route", "add", "default", "via", machine.networks.resolve("inside").bridge?.gateway ?? "");
    expect(await first.ns.ask("tcp", stranger.ip, 80)).toBe("");
    await using outside = new Namespace();
    outside.joinHost("198.51.100.1", "198.51.100.2");
    await outside.serve("tcp", 80);
    expect(await first.ns.ask("tcp", "198.51.100.2", 80)).toBe("");
    expect(await machine.networks.publishing.claim(first.endpoint, [fixed(BASE_PORT, 80)])).toEqual([]);
  });

  test("is apart from its neighbours where the network says so, but not from the host", async () => {
    const Options = { "com.docker.network.bridge.enable_icc": "false" };
    await machine.networks.create(NetworkCreateSchema.parse({ Name: "apart", Options }));
    const [first, second] = [await machine.container("apart"), await machine.container("apart")];
    await second.ns.serve("tcp", 80);
    expect(await first.ns.ask("tcp", second.ip, 80)).toBe("");
    expect(await ask("tcp", second.ip, 80)).not.toBe("");
  });

  test("gets the address it asks for, and two never the same", async () => {
    const IPAM = { Config: [{ Subnet: "203.0.113.0/24", AuxiliaryAddresses: { router: "203.0.113.2" } }] };
    await machine.networks.create(NetworkCreateSchema.parse({ Name: "fixed", IPAM }));
    const named = await machine.container("fixed", {
      IPAMConfig: { IPv4Address: "203.0.113.9" },
      MacAddress: "02:42:00:00:00:99",
    });
    expect(named.ns.run("ip", "-brief", "address", "show", "eth0")).toContain("203.0.113.9/24");
    expect(named.ns.run("ip", "-brief", "link", "show", "eth0")).toContain("02:42:00:00:00:99");
    const together = await Promise.all([machine.container("fixed"), machine.container("fixed")]);
    expect(together.map(({ ip }) => ip).toSorted()).toEqual(["203.0.113.3", "203.0.113.4"]);
    await expect(machine.container("fixed", { IPAMConfig: { IPv4Address: "203.0.113.9" } })).rejects.toThrow(
      "Address already in use",
    );
    await expect(machine.container("bridge", { IPAMConfig: { IPv4Address: "203.0.113.9" } })).rejects.toThrow(
      "user specified IP address is supported on user defined networks only",
    );
  });
});

describe("an engine", () => {
  test("that was killed finds its links and rules again, and open connections go on", async () => {
    const living = await machine.container();
    const dead = await machine.container();
    await living.ns.serve("tcp", 7);
    await dead.ns.serve("tcp", 80);
    await machine.publish(living.endpoint, fixed(BASE_PORT, 7));
    await machine.publish(dead.endpoint, fixed(BASE_PORT + 1, 80));
    const open = connect({ host: "127.0.0.1", port: BASE_PORT });
    await once(open, "connect");
    const echo = async (word: string) => {
      open.write(word);
      const [data] = await once(open, "data");
      return String(data);
    };
    expect(await echo("before")).toBe("before");

    machine.networks = machine.start();
    await machine.networks.reconcile([living.endpoint.containerId]);
    expect(await echo("after")).toBe("after");
    open.destroy();
    const again = connect({ host: HOST_ADDRESS, port: BASE_PORT });
    await once(again, "connect");
    again.destroy();
    expect(await ask("tcp", "127.0.0.1", BASE_PORT + 1)).toBe("");
    expect(Object.keys(machine.networks.inspect("bridge").Containers)).toEqual([living.endpoint.containerId]);
    expect(await machine.networks.teardown()).toBe(false);
  });

  test("completes a bridge that was half-made, and makes one that somebody removed", async () => {
    const { containerId } = (await machine.container()).endpoint;
    machine.networks.release(containerId);
    run("ip", "address", "flush", "dev", machine.link());
    machine.networks = machine.start();
    await machine.networks.reconcile([]);
    const { ns } = await machine.container();
    expect(run("ip", "-brief", "address", "show", machine.link())).toContain(
      machine.networks.resolve("bridge").bridge?.gateway ?? "",
    );
    await ns.serve("tcp", 80);
    machine.networks.release(containerId);
    run("ip", "link", "delete", machine.link());
    expect((await machine.container()).ip).not.toBe("");
  });

  test("takes link and table away when nothing is left, and makes them again", async () => {
    const link = machine.link();
    expect(existsSync(`/sys/class/net/${link}`)).toBe(false);
    const { endpoint } = await machine.container();
    expect(existsSync(`/sys/class/net/${link}`)).toBe(true);
    expect(run("nft", "list", "tables")).toContain(tableOf(machine));
    machine.networks.release(endpoint.containerId);
    expect(await machine.networks.teardown()).toBe(true);
    expect(existsSync(`/sys/class/net/${link}`)).toBe(false);
    expect(run("nft", "list", "tables")).not.toContain(tableOf(machine));
    await machine.container();
    expect(existsSync(`/sys/class/net/${link}`)).toBe(true);
  });

  test("never gets a subnet that another engine takes at the same moment", async () => {
    const engines = await eventually("three engines chose the same subnet", threeOfOneMind);
    try {
      const ips = await Promise.all(engines.map((engine) => engine.container().then(({ ip }) => ip)));
      expect(new Set(ips).size).toBe(3);
      expect(new Set(engines.map(subnetOf)).size).toBe(3);
    } finally {
      for (const engine of engines) await engine[Symbol.asyncDispose]();
    }
  });

  test("leaves a link alone that it did not make", async () => {
    const name = `lt-x${process.pid}`;
    run("ip", "link", "add", name, "type", "bridge");
    try {
      const Options = { "com.docker.network.bridge.name": name };
      await expect(machine.networks.create(NetworkCreateSchema.parse({ Name: "taken", Options }))).rejects.toThrow(
        `a network link named ${name} exists already`,
      );
      expect(machine.networks.find("taken")).toBeUndefined();
      expect(existsSync(`/sys/class/net/${name}`)).toBe(true);
    } finally {
      run("ip", "link", "delete", name);
    }
  });
});

function tableOf({ run: runDirectory }: Machine): string {
  return `lighter_${new Bun.CryptoHasher("sha256").update(runDirectory).digest("hex").slice(0, 12)}`;
}
