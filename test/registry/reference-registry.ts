import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, within } from "../harness/deadline.ts";

export interface TestRegistry extends AsyncDisposable {
  /** Ends with a slash. */
  readonly url: string;
  /** As image names have it. */
  readonly host: string;
}

export interface ReferenceOptions {
  /** Where it keeps what it has; else it forgets all when it ends. */
  readonly data?: string;
  /** Only the users of this password file may come in. */
  readonly htpasswd?: string;
}

/** The package docker-registry, on a directory and port of its own. */
export async function startReferenceRegistry({ data, htpasswd }: ReferenceOptions = {}): Promise<TestRegistry> {
  const directory = mkdtempSync(join(tmpdir(), "reference-registry-"));
  const host = `127.0.0.1:${await freePort()}`;
  const config = {
    version: 0.1,
    log: { level: "error", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: data ?? join(directory, "data") }, delete: { enabled: true } },
    http: { addr: host },
    ...(htpasswd && { auth: { htpasswd: { realm: "test", path: htpasswd } } }),
  };
  // JSON is YAML.
  writeFileSync(join(directory, "config.yml"), JSON.stringify(config));
  const child = spawn("docker-registry", ["serve", join(directory, "config.yml")], { stdio: "ignore" });
  const ended = once(child, "exit");
  const url = `http://${host}/`;
  await eventually("docker-registry answers", () =>
    fetch(`${url}v2/`).then(
      ({ status }) => status === 200 || status === 401 || undefined,
      () => undefined,
    ),
  );
  return {
    url,
    host,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await within("docker-registry ends", ended);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return address.port;
}
