import type { VolumeDocument } from "../client/resource-documents.ts";
import { formatByteSize } from "./byte-size.ts";
import type { ListFormat } from "./list-format.ts";

/** The columns of `volume ls`; those of a cluster do not exist here and say so, as in Docker outside a cluster. */
export function volumeListFormat(): ListFormat<VolumeDocument> {
  const none = () => "N/A";
  return {
    columns: {
      Name: { header: "VOLUME NAME", value: ({ Name }) => Name },
      Driver: { header: "DRIVER", value: ({ Driver }) => Driver },
      Scope: { header: "SCOPE", value: ({ Scope }) => Scope },
      Mountpoint: { header: "MOUNTPOINT", value: ({ Mountpoint }) => Mountpoint },
      Labels: {
        header: "LABELS",
        value: ({ Labels }) =>
          Object.entries(Labels ?? {})
            .map(([key, value]) => `${key}=${value}`)
            .join(","),
      },
      Links: { header: "LINKS", value: ({ UsageData }) => (UsageData ? String(UsageData.RefCount) : "N/A") },
      Size: { header: "SIZE", value: ({ UsageData }) => (UsageData ? formatByteSize(UsageData.Size, 4) : "N/A") },
      Availability: { header: "AVAILABILITY", value: none },
      Group: { header: "GROUP", value: none },
      Status: { header: "STATUS", value: none },
    },
    methods: { Label: ({ Labels }, name) => Labels?.[name] ?? "" },
    defaultColumns: ["Driver", "Name"],
    quietColumn: "Name",
  };
}
