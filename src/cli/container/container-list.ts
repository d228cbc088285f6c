import type { ContainerSummary, Port } from "../../client/container-documents.ts";
import { formatByteSize } from "../byte-size.ts";
import { formatAgo, formatLocalTime } from "../elapsed.ts";
import type { ListFormat } from "../list-format.ts";

const SHORT_COMMAND = 20;
const SHORT_MOUNT = 15;

/** The columns of `ps`. */
export function containerListFormat(noTruncate: boolean, withSize: boolean): ListFormat<ContainerSummary> {
  return {
    columns: {
      ID: { header: "CONTAINER ID", value: ({ Id }) => (noTruncate ? Id : Id.slice(0, 12)) },
      Names: { header: "NAMES", value: (container) => names(container, noTruncate) },
      Image: { header: "IMAGE", value: (container) => image(container, noTruncate) },
      Command: {
        header: "COMMAND",
        value: ({ Command }) => quote(noTruncate ? Command : ellipsis(Command, SHORT_COMMAND)),
      },
      CreatedAt: { header: "CREATED AT", value: ({ Created }) => formatLocalTime(Created) },
      RunningFor: { header: "CREATED", value: ({ Created }) => formatAgo(Created) },
      Ports: { header: "PORTS", value: ({ Ports }) => formatPorts(Ports ?? []) },
      State: { header: "STATE", value: ({ State }) => State },
      Status: { header: "STATUS", value: ({ Status }) => Status },
      Size: { header: "SIZE", value: size },
      // Only a store that keeps several platforms of an image fills it.
      Platform: { header: "PLATFORM", value: () => "", json: () => null },
      Labels: {
        header: "LABELS",
        value: ({ Labels }) =>
          Object.entries(Labels ?? {})
            .map(([key, value]) => `${key}=${value}`)
            .join(","),
      },
      Mounts: { header: "MOUNTS", value: (container) => mounts(container, noTruncate) },
      LocalVolumes: {
        header: "LOCAL VOLUMES",
        value: ({ Mounts }) => String((Mounts ?? []).filter(({ Driver }) => Driver === "local").length),
      },
      Networks: {
        header: "NETWORKS",
        value: ({ NetworkSettings }) => Object.keys(NetworkSettings?.Networks ?? {}).join(","),
      },
    },
    methods: { Label: ({ Labels }, name) => Labels?.[name] ?? "" },
    defaultColumns: ["ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names", ...(withSize ? ["Size"] : [])],
    quietColumn: "ID",
  };
}

/** Ports as `0.0.0.0:80->80/tcp, 443/tcp`; neighbours with the same address become one range. */
export function formatPorts(ports: readonly Port[]): string {
  const sorted = [...ports].sort(
    (a, b) =>
      a.PrivatePort - b.PrivatePort ||
      compare(a.IP ?? "", b.IP ?? "") ||
      (a.PublicPort ?? 0) - (b.PublicPort ?? 0) ||
      compare(a.Type, b.Type),
  );
  const ranges = new Map<string, { first: number; last: number }>();
  const order: string[] = [];
  const single: string[] = [];
  for (const { IP = "", PrivatePort, PublicPort = 0, Type } of sorted) {
    if (PublicPort !== 0 && PublicPort !== PrivatePort) {
      single.push(`${host(IP)}:${PublicPort}->${PrivatePort}/${Type}`);
      continue;
    }
    const key = PublicPort === 0 ? Type : `${IP}/${Type}`;
    const range = ranges.get(key);
    if (!range) {
      ranges.set(key, { first: PrivatePort, last: PrivatePort });
      order.push(key);
    } else if (PrivatePort === range.last + 1) range.last = PrivatePort;
    else if (PrivatePort !== range.last) {
      single.push(rangeText(key, range));
      ranges.set(key, { first: PrivatePort, last: PrivatePort });
    }
  }
  const joined = order.map((key) => rangeText(key, ranges.get(key) ?? { first: 0, last: 0 }));
  return [...single, ...joined].join(", ");
}

function rangeText(key: string, { first, last }: { first: number; last: number }): string {
  const at = key.lastIndexOf("/");
  const ports = first === last ? String(first) : `${first}-${last}`;
  if (at < 0) return `${ports}/${key}`;
  return `${host(key.slice(0, at))}:${ports}->${ports}/${key.slice(at + 1)}`;
}

function host(ip: string): string {
  return ip.includes(":") ? `[${ip}]` : ip;
}

/** Its own name first of all; the names that links gave it have a second slash. */
function names({ Names }: ContainerSummary, noTruncate: boolean): string {
  const bare = Names.map((name) => name.replace(/^\//, ""));
  return (noTruncate ? bare : bare.filter((name) => !name.includes("/")).slice(0, 1)).join(",");
}

function image({ Image, ImageID }: ContainerSummary, noTruncate: boolean): string {
  if (Image === "") return "<no image>";
  if (noTruncate) return Image;
  const short = ImageID.replace(/^sha256:/, "").slice(0, 12);
  if (short !== "" && short === Image.replace(/^sha256:/, "").slice(0, 12)) return short;
  return Image.replace(/@sha256:[0-9a-f]+$/, "");
}

function mounts({ Mounts }: ContainerSummary, noTruncate: boolean): string {
  return (Mounts ?? [])
    .map(({ Name, Source }) => Name || Source || "")
    .map((name) => (noTruncate ? name : ellipsis(name, SHORT_MOUNT)))
    .join(",");
}

function size({ SizeRw = 0, SizeRootFs = 0 }: ContainerSummary): string {
  const written = formatByteSize(SizeRw);
  return SizeRootFs > 0 ? `${written} (virtual ${formatByteSize(SizeRootFs)})` : written;
}

/** Cut to so many characters, the last of which says that there was more. */
export function ellipsis(text: string, length: number): string {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join("")}…`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
