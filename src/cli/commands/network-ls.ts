import type { NetworkDocument } from "../../client/resource-documents.ts";
import { defineCommand } from "../command.ts";
import { encodeFilters, filterOption } from "../filters.ts";
import { type ListFormat, printList } from "../list-format.ts";
import { flag, text } from "../option.ts";

export const command = defineCommand({
  name: "network ls",
  summary: "List networks",
  usage: "[OPTIONS]",
  aliases: ["network list"],
  examples: [{ command: "lighter network ls -f driver=bridge", meaning: "only bridges" }],
  options: {
    filter: filterOption(),
    format: text("table, 'table TEMPLATE', json, or a Go template"),
    "no-trunc": flag("Do not shorten anything"),
    quiet: flag("Show only IDs", { short: "q" }),
  },
  operands: { minimum: 0, maximum: 0 },
  async run({ options, engine }) {
    const api = await engine();
    const query = { filters: encodeFilters(options.filter) };
    const networks = await api.json<NetworkDocument[]>("GET", "/networks", { query });
    networks.sort((a, b) => (a.Name < b.Name ? -1 : 1));
    await printList(networks, networkFormat(options["no-trunc"]), options);
    return 0;
  },
});

function networkFormat(noTruncate: boolean): ListFormat<NetworkDocument> {
  return {
    columns: {
      ID: { header: "NETWORK ID", value: ({ Id }) => (noTruncate ? Id : Id.slice(0, 12)) },
      Name: { header: "NAME", value: ({ Name }) => Name },
      Driver: { header: "DRIVER", value: ({ Driver }) => Driver },
      Scope: { header: "SCOPE", value: ({ Scope }) => Scope },
      IPv4: { header: "IPV4", value: ({ EnableIPv4 = false }) => String(EnableIPv4) },
      IPv6: { header: "IPV6", value: ({ EnableIPv6 = false }) => String(EnableIPv6) },
      Internal: { header: "INTERNAL", value: ({ Internal = false }) => String(Internal) },
      Labels: {
        header: "LABELS",
        value: ({ Labels }) =>
          Object.entries(Labels ?? {})
            .map(([key, value]) => `${key}=${value}`)
            .join(","),
      },
      CreatedAt: { header: "CREATED AT", value: ({ Created }) => goTime(Created) },
    },
    methods: { Label: ({ Labels }, name) => Labels?.[name] ?? "" },
    defaultColumns: ["ID", "Name", "Driver", "Scope"],
    quietColumn: "ID",
  };
}

/** RFC 3339 as Go prints a time: `2026-01-02 03:04:05.6 +0000 UTC`. */
function goTime(rfc3339: string): string {
  const [, day, clock, zone = "Z"] = /^(\S+)T([\d:.]+)(Z|[+-]\d{2}:\d{2})$/.exec(rfc3339) ?? [];
  if (day === undefined) return rfc3339;
  const offset = zone === "Z" ? "+0000" : zone.replace(":", "");
  return `${day} ${clock} ${offset} ${zone === "Z" ? "UTC" : offset}`;
}
