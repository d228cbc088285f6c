import { homedir } from "node:os";
import { join } from "node:path";
import { PLAIN_PORT, parseAddress, TLS_PORT } from "../../base/engine-address.ts";
import { logTo } from "../../base/log.ts";
import { ownCommand } from "../../base/own-command.ts";
import { ensureSmallHeap } from "../../base/small-heap.ts";
import { READY_FD_VARIABLE } from "../../client/start-engine.ts";
import { defineCommand } from "../command.ts";
import { flag, list, text } from "../option.ts";
import { STDERR } from "../output.ts";

export const command = defineCommand({
  name: "daemon",
  summary: "Run the engine in the foreground, for a service manager",
  usage: "[OPTIONS]",
  description:
    "Other commands start an engine in the background when none listens, so this is needed only to have it started with the machine, or to be reached over a network. The engine listens at its root's own socket unless another unix socket is named.",
  examples: [
    { command: "lighter daemon", meaning: "with the default root and socket" },
    { command: "lighter daemon --root /srv/lighter --host unix:///run/docker.sock", meaning: "in Docker's place" },
    {
      command: "lighter daemon -H tcp://0.0.0.0 --tlsverify --tlscacert ca.pem --tlscert cert.pem --tlskey key.pem",
      meaning: "on the network, for clients with a certificate of ca.pem",
    },
  ],
  options: {
    root: text("Directory of the engine's state (default LIGHTER_ROOT, or /var/lib/lighter)"),
    host: list("Listen at unix:///path or tcp://host:port", { short: "H" }),
    socket: list("Listen at this path"),
    group: text("Group of the unix sockets, by name or number (default docker, where there is one)", { short: "G" }),
    tls: flag("Use TLS without asking clients for a certificate; needs --insecure"),
    tlscacert: text("Trust clients' certificates signed by this CA (default ca.pem in DOCKER_CERT_PATH or ~/.docker)"),
    tlscert: text("Path to TLS certificate file (default cert.pem there)"),
    tlskey: text("Path to TLS key file (default key.pem there)"),
    tlsverify: flag("Use TLS and let in only clients with a certificate"),
    insecure: flag("Listen on TCP although anyone may come in"),
    "metrics-addr": text("Offer metrics for Prometheus at host:port, path /metrics"),
  },
  operands: { minimum: 0, maximum: 0 },
  async run({ options }) {
    const readyFd = process.env[READY_FD_VARIABLE];
    // Whoever waits for a word has seen to it, and starting anew would close that descriptor.
    if (readyFd === undefined) ensureSmallHeap(ownCommand(), process.argv.slice(2));
    delete process.env[READY_FD_VARIABLE]; // Nothing that the engine starts has this descriptor.
    // The executable is both programs; this command alone reaches the engine's half.
    const { runDaemon } = await import("../../api/daemon.ts");
    const { root, group, insecure, tlsverify } = options;
    const directory = process.env.DOCKER_CERT_PATH || join(homedir(), ".docker");
    const secure = tlsverify || options.tls;
    await runDaemon({
      root,
      listen: {
        addresses: [...options.socket, ...options.host].map((host) =>
          parseAddress(host, secure ? TLS_PORT : PLAIN_PORT),
        ),
        group,
        insecure,
        tls: secure
          ? {
              cert: options.tlscert ?? join(directory, "cert.pem"),
              key: options.tlskey ?? join(directory, "key.pem"),
              clientAuthority: tlsverify ? (options.tlscacert ?? join(directory, "ca.pem")) : null,
            }
          : null,
      },
      metricsAddress: options["metrics-addr"],
      log: logTo(STDERR),
      readyFd: readyFd === undefined ? undefined : Number(readyFd),
    });
    return 0;
  },
});
