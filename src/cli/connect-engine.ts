import { errnoOf, LighterError } from "../base/errors.ts";
import { resolvePaths } from "../base/paths.ts";
import { type Address, parseAddress } from "../client/address.ts";
import { type Api, openApi } from "../client/api.ts";
import { openTransport } from "../client/transport.ts";
import { tracePhase } from "./trace.ts";

/** Where the engine is, and its API over connections that are kept. */
export interface ConnectedEngine {
  readonly address: Address;
  readonly api: Api;
}

/**
 * The engine named by `-H` or `LIGHTER_HOST`, or else the one of this machine's root, which is started when it does not
 * listen.
 * @throws unavailable, in Docker's words, when a named engine does not listen
 */
export async function connectEngine(host = process.env.LIGHTER_HOST): Promise<ConnectedEngine> {
  if (host) {
    const address = parseAddress(host);
    return { address, api: openApi(await openTransport(address)) };
  }
  const paths = resolvePaths();
  const address: Address = { kind: "unix", path: paths.socket };
  const transport = await openTransport(address);
  tracePhase("transport");
  try {
    await transport.connect();
  } catch (error) {
    if (!(error instanceof LighterError) || !isNobodyThere(error)) throw error;
    const { startEngine } = await import("../client/start-engine.ts");
    await startEngine(engineCommand(), paths, () =>
      transport.connect().then(
        () => true,
        () => false,
      ),
    );
  }
  tracePhase("connected");
  return { address, api: openApi(transport) };
}

function isNobodyThere(error: LighterError): boolean {
  const errno = errnoOf(error.cause);
  return errno === "ENOENT" || errno === "ECONNREFUSED";
}

/** This same program: the executable, or in a source tree the runtime and this program's entry. */
function engineCommand(): readonly string[] {
  return Bun.main.startsWith("/$bunfs/") ? [process.execPath] : [process.execPath, Bun.main];
}
