import type { ContainerSummary } from "../../client/container-documents.ts";
import type { BuildCacheDocument, DiskUsageDocument } from "../../client/resource-documents.ts";
import { formatByteSize } from "../byte-size.ts";
import { defineCommand } from "../command.ts";
import { containerListFormat } from "../container/container-list.ts";
import { formatAgo } from "../elapsed.ts";
import { imageListFormat, imageRows } from "../image/image-list.ts";
import { formatList, type ListFormat, printList } from "../list-format.ts";
import { flag, text } from "../option.ts";
import { print } from "../output.ts";
import { volumeListFormat } from "../volume-list.ts";

export const command = defineCommand({
  name: "system df",
  summary: "Show what takes up space, and how much of it could be freed",
  usage: "[OPTIONS]",
  examples: [{ command: "lighter system df -v", meaning: "each image, container and volume" }],
  options: {
    format: text("table, 'table TEMPLATE', json, or a Go template"),
    verbose: flag("Show each thing of its own", { short: "v" }),
  },
  operands: { minimum: 0, maximum: 0 },
  async run({ options, engine }) {
    const api = await engine();
    const usage = await api.json<DiskUsageDocument>("GET", "/system/df");
    if (options.verbose) await printEach(usage);
    else await printList(summary(usage), USAGE_FORMAT, options);
    return 0;
  },
});

interface UsageRow {
  readonly type: string;
  readonly total: number;
  readonly active: number;
  readonly sizeBytes: number;
  readonly reclaimableBytes: number;
  /** Whether the share that could be freed is shown too. */
  readonly withShare: boolean;
}

const FOUR_DIGITS = 4;

const USAGE_FORMAT: ListFormat<UsageRow> = {
  columns: {
    Type: { header: "TYPE", value: ({ type }) => type },
    TotalCount: { header: "TOTAL", value: ({ total }) => String(total) },
    Active: { header: "ACTIVE", value: ({ active }) => String(active) },
    Size: { header: "SIZE", value: ({ sizeBytes }) => formatByteSize(sizeBytes, FOUR_DIGITS) },
    Reclaimable: { header: "RECLAIMABLE", value: reclaimable },
  },
  defaultColumns: ["Type", "TotalCount", "Active", "Size", "Reclaimable"],
};

function reclaimable({ sizeBytes, reclaimableBytes, withShare }: UsageRow): string {
  const size = formatByteSize(reclaimableBytes, FOUR_DIGITS);
  return withShare && sizeBytes > 0 ? `${size} (${Math.trunc((reclaimableBytes * 100) / sizeBytes)}%)` : size;
}

function summary(usage: DiskUsageDocument): UsageRow[] {
  const images = usage.Images ?? [];
  const containers = usage.Containers ?? [];
  const volumes = usage.Volumes ?? [];
  const cache = usage.BuildCache ?? [];
  const layers = usage.LayersSize ?? 0;
  const used = images.filter(({ Containers = 0 }) => Containers !== 0);
  const busy = (state: string) => ["running", "paused", "restarting"].some((active) => state.startsWith(active));
  const volumeSize = ({ UsageData }: (typeof volumes)[number]) => Math.max(0, UsageData?.Size ?? 0);
  return [
    {
      type: "Images",
      total: images.length,
      active: used.length,
      sizeBytes: layers,
      reclaimableBytes: layers - sum(used, ({ Size, SharedSize = 0 }) => (SharedSize === -1 ? 0 : Size - SharedSize)),
      withShare: true,
    },
    {
      type: "Containers",
      total: containers.length,
      active: containers.filter(({ State }) => busy(State)).length,
      sizeBytes: sum(containers, ({ SizeRw = 0 }) => SizeRw),
      reclaimableBytes: sum(containers, ({ State, SizeRw = 0 }) => (busy(State) ? 0 : SizeRw)),
      withShare: true,
    },
    {
      type: "Local Volumes",
      total: volumes.length,
      active: volumes.filter(({ UsageData }) => (UsageData?.RefCount ?? 0) > 0).length,
      sizeBytes: sum(volumes, volumeSize),
      reclaimableBytes: sum(volumes, (volume) => (volume.UsageData?.RefCount === 0 ? volumeSize(volume) : 0)),
      withShare: true,
    },
    {
      type: "Build Cache",
      total: cache.length,
      active: cache.filter(({ InUse }) => InUse).length,
      sizeBytes: sum(cache, ({ Shared, Size }) => (Shared ? 0 : Size)),
      reclaimableBytes: sum(cache, ({ Shared, InUse, Size }) => (Shared || InUse ? 0 : Size)),
      withShare: false,
    },
  ];
}

async function printEach(usage: DiskUsageDocument): Promise<void> {
  const table = { format: undefined };
  const cache = usage.BuildCache ?? [];
  const cacheSize = sum(cache, ({ Shared, Size }) => (Shared ? 0 : Size));
  const images = {
    ...imageListFormat(false, false),
    defaultColumns: ["Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize", "Containers"],
  };
  const containers = containerListFormat(false, true);
  const shown = {
    ...containers,
    columns: { ...containers.columns, Size: { header: "SIZE", value: writtenSize } },
    defaultColumns: ["ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status", "Names"],
  };
  const volumes = { ...volumeListFormat(), defaultColumns: ["Name", "Links", "Size"] };
  await print(`Images space usage:\n\n${await formatList(imageRows(usage.Images ?? [], false), images, table)}`);
  await print(`Containers space usage:\n\n${await formatList(usage.Containers ?? [], shown, table)}`);
  await print(`Local Volumes space usage:\n\n${await formatList(usage.Volumes ?? [], volumes, table)}`);
  await print(
    `Build cache usage: ${formatByteSize(cacheSize, FOUR_DIGITS)}\n\n${(await formatList(cache, CACHE_FORMAT, table)).trimEnd()}`,
  );
}

function writtenSize({ SizeRw = 0 }: ContainerSummary): string {
  return formatByteSize(SizeRw);
}

const CACHE_FORMAT: ListFormat<BuildCacheDocument> = {
  columns: {
    ID: { header: "CACHE ID", value: ({ ID }) => ID.slice(0, 12) },
    Type: { header: "CACHE TYPE", value: ({ Type }) => Type },
    Size: { header: "SIZE", value: ({ Size }) => formatByteSize(Size) },
    Created: { header: "CREATED", value: ({ CreatedAt }) => ago(CreatedAt) },
    LastUsed: { header: "LAST USED", value: ({ LastUsedAt }) => ago(LastUsedAt) },
    Usage: { header: "USAGE", value: ({ UsageCount = 0 }) => String(UsageCount) },
    Shared: { header: "SHARED", value: ({ Shared }) => String(Shared) },
  },
  defaultColumns: ["ID", "Type", "Size", "Created", "LastUsed", "Usage", "Shared"],
};

function ago(timestamp: string | null | undefined): string {
  return timestamp ? formatAgo(Date.parse(timestamp) / 1000) : "";
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
