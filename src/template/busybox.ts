import { chmod, copyFile, link, mkdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Image } from "../image/image-store.ts";
import { parseReference, type Reference } from "../image/reference.ts";
import { needPackage } from "./apt.ts";
import { commandLines } from "./command.ts";
import { hasInterpreter } from "./elf.ts";
import { rootImage, temporaryRoot, writeRootFile } from "./root-files.ts";
import type { Template, TemplateParts, TemplateProgress } from "./template.ts";

const BUSYBOX = "/bin/busybox";

const DIRECTORIES: readonly [path: string, mode: number][] = [
  ["bin", 0o755],
  ["dev", 0o755],
  ["etc", 0o755],
  ["home", 0o755],
  ["proc", 0o555],
  ["root", 0o700],
  ["run", 0o755],
  ["sbin", 0o755],
  ["sys", 0o555],
  ["tmp", 0o1777],
  ["usr", 0o755],
  ["usr/bin", 0o755],
  ["usr/sbin", 0o755],
  ["var", 0o755],
  ["var/spool", 0o755],
  ["var/tmp", 0o1777],
  ["var/www", 0o755],
];

const PASSWD = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
mail:x:8:8:mail:/var/spool/mail:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
`;

const GROUP = `root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
tty:x:5:
disk:x:6:
mail:x:8:
wheel:x:10:root
www-data:x:33:
users:x:100:
nogroup:x:65534:
`;

/** A root of one statically linked program with hundreds of names. */
export const busybox: Template = {
  name: "busybox",
  description: "a shell and small tools in 2 MB, from the host's busybox-static",
  tags: [parseReference("busybox:latest")],
  build,
};

async function* build(
  parts: TemplateParts,
  tags: readonly Reference[],
  signal?: AbortSignal,
): AsyncGenerator<TemplateProgress, Image> {
  yield* needPackage(BUSYBOX, "busybox-static", (path) => !hasInterpreter(path), signal);
  yield { status: `Making a root of ${BUSYBOX}` };
  await using root = await temporaryRoot(parts);
  await fill(root.path);
  const { mtimeMs } = await stat(BUSYBOX);
  return await rootImage(parts, root.path, {
    tags,
    config: { Cmd: ["sh"] },
    newestMs: mtimeMs,
    recipe: "lighter template build busybox",
    signal,
  });
}

async function fill(root: string): Promise<void> {
  for (const [path, mode] of DIRECTORIES) {
    await mkdir(join(root, path), { recursive: true });
    await chmod(join(root, path), mode);
  }
  await writeRootFile(root, "etc/passwd", PASSWD);
  await writeRootFile(root, "etc/group", GROUP);
  await writeRootFile(root, "etc/shadow", "root:*:::::::\nnobody:*:::::::\n", 0o600);
  // Containers get theirs mounted over these.
  for (const name of ["hostname", "hosts", "resolv.conf"]) await writeRootFile(root, `etc/${name}`, "");
  const program = join(root, BUSYBOX);
  await copyFile(BUSYBOX, program);
  await chmod(program, 0o755);
  for (const applet of await applets()) await link(program, join(root, applet));
}

/** The names under which busybox does something else each, where its own installer would put them. */
async function applets(): Promise<string[]> {
  const known = new Set(DIRECTORIES.map(([path]) => path));
  const listed = await commandLines(BUSYBOX, ["--list-full"]);
  return listed.filter((path) => known.has(dirname(path)) && basename(path) !== "busybox");
}
