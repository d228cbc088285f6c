import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Server } from "node:http";
import { fail, messageOf } from "../base/errors.ts";

/** Who an engine that listens on a network is, and whose clients it lets in; all in PEM. */
export interface ServerCredentials {
  readonly cert: string;
  readonly key: string;
  /** The authority of clients' certificates; null: anyone comes in. */
  readonly clientAuthority: string | null;
}

/** The same, as paths of files. */
export type CredentialFiles = ServerCredentials;

/** @throws invalid `TLS_FILE`, naming the one that cannot be read */
export function readServerCredentials(paths: CredentialFiles): ServerCredentials {
  return {
    cert: read(paths.cert),
    key: read(paths.key),
    clientAuthority: paths.clientAuthority === null ? null : read(paths.clientAuthority),
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    return fail("invalid", "TLS_FILE", `cannot read ${path} for TLS: ${messageOf(cause)}`, { cause });
  }
}

/** What node:https has to know; TLS 1.2 is Docker's oldest too. */
export function tlsOptions({ cert, key, clientAuthority }: ServerCredentials) {
  const authority =
    clientAuthority === null ? {} : { ca: clientAuthority, requestCert: true, rejectUnauthorized: true };
  return { cert, key, ...authority, minVersion: "TLSv1.2" as const };
}

/** @throws unavailable `CANNOT_LISTEN` */
export async function listenOnTcp(server: Server, host: string, port: number): Promise<void> {
  try {
    server.listen({ host, port });
    await once(server, "listening");
  } catch (cause) {
    server.close();
    fail("unavailable", "CANNOT_LISTEN", `cannot listen at ${host}:${port}: ${messageOf(cause)}`, { cause });
  }
}
