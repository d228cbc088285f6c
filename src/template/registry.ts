import { chmod, copyFile, mkdir, realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fail } from "../base/errors.ts";
import { isCompiled } from "../base/own-command.ts";
import type { Image } from "../image/image-store.ts";
import { parseReference, type Reference } from "../image/reference.ts";
import { commandLines } from "./command.ts";
import { hasInterpreter } from "./elf.ts";
import { rootImage, temporaryRoot, writeRootFile } from "./root-files.ts";
import type { Template, TemplateParts, TemplateProgress } from "./template.ts";

const DATA = "/var/lib/registry";
const PORT = 5000;

/** Our own program and what it is linked to: a registry that any engine can run. */
export const registry: Template = {
  name: "registry",
  description: "`lighter registry serve` in 125 MB, of this very program",
  tags: [parseReference("lighter-registry:latest")],
  build,
};

async function* build(
  parts: TemplateParts,
  tags: readonly Reference[],
  signal?: AbortSignal,
): AsyncGenerator<TemplateProgress, Image> {
  const program = process.execPath;
  if (!isCompiled()) {
    fail(
      "unavailable",
      "TEMPLATE_UNAVAILABLE",
      "a registry's image is made of the compiled program, not of its sources",
    );
  }
  yield { status: `Making a root of ${program}` };
  await using root = await temporaryRoot(parts);
  const libraries = hasInterpreter(program) ? await librariesOf(program) : [];
  for (const [from, to] of [[program, "/lighter"] as const, ...libraries.map((path) => [path, path] as const)]) {
    const target = join(root.path, to);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(await realpath(from), target);
    await chmod(target, 0o755);
  }
  await mkdir(join(root.path, "tmp"));
  await chmod(join(root.path, "tmp"), 0o1777);
  await writeRootFile(root.path, "etc/passwd", "root:x:0:0:root:/:/lighter\n");
  const { mtimeMs } = await stat(program);
  return await rootImage(parts, root.path, {
    tags,
    config: {
      // What a user adds comes behind, and a flag that is given twice means what it says the last time.
      Entrypoint: ["/lighter", "registry", "serve", "--addr", `:${PORT}`, "--root", DATA],
      ExposedPorts: { [`${PORT}/tcp`]: {} },
      Volumes: { [DATA]: {} },
    },
    newestMs: mtimeMs,
    recipe: "lighter template build registry",
    signal,
  });
}

/** The files that a program is loaded with, the loader among them, as ldd(1) lists them. */
async function librariesOf(program: string): Promise<string[]> {
  const lines = await commandLines("ldd", [program]);
  return lines.flatMap((line) => /^\s*(?:\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/.exec(line)?.[1] ?? []);
}
