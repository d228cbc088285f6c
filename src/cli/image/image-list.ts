import type { ImageSummary } from "../../client/image-documents.ts";
import { formatByteSize } from "../byte-size.ts";
import { formatAgo, formatLocalTime } from "../elapsed.ts";
import type { ListFormat } from "../list-format.ts";

const NONE = "<none>";
/** `SIZE` has three digits, other sizes of images four. */
const FOUR_DIGITS = 4;

/** A line of `images`: an image under one of its names. */
export interface ImageRow {
  readonly image: ImageSummary;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

/** The columns of `images`. */
export function imageListFormat(noTruncate: boolean, digests: boolean): ListFormat<ImageRow> {
  return {
    columns: {
      ID: { header: "IMAGE ID", value: ({ image }) => (noTruncate ? image.Id : shortImageId(image.Id)) },
      Repository: { header: "REPOSITORY", value: ({ repository }) => repository },
      Tag: { header: "TAG", value: ({ tag }) => tag },
      Digest: { header: "DIGEST", value: ({ digest }) => digest },
      CreatedSince: { header: "CREATED", value: ({ image }) => formatAgo(image.Created) },
      CreatedAt: { header: "CREATED AT", value: ({ image }) => formatLocalTime(image.Created) },
      Size: { header: "SIZE", value: ({ image }) => formatByteSize(image.Size) },
      VirtualSize: { header: "SIZE", value: ({ image }) => formatByteSize(image.Size, FOUR_DIGITS) },
      Containers: { header: "CONTAINERS", value: ({ image }) => known(image.Containers, String) },
      SharedSize: { header: "SHARED SIZE", value: ({ image }) => known(image.SharedSize, fourDigits) },
      UniqueSize: {
        header: "UNIQUE SIZE",
        value: ({ image }) => known(image.SharedSize, (shared) => fourDigits(image.Size - shared)),
      },
    },
    defaultColumns: ["Repository", "Tag", ...(digests ? ["Digest"] : []), "ID", "CreatedSince", "Size"],
    quietColumn: "ID",
  };
}

/** Each image once for each of its names; with digests, each name with its digest. */
export function imageRows(images: readonly ImageSummary[], withDigests: boolean): ImageRow[] {
  return images.flatMap((image): ImageRow[] => {
    const digests = new Map((image.RepoDigests ?? []).map((name) => cut(name, "@")));
    const tags = (image.RepoTags ?? []).filter((name) => name !== "<none>:<none>").map((name) => cut(name, ":"));
    const rows = tags.map(([repository, tag]) => {
      const digest = withDigests ? (digests.get(repository) ?? NONE) : NONE;
      return { image, repository, tag, digest };
    });
    if (rows.length > 0) return rows;
    const untagged = [...digests].filter(([repository]) => repository !== NONE);
    if (untagged.length === 0) return [{ image, repository: NONE, tag: NONE, digest: NONE }];
    return untagged.map(([repository, digest]) => ({
      image,
      repository,
      tag: NONE,
      digest: withDigests ? digest : NONE,
    }));
  });
}

/** The first twelve digits of a digest. */
export function shortImageId(id: string): string {
  return id.replace(/^sha256:/, "").slice(0, 12);
}

function fourDigits(bytes: number): string {
  return formatByteSize(bytes, FOUR_DIGITS);
}

function known(value: number | undefined, format: (value: number) => string): string {
  return value === undefined || value < 0 ? "N/A" : format(value);
}

function cut(text: string, separator: string): [string, string] {
  const at = text.lastIndexOf(separator);
  return [text.slice(0, at), text.slice(at + 1)];
}
