import { defineCommand } from "../command.ts";
import { collectLabels, parseLabel } from "../container/environment.ts";
import { parseUlimit } from "../container/limit-flags.ts";
import { parseExtraHost } from "../container/name-flags.ts";
import { bytes, flag, integer, list, text } from "../option.ts";

export const command = defineCommand({
  name: "build",
  summary: "Build an image from a Dockerfile",
  usage: "[OPTIONS] PATH | URL | -",
  aliases: ["image build", "builder build"],
  examples: [
    { command: "lighter build -t my/web .", meaning: "the Dockerfile of this directory" },
    {
      command: "lighter build -f build/web.dockerfile --build-arg VERSION=2 .",
      meaning: "another file, with an argument",
    },
    { command: "lighter build --secret id=token,src=token.txt .", meaning: "a secret for RUN --mount=type=secret" },
    { command: "lighter build -o out .", meaning: "the image's files into a directory" },
    { command: "lighter build --explain --graph build.svg .", meaning: "why steps were made, and a picture of all" },
    { command: "lighter build - < Dockerfile", meaning: "a Dockerfile alone, without files" },
    { command: "lighter build -q .", meaning: "print the image's ID and nothing else" },
  ],
  options: {
    "add-host": list("Add a line to /etc/hosts (name:ip)", {}, parseExtraHost),
    allow: list("Allow what Dockerfiles may not do by themselves (network.host, security.insecure)"),
    "build-arg": list("Set a build argument (name[=value])"),
    "build-context": list("Name a further context (name=path|URL|docker-image://image)"),
    "cache-from": list("Use these images' steps as cache (image, or type=registry,ref=image)", {}, parseCacheFrom),
    "cache-to": list("Let the image carry the cache of its steps (type=inline)", {}, parseCacheTo),
    "cgroup-parent": text("Make the steps' cgroups under this one"),
    check: flag("Only check the Dockerfile, by BuildKit's rules"),
    "cpu-period": integer("Period of the CPU quota, in microseconds"),
    "cpu-quota": integer("CPU time in each period, in microseconds"),
    "cpu-shares": integer("Relative weight of CPU time", { short: "c" }),
    "cpuset-cpus": text("CPUs to run on (0-3, 0,1)"),
    "cpuset-mems": text("Memory nodes to use (0-3, 0,1)"),
    explain: flag("Tell of each step why it was cached or made"),
    file: text("The Dockerfile, in the context or not; - is standard input", { short: "f" }),
    "force-rm": flag("Accepted for Docker's sake: nothing is left in any case"),
    graph: text("Draw the graph of steps, times and critical path into this file (SVG)"),
    iidfile: text("Write the image's ID to this file"),
    label: list("Set a label of the image", {}, parseLabel),
    load: flag("Accepted for Docker's sake: images are stored in any case"),
    memory: bytes("Memory limit of the steps", { short: "m" }),
    "memory-swap": bytes("Limit of memory and swap together; -1 for no limit of swap"),
    network: text("Network of the RUN steps", { shownDefault: '"default"' }),
    "no-cache": flag("Run every step again"),
    "no-cache-filter": list("Run the steps of these stages again"),
    output: list("Where the result goes (type=local|tar|oci|docker|image,dest=path, or a directory)", { short: "o" }),
    platform: text("Platform of the image"),
    progress: text("How to show progress (auto, plain, tty, quiet)", { shownDefault: '"auto"' }),
    pull: flag("Look for newer base images"),
    quiet: flag("Show only the image's ID", { short: "q" }),
    rm: flag("Accepted for Docker's sake: nothing is left in any case", { initial: true }),
    secret: list("A secret for the build (id=name[,src=file|,env=variable])"),
    "security-opt": list("Security option of the steps"),
    "shm-size": bytes("Size of /dev/shm"),
    squash: flag("Make one layer of all that the Dockerfile adds"),
    ssh: list("Forward an SSH agent to the build (default|id[=socket])"),
    tag: list("Name of the image (name[:tag])", { short: "t" }),
    target: text("Stage to end with"),
    ulimit: list("Set a resource limit (name=soft[:hard])", { placeholder: "ulimit" }, parseUlimit),
  },
  operands: { minimum: 1, maximum: 1 },
  async run({ options, operands: [place = ""], engine }) {
    const { buildCommand } = await import("../build/build-command.ts");
    const order = {
      target: options.target ?? "",
      buildArgs: buildArguments(options["build-arg"]),
      labels: collectLabels([], options.label),
      platform: options.platform ?? "",
      noCache: options["no-cache"],
      noCacheStages: options["no-cache-filter"].flatMap((names) => names.split(",")),
      pull: options.pull,
      squash: options.squash,
      check: options.check,
      networkMode: options.network ?? "default",
      extraHosts: options["add-host"],
      entitlements: options.allow,
      shmSizeBytes: options["shm-size"] ?? 0,
      securityOptions: options["security-opt"],
      cacheFrom: options["cache-from"],
      inlineCache: options["cache-to"].length > 0,
      resources: {
        CgroupParent: options["cgroup-parent"],
        CpuPeriod: options["cpu-period"],
        CpuQuota: options["cpu-quota"],
        CpuShares: options["cpu-shares"],
        CpusetCpus: options["cpuset-cpus"],
        CpusetMems: options["cpuset-mems"],
        Memory: options.memory,
        MemorySwap: options["memory-swap"],
        Ulimits: options.ulimit,
      },
    };
    return buildCommand(engine, order, {
      place,
      file: options.file,
      contexts: options["build-context"],
      secrets: options.secret,
      agents: options.ssh,
      outputs: options.output,
      tags: options.tag,
      progress: options.quiet ? "quiet" : (options.progress ?? "auto"),
      iidFile: options.iidfile,
      explains: options.explain,
      graphFile: options.graph,
      checks: options.check,
    });
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

function parseCacheFrom(text: string): string {
  if (!text.includes("=")) return text;
  const fields = new Map(text.split(",").map((field): [string, string] => splitPair(field)));
  const reference = fields.get("ref");
  if (fields.get("type") === "registry" && reference) return reference;
  throw new Error(`unsupported cache source ${JSON.stringify(text)} (expected an image, or type=registry,ref=image)`);
}

function parseCacheTo(text: string): string {
  if (text === "type=inline" || text === "inline") return "inline";
  throw new Error(`unsupported cache destination ${JSON.stringify(text)} (expected type=inline, then push the image)`);
}

function splitPair(field: string): [string, string] {
  const equals = field.indexOf("=");
  return equals < 0 ? [field, ""] : [field.slice(0, equals), field.slice(equals + 1)];
}
