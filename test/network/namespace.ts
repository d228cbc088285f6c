import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { EndpointLink } from "../../src/network/endpoint-link.ts";

/** Runs a command to its end and returns what it printed. */
export function run(program: string, ...args: string[]): string {
  const result = spawnSync(program, args, { encoding: "utf8" });
  if (result.status !== 0) throw new Error(`${program} ${args.join(" ")}: ${result.stderr}`);
  return result.stdout;
}

/** A network namespace that stands for a container, or for a machine elsewhere; it takes its links along when it goes. */
export class Namespace implements AsyncDisposable {
  static #count = 0;
  readonly name = `lighter-test-${process.pid}-${Namespace.#count++}`;
  readonly #servers: { stop(): Promise<void> }[] = [];
  readonly #links: string[] = [];

  constructor() {
    run("ip", "netns", "add", this.name);
    this.run("ip", "link", "set", "lo", "up");
  }

  run(program: string, ...args: string[]): string {
    return run("ip", "netns", "exec", this.name, program, ...args);
  }

  /** Joins a bridge as the shim does. */
  join(link: EndpointLink): void {
    run("ip", "link", "add", link.hostName, "type", "veth", "peer", "name", link.containerName, "netns", this.name);
    this.#links.push(link.containerName);
    run("ip", "link", "set", link.hostName, "master", link.bridge, "up");
    this.run("ip", "link", "set", link.containerName, "address", link.mac, "mtu", String(link.mtu), "up");
    this.run("ip", "address", "add", `${link.address}/${link.prefixLength}`, "dev", link.containerName);
    if (link.gateway !== null) this.run("ip", "route", "add", "default", "via", link.gateway);
  }

  /** Joins the host by a pair of its own, as a machine on the same wire. */
  joinHost(hostAddress: string, address: string): void {
    const name = `lt-w${process.pid}`;
    run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", this.name);
    this.#links.push("eth0");
    run("ip", "address", "add", `${hostAddress}/24`, "dev", name);
    run("ip", "link", "set", name, "up");
    this.run("ip", "address", "add", `${address}/24`, "dev", "eth0");
    this.run("ip", "link", "set", "eth0", "up");
  }

  /** A server that answers every connection, or datagram, with the address it came from. Resolves when it listens. */
  async serve(protocol: "tcp" | "udp", port: number): Promise<void> {
    const child = spawn(
      "ip",
      ["netns", "exec", this.name, process.execPath, join(import.meta.dir, "peer.ts"), "serve", protocol, String(port)],
      { stdio: ["pipe", "pipe", "inherit"] },
    );
    const exited = once(child, "exit");
    this.#servers.push({
      stop: async () => {
        child.kill("SIGKILL");
        await exited;
      },
    });
    await once(createInterface({ input: child.stdout }), "line");
  }

  /** What a server answers to this namespace; "" where none can be reached. */
  async ask(protocol: "tcp" | "udp", host: string, port: number): Promise<string> {
    const peer = join(import.meta.dir, "peer.ts");
    const command = ["netns", "exec", this.name, process.execPath, peer, "ask", protocol, String(port), host];
    const { stdout } = await promisify(execFile)("ip", command);
    return stdout.trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) await server.stop();
    // The kernel takes a namespace apart later; its links should be gone now.
    for (const link of this.#links) this.run("ip", "link", "delete", link);
    run("ip", "netns", "delete", this.name);
  }
}
