import { z } from "zod";
import { fail } from "../../base/errors.ts";
import { nextLink } from "../protocol/link-header.ts";
import { isTag } from "../protocol/repository-name.ts";
import type { RegistrySession } from "./registry-session.ts";
import { readBody } from "./transport.ts";

const PAGE_LIMIT_BYTES = 16 * 1024 * 1024;
/** A registry whose pages never end is not followed for ever. */
const PAGE_LIMIT = 1_000;

const PageSchema = z.object({ tags: z.array(z.string()).nullish() });

/** All tags of a repository, in the registry's order. @throws not-found `NAME_UNKNOWN` */
export async function listTags(session: RegistrySession, repository: string): Promise<string[]> {
  const tags = new Set<string>();
  let target: string | URL | null = `${repository}/tags/list`;
  for (let pages = 0; target !== null; pages++) {
    const response = await session.send({ method: "GET", target }, [200]);
    const parsed = PageSchema.safeParse(parseJson((await readBody(response, PAGE_LIMIT_BYTES)).toString()));
    if (!parsed.success || pages === PAGE_LIMIT) {
      return fail("invalid", "TAGS_LIST", `${repository}: the registry's list of tags does not read`);
    }
    for (const tag of parsed.data.tags ?? []) if (isTag(tag)) tags.add(tag);
    const { link } = response.headers;
    target = nextLink(typeof link === "string" ? link : undefined, response.url);
  }
  return [...tags];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The caller's schema refuses this.
    return undefined;
  }
}
