import { type Address, PLAIN_PORT, parseAddress, TLS_PORT } from "../base/engine-address.ts";
import { errnoOf, LighterError } from "../base/errors.ts";
import { ownCommand } from "../base/own-command.ts";
import { resolvePaths } from "../base/paths.ts";
import { type Api, openApi } from "../client/api.ts";
import type { TlsCredentials, TlsFlags } from "../client/tls-credentials.ts";
import { openTransport } from "../client/transport.ts";
import { tracePhase } from "./trace.ts";

/** Where the engine is, and its API over connections that are kept. */
export interface ConnectedEngine {
  readonly address: Address;
  readonly tls: TlsCredentials | null;
  readonly api: Api;
}

/** What the flags before a command's name say of the engine. */
export interface EngineFlags extends TlsFlags {
  readonly host?: string;
}

/**
 * The engine named by `-H` or `LIGHTER_HOST`, or else the one of this machine's root, which is started when it does not
 * listen.
 * @throws unavailable, in Docker's words, when a named engine does not listen
 */
export async function connectEngine(flags: EngineFlags): Promise<ConnectedEngine> {
  const host = flags.host ?? process.env.LIGHTER_HOST;
  if (host) return connectNamed(host, flags);
  const paths = resolvePaths();
  const address: Address = { kind: "unix", path: paths.socket };
  const transport = await openTransport(address);
  tracePhase("transport");
  try {
    await transport.connect();
  } catch (error) {
    if (!(error instanceof LighterError) || !isNobodyThere(error)) throw error;
    const { startEngine } = await import("../client/start-engine.ts");
    await startEngine(ownCommand(), paths, () =>
      transport.connect().then(
        () => true,
        () => false,
      ),
    );
  }
  tracePhase("connected");
  return { address, tls: null, api: openApi(transport) };
}

async function connectNamed(host: string, flags: EngineFlags): Promise<ConnectedEngine> {
  const isTcp = !host.startsWith("/") && !/^(?:unix|ssh):/.test(host);
  const tls = isTcp ? (await import("../client/tls-credentials.ts")).readTlsCredentials(flags) : null;
  const address = parseAddress(host, tls ? TLS_PORT : PLAIN_PORT);
  return { address, tls, api: openApi(await openTransport(address, tls)) };
}

function isNobodyThere(error: LighterError): boolean {
  const errno = errnoOf(error.cause);
  return errno === "ENOENT" || errno === "ECONNREFUSED";
}
