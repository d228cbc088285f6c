import type { MessageInitShape } from "@bufbuild/protobuf";
import { fail } from "../../base/errors.ts";
import type { CacheDocument, PruneOptions } from "../prune.ts";
import type { PruneRequest, UsageRecordSchema } from "./proto/control_pb.ts";
import { timestampOf } from "./status-hub.ts";

/** What builds keep, as BuildKit's clients see it. */
export function usageRecord(document: CacheDocument): MessageInitShape<typeof UsageRecordSchema> {
  return {
    ID: document.ID,
    Mutable: document.Type === "exec.cachemount",
    InUse: document.InUse,
    Size: BigInt(document.Size),
    CreatedAt: timestampOf(document.CreatedAt),
    LastUsedAt: timestampOf(document.LastUsedAt),
    UsageCount: BigInt(document.UsageCount),
    Description: document.Description,
    RecordType: document.Type,
    Shared: document.Shared,
    Parents: [...document.Parents],
  };
}

/** Which of a list a request means: those that one of its filters fits (containerd's filters). @throws invalid */
export function matching(filters: readonly string[], documents: readonly CacheDocument[]): CacheDocument[] {
  const wanted = filters.filter((filter) => filter !== "").map(compileFilter);
  return wanted.length === 0 ? [...documents] : documents.filter((document) => wanted.some((fits) => fits(document)));
}

/** `filter` has its say first, for all that it does not fit is kept. */
export function pruneOptions(request: PruneRequest, documents: readonly CacheDocument[]): PruneOptions {
  const hasFilter = request.filter.some((filter) => filter !== "");
  const ids = matching(request.filter, documents).map(({ ID }) => ID);
  return {
    all: request.all,
    unusedForMs: Number(request.keepDuration / 1_000_000n),
    keepBytes: Number(request.maxUsedSpace || request.reservedSpace),
    types: [],
    // None fits: an id that nothing has, for no id means everything.
    ids: hasFilter ? (ids.length > 0 ? ids : [""]) : [],
  };
}

const TERM = /^(?<field>[a-z]+)(?:(?<operator>==|!=|~=)(?<value>.*))?$/;

/** `type==regular,id~=^step`: all of it has to fit; a field alone has to be there, or be true. */
function compileFilter(filter: string): (document: CacheDocument) => boolean {
  const terms = filter.split(",").map((term) => {
    const { field = "", operator, value = "" } = TERM.exec(term)?.groups ?? {};
    const read = FIELDS[field];
    if (!read) return fail("invalid", "CACHE_FILTER", `invalid filter ${term}: it has the form field==value`);
    const text = value.replace(/^"(.*)"$/, "$1");
    if (operator === "~=") {
      const pattern = compilePattern(text);
      return (document: CacheDocument) => pattern.test(read(document));
    }
    if (operator === undefined) return (document: CacheDocument) => !["", "false"].includes(read(document));
    return (document: CacheDocument) => (read(document) === text) === (operator === "==");
  });
  return (document) => terms.every((fits) => fits(document));
}

const FIELDS: Readonly<Record<string, (document: CacheDocument) => string>> = {
  id: ({ ID }) => ID,
  parent: ({ Parents }) => Parents.join(","),
  type: ({ Type }) => Type,
  description: ({ Description }) => Description,
  inuse: ({ InUse }) => String(InUse),
  shared: ({ Shared }) => String(Shared),
  private: ({ Shared }) => String(!Shared),
  mutable: ({ Type }) => String(Type === "exec.cachemount"),
  immutable: ({ Type }) => String(Type !== "exec.cachemount"),
};

function compilePattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (cause) {
    return fail("invalid", "CACHE_FILTER", `invalid pattern ${text} in a filter`, { cause });
  }
}
