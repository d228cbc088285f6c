import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Address } from "../base/engine-address.ts";

type SshAddress = Extract<Address, { kind: "ssh" }>;

/** A socket on this machine that leads to an engine on another. */
export interface SshBridge {
  readonly socket: string;
  close(): void;
}

/**
 * Each connection to the socket is one ssh program, which runs `dial-stdio` over there. It says on standard error why it
 * cannot get in, and asks its user for what it needs to know.
 */
export async function openSshBridge(address: SshAddress): Promise<SshBridge> {
  // Only this user may enter: whoever reaches the socket has the other machine's engine.
  const directory = mkdtempSync(join(tmpdir(), "lighter-ssh-"));
  const children = new Set<ChildProcess>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const child = connectOver(socket, address);
    children.add(child);
    child.once("close", () => children.delete(child));
  });
  const socket = join(directory, "engine.sock");
  server.listen(socket);
  await once(server, "listening");
  // A command that has its answer ends, whether or not it said good-bye.
  server.unref();
  const close = () => {
    process.off("exit", close);
    server.close();
    for (const child of children) child.kill();
    rmSync(directory, { recursive: true, force: true });
  };
  process.once("exit", close);
  return { socket, close };
}

function connectOver(socket: Socket, { destination, port, path }: SshAddress): ChildProcess {
  const portOption = port === null ? [] : ["-p", String(port)];
  const child = spawn("ssh", ["-T", "-o", "ConnectTimeout=30", ...portOption, "--", destination, dialCommand(path)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  socket.pipe(child.stdin);
  child.stdout.pipe(socket);
  const leave = () => child.kill();
  socket.on("error", leave).on("close", leave);
  // What was written when ssh had gone is lost, and the closed connection says so.
  child.stdin.on("error", () => {});
  child.on("error", () => socket.destroy());
  child.on("close", () => socket.end());
  return child;
}

/** For the other machine's shell: Lighter's own command where it is installed, or else Docker's. */
function dialCommand(path: string | null): string {
  const host = path === null ? "" : ` --host 'unix://${path.replaceAll("'", String.raw`'\''`)}'`;
  return `command -v lighter >/dev/null && exec lighter${host} system dial-stdio; exec docker${host} system dial-stdio`;
}
