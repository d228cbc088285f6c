import { createServer, type Server, type ServerOptions } from "node:http";
import { type Address, formatAddress } from "../base/engine-address.ts";
import { fail } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import {
  type CredentialFiles,
  listenOnTcp,
  readServerCredentials,
  type ServerCredentials,
  tlsOptions,
} from "./tcp-listener.ts";
import { listenOnUnixSocket } from "./unix-listener.ts";

/** Where the engine is to be reached, and by whom. */
export interface ListenOptions {
  readonly addresses: readonly Address[];
  /** Name or number of the group that may use the unix sockets; undefined: `docker`, where there is one. */
  readonly group?: string;
  /** For TCP; null: without TLS. */
  readonly tls: CredentialFiles | null;
  /** TCP without knowing who comes is what its user wants. */
  readonly insecure: boolean;
}

/** What {@link listenEverywhere} needs, found to be in order before anything is opened. */
export interface ListenPlan {
  readonly addresses: readonly Address[];
  readonly group?: string;
  readonly credentials: ServerCredentials | null;
}

/** Makes a server of a kind; what it serves is the caller's matter. */
export type MakeServer = (create: (options: ServerOptions) => Server) => Server;

/** @throws forbidden `INSECURE_TCP`; invalid `TLS_FILE` */
export function planListeners({ addresses, group, tls, insecure }: ListenOptions, log: Log): ListenPlan {
  for (const address of addresses) {
    if (address.kind !== "tcp" || tls?.clientAuthority) continue;
    const where = formatAddress(address);
    if (!insecure) refuseInsecure(where);
    log("warn", "INSECURE: everyone who reaches this address is root on this machine", { address: where });
  }
  return { addresses, group, credentials: tls && readServerCredentials(tls) };
}

/** Whoever may use the API is root on this machine. */
function refuseInsecure(where: string): never {
  return fail(
    "forbidden",
    "INSECURE_TCP",
    `${where} without client certificates would make everyone who reaches it root on this machine: ` +
      "use --tlsverify with --tlscacert, --tlscert and --tlskey, or say --insecure",
  );
}

/**
 * Everything that listens. Disposing closes it, connections included, and removes what names it had.
 * @throws unavailable `CANNOT_LISTEN`; nothing listens then
 */
export async function listenEverywhere(plan: ListenPlan, makeServer: MakeServer): Promise<Disposable> {
  const listening: { readonly server: Server; readonly forget: () => void }[] = [];
  const dispose = () => {
    for (const { server, forget } of listening.splice(0)) {
      forget();
      server.close();
      server.closeAllConnections();
    }
  };
  try {
    for (const address of plan.addresses) listening.push(await listen(address, plan, makeServer));
  } catch (error) {
    dispose();
    throw error;
  }
  return { [Symbol.dispose]: dispose };
}

async function listen(address: Address, { group, credentials }: ListenPlan, makeServer: MakeServer) {
  switch (address.kind) {
    case "unix": {
      const server = makeServer(createServer);
      return { server, forget: await listenOnUnixSocket(server, address.path, group) };
    }
    case "tcp": {
      const server = makeServer(credentials ? await secureServer(credentials) : createServer);
      await listenOnTcp(server, address.host, address.port);
      return { server, forget: () => {} };
    }
    case "ssh":
      return fail("invalid", "INVALID_HOST", `cannot listen at ${formatAddress(address)}: ssh is a way to an engine`);
    default:
      return address satisfies never;
  }
}

/** Loaded where it is asked for: most engines listen on a unix socket alone. */
async function secureServer(credentials: ServerCredentials): Promise<(options: ServerOptions) => Server> {
  const { createServer: createSecureServer } = await import("node:https");
  return (options) => createSecureServer({ ...options, ...tlsOptions(credentials) });
}
