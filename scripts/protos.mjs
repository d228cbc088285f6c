import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { asCommand, Refusal } from "./command.mjs";
import { ROOT } from "./paths.mjs";

/** BuildKit's messages; the modules made from them lie beside them, so that neither build nor tests need a generator. */
export const PROTOS = join(ROOT, "src/build/buildkit/proto");

/**
 * Makes a module of each .proto file.
 *
 * @param {string} output directory for the modules
 */
export function generateProtos(output = PROTOS) {
  const bin = join(ROOT, "node_modules/.bin");
  const template = {
    version: "v2",
    plugins: [{ local: join(bin, "protoc-gen-es"), out: output, opt: ["target=ts", "import_extension=ts"] }],
  };
  const { status, stderr } = spawnSync(join(bin, "buf"), ["generate", PROTOS, "--template", JSON.stringify(template)], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Refusal(`buf generate failed: ${stderr}`);
}

await asCommand(import.meta.url, generateProtos);
