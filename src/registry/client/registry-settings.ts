import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { z } from "zod";
import { errnoOf, fail, messageOf } from "../../base/errors.ts";

/** How to reach registries, read anew for each operation, so that a change needs no restart. */
export interface RegistrySettings {
  /** Hosts and CIDR blocks that may be spoken to without TLS, or with a certificate that nobody vouches for. */
  readonly insecure: readonly string[];
  /** Base URLs that are asked before Docker Hub, in order. */
  readonly mirrors: readonly URL[];
  /** Directories in the manner of /etc/docker/certs.d, first found wins. */
  readonly certificates: readonly string[];
}

/** The keys of Docker's daemon.json. */
const FileSchema = z.looseObject({
  "insecure-registries": z.array(z.string()).nullish(),
  "registry-mirrors": z.array(z.url({ protocol: /^https?$/ })).nullish(),
});

/**
 * From `<root>/registries.json` or, where that is not there, /etc/lighter/registries.json; certificates from `certs.d`
 * beside them and from /etc/docker/certs.d.
 * @throws invalid `REGISTRIES_FILE`, naming the file and what is wrong with it.
 */
export function readRegistrySettings(root: string): RegistrySettings {
  const directories = [root, "/etc/lighter"];
  const file = directories.map((directory) => join(directory, "registries.json")).find((path) => read(path) !== null);
  const settings = file === undefined ? {} : parse(file);
  return {
    insecure: settings["insecure-registries"] ?? [],
    mirrors: (settings["registry-mirrors"] ?? []).map((mirror) => new URL(mirror)),
    certificates: [...directories, "/etc/docker"].map((directory) => join(directory, "certs.d")),
  };
}

/** What TLS needs for one host. */
export interface HostCertificates {
  /** Authorities beside the usual ones; undefined: only those. */
  readonly ca?: string[];
  /** A client's certificate and key. */
  readonly cert?: string;
  readonly key?: string;
}

/** `<certs.d>/<host[:port]>/`: every `.crt` is an authority, every `.cert` with its `.key` a client certificate. */
export function certificatesOf(settings: RegistrySettings, host: string): HostCertificates {
  for (const directory of settings.certificates.map((base) => join(base, host))) {
    const names = list(directory);
    if (names.length === 0) continue;
    const texts = (suffix: string) =>
      names.filter((name) => name.endsWith(suffix)).flatMap((name) => read(join(directory, name)) ?? []);
    const ca = texts(".crt");
    const client = names.find((name) => name.endsWith(".cert"));
    const [cert, key] = client
      ? [read(join(directory, client)), read(join(directory, client.replace(/\.cert$/, ".key")))]
      : [null, null];
    if (client && key === null) {
      fail(
        "invalid",
        "CLIENT_KEY",
        `missing key ${client.replace(/\.cert$/, ".key")} for client certificate ${client} in ${directory}`,
      );
    }
    return {
      ...(ca.length > 0 && { ca: [...rootCertificates, ...ca] }),
      ...(cert !== null && key !== null && { cert, key }),
    };
  }
  return {};
}

function parse(path: string): z.infer<typeof FileSchema> {
  try {
    return FileSchema.parse(JSON.parse(read(path) ?? "{}"));
  } catch (cause) {
    const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined;
    const why = issue ? `${issue.path.join(".")}: ${issue.message}` : messageOf(cause);
    return fail("invalid", "REGISTRIES_FILE", `cannot use ${path}: ${why}`, { cause });
  }
}

function read(path: string): string | null {
  return orMissing(() => readFileSync(path, "utf8"), null);
}

function list(path: string): string[] {
  return orMissing(() => readdirSync(path).sort(), []);
}

function orMissing<T>(look: () => T, missing: T): T {
  try {
    return look();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ENOTDIR") return missing;
    throw error;
  }
}
