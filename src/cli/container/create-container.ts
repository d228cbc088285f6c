import { LighterError } from "../../base/errors.ts";
import { type Api, ENGINE_REFUSED } from "../../client/api.ts";
import type { CreateAnswer, CreateBody } from "../../client/container-documents.ts";
import { fs } from "../builtin.ts";
import { printError } from "../output.ts";
import type { PullPolicy } from "./container-options.ts";

interface Creation {
  readonly name: string | undefined;
  readonly platform: string | undefined;
  readonly pull: PullPolicy | undefined;
  readonly quiet: boolean;
  readonly cidfile: string | undefined;
}

/**
 * Makes a container and returns its ID; prints the engine's warnings. An image that is not there is pulled first, unless
 * `--pull never`.
 */
export async function createContainer(api: Api, body: CreateBody, creation: Creation): Promise<string> {
  const { pull = "missing", cidfile } = creation;
  const image = body.Image ?? "";
  const reserved = cidfile === undefined ? null : reserveIdFile(cidfile);
  try {
    if (pull === "always") await pullImage(api, image, creation);
    const answer = await create(api, body, creation).catch(async (error: unknown) => {
      if (!isMissingImage(error) || pull !== "missing") throw error;
      await printError(`Unable to find image '${withTag(image)}' locally`);
      await pullImage(api, image, creation);
      return create(api, body, creation);
    });
    for (const warning of answer.Warnings ?? []) await printError(`WARNING: ${warning}`);
    reserved?.write(answer.Id);
    return answer.Id;
  } catch (error) {
    reserved?.remove();
    throw error;
  }
}

function create(api: Api, body: CreateBody, { name, platform }: Creation): Promise<CreateAnswer> {
  return api.json<CreateAnswer>("POST", "/containers/create", { query: { name, platform }, json: body });
}

async function pullImage(api: Api, image: string, creation: Creation): Promise<void> {
  const { pullImage: pull } = await import("../image/pull-image.ts");
  await pull(api, withTag(image), creation);
}

/** The engine says 404 for the image alone: nothing else that `create` names can be missing. */
function isMissingImage(error: unknown): boolean {
  return (
    error instanceof LighterError &&
    error.code === ENGINE_REFUSED &&
    error.kind === "not-found" &&
    /image/i.test(error.message)
  );
}

function withTag(image: string): string {
  return /@|:[^/]*$/.test(image) ? image : `${image}:latest`;
}

/** Takes the file before anything is made, so that two containers never share one. */
function reserveIdFile(path: string): { write(id: string): void; remove(): void } {
  try {
    fs().writeFileSync(path, "", { flag: "wx" });
  } catch (error) {
    throw new Error(`container ID file found, make sure the other container isn't running or delete ${path}`, {
      cause: error,
    });
  }
  return { write: (id) => fs().writeFileSync(path, id), remove: () => fs().rmSync(path, { force: true }) };
}
