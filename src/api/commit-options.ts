import { z } from "zod";
import { applyChanges } from "../build/apply-changes.ts";
import type { ContainerConfig } from "../engine/container-config.ts";
import { mergeConfig } from "../engine/merge-config.ts";
import { parseRepositoryAndTag } from "../image/reference.ts";
import { queryFlagOr, queryText, queryTexts } from "./query.ts";

/** What a client says of a commit, in Docker's words. */
export const COMMIT_QUERY = {
  repo: queryText,
  tag: queryText,
  comment: queryText,
  author: queryText,
  pause: queryFlagOr(true),
  changes: queryTexts,
};

const CommitQuerySchema = z.object(COMMIT_QUERY);

/** @param body the configuration that the client wants over the container's own. */
export function commitOptions(query: z.infer<typeof CommitQuerySchema>, body: ContainerConfig) {
  const { repo, tag, comment, author, pause, changes } = query;
  const configure = (config: ContainerConfig) => {
    const merged = mergeConfig(body, config);
    return { ...merged, ...applyChanges(merged, changes) };
  };
  return { reference: repo === "" ? null : parseRepositoryAndTag(repo, tag), comment, author, pause, configure };
}
