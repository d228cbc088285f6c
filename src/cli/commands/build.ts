import { writeFileSync } from "node:fs";
import { openContext } from "../build/build-context.ts";
import { defineCommand } from "../command.ts";
import { collectLabels, parseLabel } from "../container/environment.ts";
import { parseUlimit } from "../container/limit-flags.ts";
import { parseExtraHost } from "../container/name-flags.ts";
import { bytes, flag, integer, list, text } from "../option.ts";
import { print, printError, STDOUT, write } from "../output.ts";
import { type ProgressDocument, ProgressError, showProgress } from "../progress.ts";

export const command = defineCommand({
  name: "build",
  summary: "Build an image from a Dockerfile",
  usage: "[OPTIONS] PATH | URL | -",
  aliases: ["image build"],
  examples: [
    { command: "lighter build -t my/web .", meaning: "the Dockerfile of this directory" },
    {
      command: "lighter build -f build/web.dockerfile --build-arg VERSION=2 .",
      meaning: "another file, with an argument",
    },
    { command: "lighter build - < Dockerfile", meaning: "a Dockerfile alone, without files" },
    { command: "lighter build -q .", meaning: "print the image's ID and nothing else" },
  ],
  options: {
    "add-host": list("Add a line to /etc/hosts (name:ip)", {}, parseExtraHost),
    "build-arg": list("Set a build argument (name[=value])"),
    "cache-from": list("Use these images' steps as cache"),
    "cgroup-parent": text("Make the steps' cgroups under this one"),
    "cpu-period": integer("Period of the CPU quota, in microseconds"),
    "cpu-quota": integer("CPU time in each period, in microseconds"),
    "cpu-shares": integer("Relative weight of CPU time", { short: "c" }),
    "cpuset-cpus": text("CPUs to run on (0-3, 0,1)"),
    "cpuset-mems": text("Memory nodes to use (0-3, 0,1)"),
    file: text("The Dockerfile, in the context or not; - is standard input", { short: "f" }),
    "force-rm": flag("Remove the containers of the steps even after a failure"),
    iidfile: text("Write the image's ID to this file"),
    label: list("Set a label of the image", {}, parseLabel),
    memory: bytes("Memory limit of the steps", { short: "m" }),
    "memory-swap": bytes("Limit of memory and swap together; -1 for no limit of swap"),
    network: text("Network of the RUN steps", { shownDefault: '"default"' }),
    "no-cache": flag("Run every step again"),
    platform: text("Platform of the image"),
    pull: flag("Look for newer base images"),
    quiet: flag("Show only the image's ID", { short: "q" }),
    rm: flag("Remove the containers of the steps", { initial: true }),
    "security-opt": list("Security option of the steps"),
    "shm-size": bytes("Size of /dev/shm"),
    tag: list("Name of the image (name[:tag])", { short: "t" }),
    target: text("Stage to end with"),
    ulimit: list("Set a resource limit (name=soft[:hard])", { placeholder: "ulimit" }, parseUlimit),
  },
  operands: { minimum: 1, maximum: 1 },
  async run({ options, operands: [place = ""], engine }) {
    const { quiet, iidfile } = options;
    const context = await openContext(place, options.file);
    const api = await engine();
    const query = {
      t: options.tag,
      remote: context.remote,
      dockerfile: context.dockerfile,
      buildargs: JSON.stringify(buildArguments(options["build-arg"])),
      labels: JSON.stringify(collectLabels([], options.label)),
      cachefrom: JSON.stringify(options["cache-from"]),
      cgroupparent: options["cgroup-parent"],
      cpuperiod: options["cpu-period"],
      cpuquota: options["cpu-quota"],
      cpushares: options["cpu-shares"],
      cpusetcpus: options["cpuset-cpus"],
      cpusetmems: options["cpuset-mems"],
      extrahosts: options["add-host"].length > 0 ? options["add-host"].join(",") : undefined,
      forcerm: options["force-rm"] ? 1 : undefined,
      memory: options.memory,
      memswap: options["memory-swap"],
      networkmode: options.network ?? "default",
      nocache: options["no-cache"] ? 1 : undefined,
      platform: options.platform,
      pull: options.pull ? 1 : undefined,
      q: quiet ? 1 : undefined,
      rm: options.rm ? 1 : 0,
      shmsize: options["shm-size"],
      securityopt: options["security-opt"].length > 0 ? JSON.stringify(options["security-opt"]) : undefined,
      target: options.target,
      ulimits: options.ulimit.length > 0 ? JSON.stringify(options.ulimit) : undefined,
      version: 1,
    };
    const documents = api.documents<ProgressDocument>("POST", "/build", {
      query,
      stream: context.archive && (quiet ? context.archive : announced(context.archive)),
      headers: { "Content-Type": "application/x-tar" },
    });
    try {
      const id = await showProgress(documents, { quiet, to: "stdout" });
      if (quiet && id !== undefined) await print(id);
      if (iidfile !== undefined && id !== undefined) writeFileSync(iidfile, id);
      return 0;
    } catch (error) {
      if (!(error instanceof ProgressError)) throw error;
      await printError(error.message);
      return error.exitCode || 1;
    }
  },
});

/** A bare name takes the caller's value; null tells the builder that there is none. */
function buildArguments(words: readonly string[]): Record<string, string | null> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf("=");
      return at < 0 ? [word, process.env[word] ?? null] : [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}

/** Says how much was sent: while it is sent in a terminal, once elsewhere. */
async function* announced(archive: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const { formatByteSize } = await import("../byte-size.ts");
  const live = (await import("../streams/terminal.ts")).isTerminal(STDOUT);
  const line = (total: number) => `Sending build context to the engine  ${formatByteSize(total, 4)}`;
  let total = 0;
  let shownAt = 0;
  for await (const chunk of archive) {
    total += chunk.length;
    const now = performance.now();
    if (live && now - shownAt > 100) {
      shownAt = now;
      await write(STDOUT, `\r\x1b[2K${line(total)}`);
    }
    yield chunk;
  }
  await write(STDOUT, `${live ? "\r\x1b[2K" : ""}${line(total)}\n`);
}
