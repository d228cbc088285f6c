import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { errnoOf, fail } from "../base/errors.ts";

/** The programs that speak netlink for us, and the packages that bring them. Never on the way of a plain `run`. */
const PACKAGES = { ip: "iproute2", nft: "nftables" } as const;

/** Where distributions put them; a user's PATH may lack the sbin directories. */
const SEARCH_PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Runs one batch of commands through the program's standard input.
 * @throws unavailable `HOST_COMMAND_MISSING`, naming the package; internal `HOST_COMMAND_FAILED` with what it said.
 */
export async function runBatch(program: "ip" | "nft", args: readonly string[], batch: string): Promise<void> {
  const child = spawn(program, args, {
    stdio: ["pipe", "ignore", "pipe"],
    env: { PATH: SEARCH_PATH, LC_ALL: "C" },
  });
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const said = text(child.stderr);
  // A program that fails early closes its input; what matters then is its exit code.
  child.stdin.on("error", () => {});
  child.stdin.end(batch);
  let status: number | null;
  try {
    status = await exited;
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
    fail(
      "unavailable",
      "HOST_COMMAND_MISSING",
      `bridge networks need the program "${program}": install the package ${PACKAGES[program]}, or use --network host or none`,
      { cause: error },
    );
  }
  if (status !== 0) {
    const reason = (await said).trim().split("\n").slice(0, 2).join(" ");
    fail("internal", "HOST_COMMAND_FAILED", `${program}: ${reason || `ended with status ${status}`}`);
  }
}
