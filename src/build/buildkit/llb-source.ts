import { fail } from "../../base/errors.ts";
import { parseDigest } from "../../image/digest.ts";
import type { Source, SourceOperation } from "../graph/operation.ts";
import type { Platform, SourceOp } from "./proto/ops_pb.ts";

type Attrs = Readonly<Record<string, string>>;

/** A source by its URL; the attributes' names are those of moby/buildkit, solver/pb/attr.go. */
export function sourceOperation({ identifier, attrs }: SourceOp, platform: Platform | undefined): SourceOperation {
  const at = identifier.indexOf("://");
  const [scheme, rest] = [identifier.slice(0, at), identifier.slice(at + 3)];
  return { kind: "source", source: sourceOf(scheme, rest, identifier, attrs, platform) };
}

function sourceOf(
  scheme: string,
  rest: string,
  identifier: string,
  attrs: Attrs,
  platform: Platform | undefined,
): Source {
  switch (scheme) {
    case "docker-image":
      return {
        type: "image",
        reference: rest,
        platform: platformText(platform),
        resolve: resolveMode(attrs["image.resolvemode"]),
      };
    case "local":
      return {
        type: "local",
        name: rest,
        include: texts(attrs["local.includepattern"]),
        exclude: texts(attrs["local.excludepatterns"]),
        follow: texts(attrs["local.followpaths"]),
        sharedKey: attrs["local.sharedkeyhint"] ?? "",
      };
    case "http":
    case "https":
      return {
        type: "http",
        url: identifier,
        checksum: attrs["http.checksum"] ? parseDigest(attrs["http.checksum"]) : null,
        fileName: attrs["http.filename"] ?? null,
        mode: attrs["http.perm"] ? Number(attrs["http.perm"]) : null,
        uid: Number(attrs["http.uid"] ?? 0),
        gid: Number(attrs["http.gid"] ?? 0),
      };
    case "git": {
      // remote#ref:subdirectory
      const [remote = "", fragment = ""] = rest.split("#", 2);
      const [ref = "", subdirectory = ""] = fragment.split(":", 2);
      return {
        type: "git",
        remote: attrs["git.fullurl"] ?? `https://${remote}`,
        ref,
        subdirectory,
        keepGitDirectory: attrs["git.keepgitdir"] === "true",
        checksum: attrs["git.checksum"] ?? null,
        skipSubmodules: attrs["git.skipsubmodules"] === "true",
      };
    }
    case "oci-layout":
      return { type: "oci-layout", reference: rest, store: attrs["oci.store"] ?? "", platform: platformText(platform) };
    default:
      return fail("not-implemented", "LLB_SOURCE", `the source ${identifier} is of a kind that is not supported`);
  }
}

/** Clients ask Docker's engine to prefer what is here, and still to fetch what is not. */
export function resolveMode(mode: string | undefined): "default" | "pull" {
  return mode === "pull" ? "pull" : "default";
}

export function platformText(platform: Platform | undefined): string {
  if (!platform) return "";
  return [platform.OS, platform.Architecture, platform.Variant].filter((part) => part !== "").join("/");
}

/** A JSON array; the empty text is the empty one. */
function texts(json: string | undefined): string[] {
  if (!json) return [];
  try {
    const value: unknown = JSON.parse(json);
    if (Array.isArray(value) && value.every((text) => typeof text === "string")) return value;
  } catch {
    // Refused below, like any other text that is no array.
  }
  return fail("invalid", "LLB_SOURCE", `${json} is no list of texts`);
}
