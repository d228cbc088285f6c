import type { Api } from "../../client/api.ts";
import { registryAuthHeader } from "../../client/registry-credentials.ts";
import { showProgress } from "../progress.ts";

export interface PullOptions {
  readonly platform: string | undefined;
  readonly quiet: boolean;
  /** Every tag of the repository. */
  readonly allTags?: boolean;
  readonly to?: "stdout" | "stderr";
}

/** Has the engine fetch an image, with what `config.json` knows of its registry. */
export async function pullImage(api: Api, image: string, options: PullOptions): Promise<void> {
  const { platform, quiet, allTags = false, to = "stderr" } = options;
  const { repository, tag } = splitReference(image);
  // The engine takes no tag for all tags; a person means the usual one.
  const query = { fromImage: repository, tag: allTags ? "" : tag || "latest", platform };
  const headers = await registryAuthHeader(image);
  await showProgress(api.documents("POST", "/images/create", { query, headers }), { quiet, to });
}

/** `name:tag` and `name@digest` in their halves; a colon before a slash is a registry's port. */
export function splitReference(image: string): { repository: string; tag: string } {
  const [, repository = image, tag = ""] = /^([^@]+)@(.+)$/.exec(image) ?? /^(.+):([^:/]+)$/.exec(image) ?? [];
  return { repository, tag };
}
