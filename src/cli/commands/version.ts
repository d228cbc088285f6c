import { API_VERSION, VERSION } from "../../base/version.ts";
import type { VersionDocument } from "../../client/resource-documents.ts";
import { defineCommand } from "../command.ts";
import { formatObject } from "../format-object.ts";
import { text } from "../option.ts";
import { print } from "../output.ts";

export const command = defineCommand({
  name: "version",
  summary: "Show the versions of the command and of the engine",
  usage: "[OPTIONS]",
  examples: [{ command: "lighter version --format '{{.Server.Version}}'", meaning: "the engine's alone" }],
  options: { format: text("json, or a Go template", { short: "f" }) },
  operands: { minimum: 0, maximum: 0 },
  async run({ options: { format }, engine }) {
    const api = await engine();
    const server = await api.json<VersionDocument>("GET", "/version");
    if (format)
      await print(await formatObject({ Client: withGoNames(clientVersion()), Server: withGoNames(server) }, format));
    else await print(`${clientText()}\n\n${serverText(server)}`);
    return 0;
  },
});

function clientVersion(): Record<string, string> {
  const Arch = process.arch === "x64" ? "amd64" : process.arch;
  return {
    Version: VERSION,
    ApiVersion: API_VERSION,
    DefaultAPIVersion: API_VERSION,
    Os: process.platform,
    Arch,
    Context: "default",
  };
}

/** Docker's templates are written in Go's names, and one of them differs from the API's. */
function withGoNames(version: { readonly ApiVersion?: string }): object {
  return Object.defineProperty({ ...version }, "APIVersion", { value: version.ApiVersion, enumerable: false });
}

function clientText(): string {
  const { Version = "", ApiVersion = "", Os = "", Arch = "", Context = "" } = clientVersion();
  const lines = [
    ["Version:", Version],
    ["API version:", ApiVersion],
    ["OS/Arch:", `${Os}/${Arch}`],
    ["Context:", Context],
  ] as const;
  return ["Client:", ...lines.map(([label, value]) => ` ${label.padEnd(18)} ${value}`)].join("\n");
}

function serverText(server: VersionDocument): string {
  const components = server.Components ?? [{ Name: "Engine", Version: server.Version, Details: engineDetails(server) }];
  const lines = components.flatMap(({ Name, Version, Details }) => [
    ` ${Name}:`,
    line("Version", Version),
    ...(Name === "Engine" ? engineLines(Details ?? {}) : detailLines(Details ?? {})),
  ]);
  return [server.Platform?.Name ? `Server: ${server.Platform.Name}` : "Server:", ...lines].join("\n");
}

function engineLines(details: Readonly<Record<string, string>>): string[] {
  const optional = (label: string, value: string | undefined) => (value ? [line(label, value)] : []);
  return [
    line("API version", `${details.ApiVersion} (minimum version ${details.MinAPIVersion})`),
    ...optional("Go version", details.GoVersion),
    ...optional("Git commit", details.GitCommit),
    ...optional("Built", details.BuildTime && ansiDate(details.BuildTime)),
    line("OS/Arch", `${details.Os}/${details.Arch}`),
    line("Experimental", details.Experimental ?? "false"),
  ];
}

function engineDetails(server: VersionDocument): Record<string, string> {
  const {
    ApiVersion,
    MinAPIVersion,
    Os,
    Arch,
    GitCommit = "",
    GoVersion = "",
    BuildTime = "",
    Experimental = false,
  } = server;
  return { ApiVersion, MinAPIVersion, Os, Arch, GitCommit, GoVersion, BuildTime, Experimental: String(Experimental) };
}

function detailLines(details: Readonly<Record<string, string>>): string[] {
  return Object.entries(details).map(([name, value]) => line(name, value));
}

function line(label: string, value: string): string {
  return `  ${`${label}:`.padEnd(17)} ${value}`;
}

/** `Thu May  7 21:09:36 2026`, as asctime(3). */
function ansiDate(rfc3339: string): string {
  const time = new Date(rfc3339);
  if (Number.isNaN(time.getTime())) return rfc3339;
  const [weekday = "", day = "", month = "", year = "", clock = ""] = time.toUTCString().replace(",", "").split(" ");
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${clock} ${year}`;
}
