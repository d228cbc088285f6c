import { defineCommand } from "./command.ts";
import { flag, optionalFlag, text } from "./option.ts";

/** The program itself as a command: the flags that stand before the name of a command. */
export const globalOptions = defineCommand({
  name: "",
  summary: "A container engine that speaks Docker's interfaces",
  usage: "[OPTIONS] COMMAND [ARG...]",
  examples: [
    { command: "lighter run --rm busybox echo hello", meaning: "run a program in a container" },
    { command: "lighter -H unix:///run/other.sock ps", meaning: "ask an engine that listens elsewhere" },
  ],
  options: {
    host: text("Engine to connect to (unix:///path, tcp://host:port, ssh://user@host); none is started then", {
      short: "H",
    }),
    tls: optionalFlag("Use TLS; implied by --tlsverify"),
    tlscacert: text("Trust certs signed only by this CA (default ca.pem in DOCKER_CERT_PATH or ~/.docker)"),
    tlscert: text("Path to TLS certificate file (default cert.pem there)"),
    tlskey: text("Path to TLS key file (default key.pem there)"),
    tlsverify: optionalFlag("Use TLS and verify the remote"),
    version: flag("Print the version and quit", { short: "v" }),
  },
  operands: { minimum: 0 },
  optionsFirst: true,
  run: async () => 0,
});
