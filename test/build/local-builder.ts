import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pack } from "tar-stream";
import { newId } from "../../src/base/ids.ts";
import { openBuilder } from "../../src/build/build-parts.ts";
import { buildImage } from "../../src/build/classic/build-image.ts";
import { type BuildOptions, DEFAULT_BUILD_OPTIONS } from "../../src/build/classic/build-options.ts";
import type { BuildProgress } from "../../src/build/classic/progress.ts";
import type { BuildStep } from "../../src/engine/run-build-step.ts";
import { ContentStore } from "../../src/image/content-store.ts";
import { ImageStore } from "../../src/image/image-store.ts";
import { importImage } from "../../src/image/import.ts";
import { LayerStore } from "../../src/image/layer-store.ts";
import { familiarName, parseReference } from "../../src/image/reference.ts";
import { Snapshotter } from "../../src/snapshot/snapshotter.ts";
import { Trash } from "../../src/snapshot/trash.ts";
import { Store } from "../../src/store/database.ts";

/** A file of a build context: its text, or what else it is. */
export type ContextFile =
  | string
  | { readonly link: string }
  | { readonly content: string | Uint8Array; readonly mode?: number }
  | { readonly directory: true; readonly mode?: number };

export type ContextFiles = Readonly<Record<string, ContextFile>>;

const APPLETS =
  "sh cat ls echo mkdir chmod chown ln rm id env find stat printf touch sleep true false pwd tr sort readlink";

/** Mounts the overlay and what is bound into it (`source:target` a line) where nobody else sees it, and enters it. */
const ENTER = `/bin/mount -t overlay overlay -o "$1" "$2" && shift && root=$1 && shift &&
  printf "%s" "$BINDS" | while IFS=: read -r source target; do
    /bin/mkdir -p "$root$(/usr/bin/dirname "$target")"
    if [ -d "$source" ]; then /bin/mkdir -p "$root$target"; else : > "$root$target"; fi
    /bin/mount --bind "$source" "$root$target"
  done &&
  exec /usr/sbin/chroot "$root" /bin/sh -c 'mkdir -p "$0" && cd "$0" && exec "$@"' "$@"`;

/**
 * A builder on a root of its own, without an engine: its RUN is a chroot into the overlay in a mount namespace of its
 * own. For all that is the builder's and not the container's.
 */
export class LocalBuilder implements AsyncDisposable {
  readonly root = mkdtempSync(join(process.env.LIGHTER_TEST_DIRECTORY ?? tmpdir(), "lighter-build-"));
  readonly #store = Store.open(join(this.root, "lighter.db"));
  readonly #trash = Trash.open(join(this.root, "trash"), () => {});
  readonly snapshotter = Snapshotter.open(this.#store, join(this.root, "snapshots"), this.#trash);
  readonly #content = ContentStore.open(join(this.root, "content"));
  readonly #layers = new LayerStore(this.#store, this.#content, this.snapshotter);
  readonly images = new ImageStore(this.#store, this.#content, this.#layers);
  /** What RUN was asked to do, in order. */
  readonly steps: BuildStep[] = [];

  readonly parts = openBuilder({
    store: this.#store,
    content: this.#content,
    images: this.images,
    layers: this.#layers,
    snapshotter: this.snapshotter,
    root: this.root,
    run: join(this.root, "run"),
    discard: (path) => this.#trash.discard(path),
    runStep: async (step) => {
      this.steps.push(step);
      return { exitCode: await this.#enter(step) };
    },
    tag: (imageId, reference) => this.images.tag(imageId, reference),
    pull: async (reference) => void this.images.resolve(familiarName(reference).replace(/:latest$/, "")),
  });

  /** With an image `busybox`: a shell and some commands, the user www (33) and the group staff (50). */
  static async open(): Promise<LocalBuilder> {
    const builder = new LocalBuilder();
    const source = tarOf({
      "bin/busybox": { content: readFileSync("/bin/busybox"), mode: 0o755 },
      ...Object.fromEntries(APPLETS.split(" ").map((name) => [`bin/${name}`, { link: "busybox" }])),
      "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nwww:x:33:33::/:/bin/sh\n",
      "etc/group": "root:x:0:\nwww:x:33:\nstaff:x:50:\n",
      tmp: { directory: true, mode: 0o1777 },
    });
    await importImage(builder.#layers, builder.images, {
      source,
      config: { Cmd: ["sh"], Env: ["PATH=/bin"] },
      comment: "for tests",
      tags: [parseReference("busybox")],
    });
    return builder;
  }

  /** All that a build says. */
  async build(
    dockerfile: string,
    files: ContextFiles = {},
    options: Partial<BuildOptions> = {},
    abort: AbortSignal = new AbortController().signal,
    onProgress: (progress: BuildProgress & { readonly stream?: string }) => void = () => {},
  ): Promise<BuildProgress[]> {
    return this.buildFrom(tarOf({ Dockerfile: dockerfile, ...files }), options, abort, onProgress);
  }

  async buildFrom(
    context: Readable,
    options: Partial<BuildOptions> = {},
    abort: AbortSignal = new AbortController().signal,
    onProgress: (progress: BuildProgress & { readonly stream?: string }) => void = () => {},
  ): Promise<BuildProgress[]> {
    const said: BuildProgress[] = [];
    for await (const progress of buildImage(this.parts, { ...DEFAULT_BUILD_OPTIONS, ...options }, context, abort)) {
      said.push(progress);
      onProgress(progress);
    }
    return said;
  }

  /** Builds, and gives what a shell command in the image prints. */
  async see(
    command: string,
    dockerfile: string,
    files: ContextFiles = {},
    options: Partial<BuildOptions> = {},
  ): Promise<string> {
    return this.look(idOf(await this.build(dockerfile, files, options)), command);
  }

  /** What a shell command in an image prints. */
  async look(imageId: string, command: string): Promise<string> {
    const image = this.images.resolve(imageId);
    const key = this.snapshotter.prepare("see", image.chainId);
    const lower = await this.#layers.lower(image.chainId);
    let output = "";
    try {
      await this.#enter({
        lower,
        snapshotKey: key,
        args: ["/bin/sh", "-c", command],
        env: ["PATH=/bin"],
        cwd: "/",
        user: "",
        onOutput: async (_, bytes) => {
          output += Buffer.from(bytes).toString();
        },
        abort: new AbortController().signal,
      });
      return output;
    } finally {
      this.snapshotter.remove(key);
    }
  }

  /** Whom the snapshots belong to that are being written to. */
  activeSnapshots(): string[] {
    return this.#store.db
      .query<{ owner: string }, []>("SELECT owner FROM snapshot WHERE kind = 'active'")
      .all()
      .map(({ owner }) => owner);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#trash.settled();
    this.#store[Symbol.dispose]();
    rmSync(this.root, { recursive: true, force: true });
  }

  async #enter(
    step: Pick<BuildStep, "lower" | "snapshotKey" | "args" | "env" | "cwd" | "user" | "onOutput" | "abort"> &
      Partial<Pick<BuildStep, "mounts">>,
  ): Promise<number> {
    const mountPoint = join(this.root, `mount-${newId()}`);
    mkdirSync(mountPoint);
    const { directory } = this.snapshotter;
    const lower = step.lower.map((key) => `${key}/fs`).join(":");
    const options = `lowerdir=${lower},upperdir=${step.snapshotKey}/fs,workdir=${step.snapshotKey}/work`;
    const binds = (step.mounts ?? [])
      .map((mount) => (mount.kind === "bind" ? `${mount.source}:${mount.target}\n` : ""))
      .join("");
    const process = Bun.spawn(
      ["/usr/bin/unshare", "-m", "/bin/sh", "-c", ENTER, "sh", options, mountPoint, step.cwd, ...step.args],
      {
        cwd: directory,
        env: { PATH: "/bin", BINDS: binds, ...Object.fromEntries(step.env.map(splitVariable)) },
        stdio: ["ignore", "pipe", "pipe"],
        signal: step.abort,
        killSignal: "SIGKILL",
      },
    );
    const forward = async (name: "stdout" | "stderr", stream: ReadableStream<Uint8Array>) => {
      for await (const bytes of stream) await step.onOutput(name, bytes);
    };
    try {
      await Promise.all([forward("stdout", process.stdout), forward("stderr", process.stderr)]);
      return await process.exited;
    } finally {
      rmSync(mountPoint, { recursive: true });
    }
  }
}

/** The id of the image that a build made. @throws what it failed with. */
export function idOf(said: readonly BuildProgress[]): string {
  const last = said.findLast((progress) => "aux" in progress);
  const error = said.find((progress) => "error" in progress);
  if (error) throw new Error(error.error);
  if (!last) throw new Error("the build made no image");
  return last.aux.ID;
}

/** What a build said, ids left out, as one text. */
export function textOf(said: readonly BuildProgress[]): string {
  return said
    .map((progress) =>
      "stream" in progress ? progress.stream : "error" in progress ? `ERROR ${progress.error}\n` : "",
    )
    .join("")
    .replace(/\b[0-9a-f]{12}\b/g, "ID")
    .replace(/\b[0-9a-f]{64}\b/g, "HASH");
}

export function tarOf(files: ContextFiles): Readable {
  const archive = pack();
  for (const [name, file] of Object.entries(files)) {
    if (typeof file === "string") archive.entry({ name, mode: 0o644 }, file);
    else if ("link" in file) archive.entry({ name, type: "symlink", linkname: file.link });
    else if ("directory" in file) archive.entry({ name, type: "directory", mode: file.mode ?? 0o755 });
    else archive.entry({ name, mode: file.mode ?? 0o644 }, Buffer.from(file.content));
  }
  archive.finalize();
  return Readable.from(archive);
}

function splitVariable(entry: string): [string, string] {
  const equals = entry.indexOf("=");
  return [entry.slice(0, equals), entry.slice(equals + 1)];
}
