import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { errnoOf, fail, messageOf } from "../base/errors.ts";

/** How a client knows an engine behind TLS, and shows who it is; all in PEM. */
export interface TlsCredentials {
  /** The authority that vouches for the engine; absent: the system's. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** False: any certificate of the engine is taken. */
  readonly verify: boolean;
}

/** Docker's flags, as they were given. */
export interface TlsFlags {
  readonly tls?: boolean;
  readonly tlsverify?: boolean;
  readonly tlscacert?: string;
  readonly tlscert?: string;
  readonly tlskey?: string;
}

/**
 * Reads the files that flags and Docker's variables name: DOCKER_TLS_VERIFY, DOCKER_TLS, and DOCKER_CERT_PATH, ~/.docker by
 * default, for `ca.pem`, `cert.pem` and `key.pem`.
 * @returns null where nobody asked for TLS
 * @throws invalid `TLS_FILE` for one that cannot be read; one that was not named need not be there
 */
export function readTlsCredentials(
  flags: TlsFlags = {},
  env: Readonly<Record<string, string | undefined>> = process.env,
): TlsCredentials | null {
  const verify = flags.tlsverify ?? Boolean(env.DOCKER_TLS_VERIFY);
  if (!verify && !(flags.tls ?? Boolean(env.DOCKER_TLS)) && flags.tlscacert === undefined) return null;
  const directory = env.DOCKER_CERT_PATH || join(homedir(), ".docker");
  const readFlagOr = (named: string | undefined, name: string) =>
    named === undefined ? readIfThere(join(directory, name)) : read(named);
  return {
    ca: readFlagOr(flags.tlscacert, "ca.pem"),
    cert: readFlagOr(flags.tlscert, "cert.pem"),
    key: readFlagOr(flags.tlskey, "key.pem"),
    verify: verify || flags.tlscacert !== undefined,
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    return fail("invalid", "TLS_FILE", `cannot read ${path} for TLS: ${messageOf(cause)}`, { cause });
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
