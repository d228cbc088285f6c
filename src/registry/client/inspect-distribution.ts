import { z } from "zod";
import { parseImageConfig } from "../../image/config.ts";
import { familiarName, type Reference, withDefaultTag } from "../../image/reference.ts";
import type { ManifestDocument } from "../protocol/manifest-document.ts";
import { fetchManifest } from "./fetch-manifest.ts";
import { atRepository, type RegistryAccess } from "./open-repository.ts";
import type { RegistrySession } from "./registry-session.ts";
import { readBody } from "./transport.ts";

const CONFIG_LIMIT_BYTES = 4 * 1024 * 1024;

/** The body of the answer to `GET /distribution/{name}/json`: what a name is in its registry, without fetching it. */
export async function inspectDistribution(reference: Reference, access: RegistryAccess) {
  const { path, tag, digest } = withDefaultTag(reference);
  return atRepository(reference, ["pull"], access, async (session) => {
    const fetched = await fetchManifest(session, path, digest ?? tag ?? familiarName(reference));
    return {
      Descriptor: { mediaType: fetched.document.mediaType, digest: fetched.digest, size: fetched.bytes.length },
      Platforms: await platformsOf(session, path, fetched.document),
    };
  });
}

async function platformsOf(session: RegistrySession, repository: string, document: ManifestDocument) {
  if (document.kind === "index")
    return document.manifest.manifests.flatMap(({ platform }) => (platform ? [platform] : []));
  const { digest, mediaType } = document.manifest.config;
  if (!mediaType.includes("image")) return [];
  const response = await session.send({ method: "GET", target: `${repository}/blobs/${digest}` }, [200]);
  const { architecture, os, variant } = parseImageConfig(await readBody(response, CONFIG_LIMIT_BYTES));
  return [{ architecture, os, ...(z.string().min(1).safeParse(variant).success && { variant }) }];
}
