import { logTo } from "../../base/log.ts";
import { ownCommand } from "../../base/own-command.ts";
import { ensureSmallHeap } from "../../base/small-heap.ts";
import { defineCommand } from "../command.ts";
import { bytes, duration, flag, text } from "../option.ts";
import { STDERR } from "../output.ts";

const DEFAULT_ADDRESS = "127.0.0.1:5000";
const DEFAULT_ROOT = "/var/lib/lighter-registry";
const NANOSECONDS_PER_MS = 1e6;

export const command = defineCommand({
  name: "registry serve",
  summary: "Serve a registry of one's own in the foreground",
  usage: "[OPTIONS]",
  description:
    "Speaks the OCI distribution specification 1.1: any client of Docker's or of OCI's can push to it and pull from it. No engine is needed.",
  examples: [
    { command: "lighter registry serve", meaning: "for this machine, without TLS" },
    {
      command: "lighter registry serve --addr :443 --tls-cert cert.pem --tls-key key.pem --htpasswd users",
      meaning: "for others, with passwords made by `htpasswd -B`",
    },
    {
      command: "lighter registry serve --addr :5001 --proxy https://registry-1.docker.io",
      meaning: "a cache of Docker Hub, to be named as a mirror",
    },
  ],
  options: {
    addr: text("Listen at [HOST]:PORT", { shownDefault: DEFAULT_ADDRESS }),
    root: text("Directory of the registry's data", { shownDefault: DEFAULT_ROOT }),
    "tls-cert": text("Certificate chain in PEM"),
    "tls-key": text("Its key in PEM"),
    htpasswd: text("Let in only the users of this password file"),
    token: flag("Give the users of --htpasswd tokens, as Docker Hub does"),
    "anonymous-pull": flag("Let everybody read, with --htpasswd"),
    "token-realm": text("Take tokens that the server at this address issues"),
    "token-issuer": text("Their issuer"),
    "token-service": text("Their audience"),
    "token-key": text("Public key or certificate in PEM that they are signed with"),
    "read-only": flag("Refuse every change"),
    proxy: text("Be a cache of the registry at this address"),
    "proxy-username": text("Name to use there"),
    "proxy-password-file": text("File with the password to use there"),
    quota: bytes("Bytes that the registry may hold"),
    "repository-quota": bytes("Bytes that one repository may hold"),
    "share-with": text("Root of an engine on the same file system; blobs that both have are stored once"),
    "gc-interval": duration("Collect garbage this often"),
    "metrics-addr": text("Listen at [HOST]:PORT for Prometheus"),
    "access-log": flag("Write a line for each request", { initial: true }),
  },
  operands: { minimum: 0, maximum: 0 },
  async run({ options }) {
    ensureSmallHeap(ownCommand(), process.argv.slice(2));
    const { once } = await import("node:events");
    const { readFileSync } = await import("node:fs");
    const log = logTo(STDERR);
    const stop = Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
    // The executable is also the registry; loaded only when this command is asked for.
    const { serveRegistry } = await import("../../registry/server/serve-registry.ts");
    const { DEFAULT_GARBAGE } = await import("../../registry/server/collect-garbage.ts");
    const passwordFile = options["proxy-password-file"];
    const password = passwordFile ? readFileSync(passwordFile, "utf8").trimEnd() : "";
    const username = options["proxy-username"];
    const every = options["gc-interval"];
    await using registry = await serveRegistry({
      address: options.addr ?? DEFAULT_ADDRESS,
      root: options.root ?? DEFAULT_ROOT,
      log,
      tls: pair(options["tls-cert"], options["tls-key"]),
      access: accessOf(options),
      readOnly: options["read-only"],
      proxy:
        options.proxy === undefined
          ? null
          : { url: options.proxy, credentials: username ? { kind: "basic", username, password } : { kind: "none" } },
      quotas: { totalBytes: options.quota ?? null, repositoryBytes: options["repository-quota"] ?? null },
      shareWith: options["share-with"] ?? null,
      garbage: every === undefined ? null : { ...DEFAULT_GARBAGE, everyMs: every / NANOSECONDS_PER_MS },
      metricsAddress: options["metrics-addr"] ?? null,
      accessLog: options["access-log"],
    });
    log("info", "listening", { url: registry.url, metrics: registry.metricsUrl, pid: process.pid });
    await stop;
    log("info", "stopping");
    return 0;
  },
});

function pair(certFile: string | undefined, keyFile: string | undefined) {
  if (certFile === undefined && keyFile === undefined) return null;
  if (certFile === undefined || keyFile === undefined) throw new Error("--tls-cert and --tls-key go together");
  return { certFile, keyFile };
}

interface AccessFlags {
  readonly htpasswd: string | undefined;
  readonly token: boolean;
  readonly "anonymous-pull": boolean;
  readonly "token-realm": string | undefined;
  readonly "token-issuer": string | undefined;
  readonly "token-service": string | undefined;
  readonly "token-key": string | undefined;
}

function accessOf(flags: AccessFlags) {
  const {
    htpasswd,
    "token-realm": realm,
    "token-issuer": issuer,
    "token-service": service,
    "token-key": keyFile,
  } = flags;
  if (realm !== undefined) {
    if (!issuer || !service || !keyFile || htpasswd !== undefined) {
      throw new Error("--token-realm needs --token-issuer, --token-service and --token-key, and excludes --htpasswd");
    }
    return { kind: "tokens", realm, issuer, service, keyFile } as const;
  }
  const anonymousPull = flags["anonymous-pull"];
  if (htpasswd === undefined) {
    if (flags.token || anonymousPull) throw new Error("--token and --anonymous-pull need --htpasswd");
    return { kind: "open" } as const;
  }
  return { kind: flags.token ? "own-tokens" : "password", htpasswd, anonymousPull } as const;
}
