import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lockRoot } from "./engine-lock.ts";

test("a root is one engine's until it lets go", () => {
  const root = mkdtempSync(join(tmpdir(), "lock-"));
  try {
    const first = lockRoot(root);
    expect(first).not.toBeNull();
    expect(lockRoot(root)).toBeNull();
    first?.[Symbol.dispose]();
    const second = lockRoot(root);
    expect(second).not.toBeNull();
    second?.[Symbol.dispose]();
  } finally {
    rmSync(root, { recursive: true });
  }
});

test("an engine that was killed holds nothing, and another process is kept out", async () => {
  const root = mkdtempSync(join(tmpdir(), "lock-"));
  const script = `import { lockRoot } from ${JSON.stringify(join(import.meta.dir, "engine-lock.ts"))};
    const lock = lockRoot(process.argv[1]); console.log(lock ? "held" : "refused"); if (lock) setInterval(() => lock, 1000);`;
  const holder = Bun.spawn([process.execPath, "-e", script, root], { stdout: "pipe" });
  try {
    const { value } = await holder.stdout.getReader().read();
    expect(new TextDecoder().decode(value).trim()).toBe("held");
    expect(lockRoot(root)).toBeNull();
    holder.kill("SIGKILL");
    await holder.exited;
    const lock = lockRoot(root);
    expect(lock).not.toBeNull();
    lock?.[Symbol.dispose]();
  } finally {
    holder.kill("SIGKILL");
    rmSync(root, { recursive: true });
  }
});
