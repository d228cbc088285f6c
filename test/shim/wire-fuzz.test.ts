import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeExec, encodeStart } from "../../src/runtime/shim-request.ts";
import { execRequest, ShimFixture } from "./shim-fixture.ts";

const NATIVE = join(import.meta.dir, "../../native/shim");
const ROUNDS = 20_000;

test("the shim's parser survives mutated messages under the sanitizers", async () => {
  await using fixture = new ShimFixture(0);
  const directory = mkdtempSync(join(tmpdir(), "lighter-fuzz-"));
  try {
    const program = join(directory, "wire_fuzz");
    const flags = ["-std=gnu11", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    const build = spawnSync(
      "gcc",
      [...flags, join(NATIVE, "fuzz/wire_fuzz.c"), join(NATIVE, "wire.c"), "-o", program],
      {
        encoding: "utf8",
      },
    );
    expect(build.stderr).toBe("");
    const link = { bridge: "b", hostName: "h", containerName: "eth0", mac: "02:00:00:00:00:01" };
    const start = fixture.request({
      args: ["true"],
      request: {
        cgroupWrites: [{ controller: "memory", file: "memory.limit_in_bytes", value: "1" }],
        links: [
          { ...link, address: "10.0.0.2", prefixLength: 24, gateway: "10.0.0.1", ipv6: null, child: null, mtu: 1500 },
        ],
        heldPorts: [{ protocol: "tcp", ip: "::1", port: 80 }],
      },
    });
    writeFileSync(join(directory, "start"), encodeStart(start).toBytes());
    writeFileSync(join(directory, "exec"), encodeExec(execRequest("e", ["true"])).toBytes());
    // Another seed each time: what one finds is printed with it.
    const seed = String(Date.now());
    const run = spawnSync(program, [seed, String(ROUNDS), join(directory, "start"), join(directory, "exec")], {
      encoding: "utf8",
    });
    expect({ seed, status: run.status, said: run.stderr }).toEqual({ seed, status: 0, said: "" });
  } finally {
    rmSync(directory, { recursive: true });
  }
}, 30_000);
