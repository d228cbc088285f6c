/**
 * Rewrites create-bodies.golden.json: runs the docker CLI on the PATH against a socket that only notes what it is sent.
 * Run by hand with `bun test/cli/record-docker-requests.ts` when cases change; review the diff like code.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCases, refusedCases } from "./create-cases.ts";

const scratch = mkdtempSync(join(tmpdir(), "record-"));
const socket = join(scratch, "docker.sock");
let request: { url: string; body: unknown } | null = null;

const server = createServer(async (message, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const create = message.url?.includes("/containers/create") === true;
  if (create) request = { url: message.url ?? "", body: JSON.parse(text) };
  response.writeHead(create ? 201 : 200, {
    "Api-Version": "1.50",
    OSType: "linux",
    "Content-Type": "application/json",
  });
  response.end(create ? `{"Id":"${"a".repeat(64)}","Warnings":[]}` : "{}");
});
await new Promise<void>((resolve) => server.listen(socket, resolve));

const accepted = [];
for (const argv of createCases) {
  request = null;
  const { stderr } = await docker(argv);
  const sent = sentRequest();
  if (sent === null) throw new Error(`docker create ${argv.join(" ")} sent nothing: ${stderr}`);
  accepted.push({ argv, query: sent.url.replace(/^[^?]*\??/, ""), body: sent.body });
}
const refused = [];
for (const argv of refusedCases) {
  request = null;
  const { stderr, exitCode } = await docker(argv);
  const sent = sentRequest();
  refused.push(sent === null ? { argv, exitCode, message: stderr.split("\n")[0] } : { argv, passedOn: true });
}
server.close();
rmSync(scratch, { recursive: true });
const here = import.meta.dirname;
writeFileSync(
  join(here, "create-bodies.golden.json"),
  `${JSON.stringify(accepted, null, 1).replaceAll(here, "$HERE")}\n`,
);
writeFileSync(
  join(here, "create-refusals.golden.json"),
  `${JSON.stringify(refused, null, 1).replaceAll(here, "$HERE")}\n`,
);

/** A call, so that the compiler forgets what it thinks it knows of a variable that the server writes. */
function sentRequest(): typeof request {
  return request;
}

async function docker(argv: readonly string[]): Promise<{ stderr: string; exitCode: number | null }> {
  const child = spawn("docker", ["create", ...argv], {
    cwd: import.meta.dirname,
    env: { PATH: process.env.PATH, HOME: scratch, DOCKER_HOST: `unix://${socket}`, GIVEN_BY_CALLER: "given" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const exitCode = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { stderr, exitCode };
}
