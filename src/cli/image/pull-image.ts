import type { Api } from "../../client/api.ts";
import { showProgress } from "../progress.ts";

/** Has the engine fetch an image, with its progress on standard error. */
export async function pullImage(
  api: Api,
  image: string,
  { platform, quiet }: { readonly platform: string | undefined; readonly quiet: boolean },
): Promise<void> {
  const { repository, tag } = splitReference(image);
  const query = { fromImage: repository, tag, platform };
  await showProgress(api.documents("POST", "/images/create", { query }), { quiet, to: "stderr" });
}

/** `name:tag` and `name@digest` in their halves; a colon before a slash is a registry's port. */
function splitReference(image: string): { repository: string; tag: string } {
  const [, repository = image, tag = ""] = /^([^@]+)@(.+)$/.exec(image) ?? /^(.+):([^:/]+)$/.exec(image) ?? [];
  return { repository, tag };
}
