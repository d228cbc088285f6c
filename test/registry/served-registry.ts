import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { within } from "../harness/deadline.ts";
import { LIGHTER } from "../harness/program.ts";
import type { TestRegistry } from "./reference-registry.ts";

export interface ServedRegistry extends TestRegistry {
  readonly pid: number;
}

/** `lighter registry serve`, as its users start it, on a directory and port of its own. */
export async function serveRegistryCommand(...flags: string[]): Promise<ServedRegistry> {
  const root = mkdtempSync(join(tmpdir(), "registry-serve-"));
  const [program = "", ...leading] = LIGHTER;
  const args = [...leading, "registry", "serve", "--addr", "127.0.0.1:0", "--root", root, ...flags];
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "exit");
  let log = "";
  const url = await within(
    "lighter registry serve listens",
    new Promise<string>((resolve, reject) => {
      child.stderr.on("data", (piece: Buffer) => {
        log += piece;
        const found = /listening url="([^"]+)"/.exec(log)?.[1];
        if (found) resolve(found);
      });
      void ended.then(() => reject(new Error(`it ended: ${log}`)));
    }),
  );
  const { pid } = child;
  if (pid === undefined) throw new Error("the registry was not started");
  return {
    url,
    host: new URL(url).host,
    pid,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await within("lighter registry serve ends", ended);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** A password file in which bob has the password `secret`, as `htpasswd -B` makes it. @returns its path. */
export async function writePasswords(directory: string): Promise<string> {
  const path = join(directory, "htpasswd");
  // Go's bcrypt knows the prefix that htpasswd writes, not the newer one.
  const hash = (await Bun.password.hash("secret", { algorithm: "bcrypt", cost: 4 })).replace(/^\$2b\$/, "$2y$");
  writeFileSync(path, `bob:${hash}\n`);
  return path;
}
