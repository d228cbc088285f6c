import { VERSION } from "../../base/version.ts";
import type { InfoDocument } from "../../client/resource-documents.ts";
import { formatBinarySize } from "../byte-size.ts";
import { defineCommand } from "../command.ts";
import { formatObject } from "../format-object.ts";
import { text } from "../option.ts";
import { print, printError } from "../output.ts";

export const command = defineCommand({
  name: "info",
  summary: "Show the state of the engine and its machine",
  usage: "[OPTIONS]",
  aliases: ["system info"],
  examples: [{ command: "lighter info -f '{{.ContainersRunning}}'", meaning: "one value" }],
  options: { format: text("json, or a Go template", { short: "f" }) },
  operands: { minimum: 0, maximum: 0 },
  async run({ options: { format }, engine }) {
    const api = await engine();
    const info = await api.json<InfoDocument>("GET", "/info");
    if (format) {
      await print(await formatObject(info, format));
      return 0;
    }
    await print(infoText(info));
    for (const warning of info.Warnings ?? []) await printError(warning);
    return 0;
  },
});

function infoText(info: InfoDocument): string {
  const { Plugins = {}, Runtimes = {} } = info;
  const plugins = ["Volume", "Network", "Log"].flatMap((kind) => {
    const names = Plugins[kind] ?? [];
    return names.length > 0 ? [`  ${kind}: ${names.join(" ")}`] : [];
  });
  const optional = (label: string, value: string | undefined) => (value ? [` ${label}: ${value}`] : []);
  return [
    "Client:",
    ` Version:    ${VERSION}`,
    " Context:    default",
    " Debug Mode: false",
    "",
    "Server:",
    ` Containers: ${info.Containers}`,
    `  Running: ${info.ContainersRunning}`,
    `  Paused: ${info.ContainersPaused}`,
    `  Stopped: ${info.ContainersStopped}`,
    ` Images: ${info.Images}`,
    ` Server Version: ${info.ServerVersion}`,
    ` Storage Driver: ${info.Driver}`,
    ...(info.DriverStatus ?? []).map(([label, value]) => `  ${label}: ${value}`),
    ` Logging Driver: ${info.LoggingDriver}`,
    ` Cgroup Driver: ${info.CgroupDriver}`,
    ...optional("Cgroup Version", info.CgroupVersion),
    ...(plugins.length > 0 ? [" Plugins:", ...plugins] : []),
    ...(Object.keys(Runtimes).length > 0 ? [` Runtimes: ${Object.keys(Runtimes).sort().join(" ")}`] : []),
    ...optional("Default Runtime", info.DefaultRuntime),
    ...optional("Init Binary", info.InitBinary),
    ...securityLines(info.SecurityOptions ?? []),
    ` Kernel Version: ${info.KernelVersion}`,
    ` Operating System: ${info.OperatingSystem}`,
    ` OSType: ${info.OSType}`,
    ` Architecture: ${info.Architecture}`,
    ` CPUs: ${info.NCPU}`,
    ` Total Memory: ${formatBinarySize(info.MemTotal)}`,
    ` Name: ${info.Name}`,
    ` ID: ${info.ID}`,
    ` Docker Root Dir: ${info.DockerRootDir}`,
    ` Debug Mode: ${info.Debug ?? false}`,
    ...((info.Labels ?? []).length > 0 ? [" Labels:", ...(info.Labels ?? []).map((label) => `  ${label}`)] : []),
    ` Experimental: ${info.ExperimentalBuild ?? false}`,
    ` Live Restore Enabled: ${info.LiveRestoreEnabled ?? false}`,
    "",
  ].join("\n");
}

/** `name=seccomp,profile=builtin` as a name with its settings below. */
function securityLines(options: readonly string[]): string[] {
  if (options.length === 0) return [];
  const lines = options.flatMap((option) => {
    const pairs = option.split(",").map((pair) => pair.split("="));
    return pairs.map(([key = "", value = key]) =>
      key === "name" ? `  ${value}` : `   ${key.charAt(0).toUpperCase()}${key.slice(1)}: ${value}`,
    );
  });
  return [" Security Options:", ...lines];
}
