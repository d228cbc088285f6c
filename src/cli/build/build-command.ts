import { writeFileSync } from "node:fs";
import type { Api } from "../../client/api.ts";
import { BuildFailure, runBuild } from "../../client/build/run-build.ts";
import { findCredentials, registryOf } from "../../client/registry-credentials.ts";
import { print, printError, STDERR } from "../output.ts";
import {
  type BuildSources,
  findSources,
  type OutputFlag,
  parseOutput,
  readAgents,
  readSecrets,
} from "./build-order.ts";
import { BuildRecord } from "./build-progress.ts";
import { openSink } from "./output-sink.ts";
import { type BuildView, plainView, quietView } from "./show-plain.ts";

export interface BuildFlags {
  readonly place: string;
  readonly file: string | undefined;
  readonly contexts: readonly string[];
  readonly secrets: readonly string[];
  readonly agents: readonly string[];
  readonly outputs: readonly string[];
  readonly tags: readonly string[];
  readonly progress: string;
  readonly iidFile: string | undefined;
  readonly explains: boolean;
  readonly graphFile: string | undefined;
  /** Nothing is built; warnings are what it fails with. */
  readonly checks: boolean;
}

/** Carries out `lighter build`: sends what the engine lacks, shows how it goes, puts the result where it was asked for. */
export async function buildCommand(engine: () => Promise<Api>, order: object, flags: BuildFlags): Promise<number> {
  const sources = await findSources(flags.place, flags.file, flags.contexts);
  const outputs = flags.outputs.map(parseOutput);
  if (outputs.length === 0) outputs.push({ type: "image", destination: "", names: [] });
  const archives = outputs.filter(({ type }) => type !== "image");
  if (archives.length > 1) throw new Error("only one output can be an archive or a directory");
  const sink = await openSink(archives[0]);
  const record = new BuildRecord();
  const view = await openView(flags.progress, record);
  const { directories, archive, ...where } = sources;
  const complete = {
    ...order,
    ...where,
    secrets: readSecrets(flags.secrets),
    ssh: readAgents(flags.agents),
    registryLogins: await loginsFor(sources),
    outputs: outputs.map(({ type, names }: OutputFlag) => ({ type, tags: [...flags.tags, ...names] })),
  };
  try {
    const outcome = await runBuild(await engine(), {
      order: complete,
      directories,
      archive,
      onStatus: view.take,
      onOutput: (bytes) => sink.write(bytes),
    });
    await sink.end();
    await view.end();
    if (flags.checks) {
      if (record.warnings.length === 0) await print("Check complete, no warnings found.");
      return record.warnings.length === 0 ? 0 : 1;
    }
    const { imageId } = outcome;
    if (imageId !== null && flags.iidFile !== undefined) writeFileSync(flags.iidFile, imageId);
    if (imageId !== null && flags.progress === "quiet") await print(imageId);
    else if (imageId !== null) {
      await print(`Successfully built ${imageId.slice("sha256:".length, "sha256:".length + 12)}`);
      for (const tag of outcome.tags) await print(`Successfully tagged ${tag}`);
    }
    return 0;
  } catch (error) {
    await sink.abort();
    await view.end();
    if (!(error instanceof BuildFailure)) throw error;
    await tellFailure(error, record, flags.progress === "quiet");
    return error.exitCode || 1;
  } finally {
    await tellMore(record, flags);
  }
}

async function openView(progress: string, record: BuildRecord): Promise<BuildView> {
  const { isTerminal } = await import("../streams/terminal.ts");
  switch (progress) {
    case "quiet":
      return quietView(record);
    case "plain":
    case "rawjson":
      return plainView(record);
    case "tty":
    case "auto":
      if (progress === "auto" && !isTerminal(STDERR)) return plainView(record);
      return (await import("./show-terminal.ts")).terminalView(record);
    default:
      throw new Error(`unknown progress type ${JSON.stringify(progress)} (expected auto, plain, tty or quiet)`);
  }
}

/** The failed step with the end of its output, then the reason. */
async function tellFailure(error: BuildFailure, record: BuildRecord, wasQuiet: boolean): Promise<void> {
  const failed = record.failed();
  if (failed?.tail.some((line) => line !== "")) {
    const tail = failed.tail
      .filter((line, at) => line !== "" || at < failed.tail.length - 1)
      .slice(wasQuiet ? -40 : -10);
    await printError(["------", ` > ${failed.vertex.name}:`, ...tail, "------"].join("\n"));
  }
  const { place } = error;
  if (place && !error.message.includes(`${place.file}:${place.firstLine}`)) {
    await printError(`${place.file}:${place.firstLine}`);
  }
  await printError(`ERROR: failed to build: failed to solve: ${error.message}`);
}

async function tellMore(record: BuildRecord, flags: BuildFlags): Promise<void> {
  const { warnings } = record;
  if (warnings.length > 0 && flags.progress !== "quiet") {
    await printError(`\n ${warnings.length} warning${warnings.length > 1 ? "s" : ""} found:`);
    for (const { text, place } of warnings) await printError(` - ${text} (${place})`);
  }
  if (flags.explains) await printError((await import("./explain.ts")).explain(record).join("\n"));
  if (flags.graphFile !== undefined) writeFileSync(flags.graphFile, (await import("./graph-svg.ts")).graphSvg(record));
}

/** What is known of the registries whose images the Dockerfile names. */
async function loginsFor({ dockerfile }: BuildSources): Promise<Record<string, object>> {
  const images = [...(dockerfile?.text ?? "").matchAll(/^\s*FROM\s+(?:--\S+\s+)*([^\s$]+)/gim)].map(
    ([, name = ""]) => name,
  );
  const hosts = new Set(images.filter((name) => name !== "scratch").map(registryOf));
  const logins: Record<string, object> = {};
  for (const host of hosts) {
    const auth = await findCredentials(host);
    if (auth) logins[host] = { username: auth.username, password: auth.password, identityToken: auth.identitytoken };
  }
  return logins;
}
