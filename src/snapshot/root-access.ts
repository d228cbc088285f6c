/** Layers' directories stacked by overlayfs; keys are snapshots below `snapshots`. */
export interface OverlayRoot {
  readonly kind: "overlay";
  /** `<root>/snapshots`. */
  readonly snapshots: string;
  /** Read-only snapshots, top first; none for a container from scratch. */
  readonly lower: readonly number[];
  /** The snapshot that takes the writes; null for a root that is only read. */
  readonly upper: number | null;
  /** What is bound into it, in this order: looked at by `docker cp` alone. */
  readonly mounts?: readonly RootMount[];
}

/** A file or directory of the host at a place in a root. One that is not there leaves the place as it is. */
export interface RootMount {
  readonly source: string;
  /** Only what is at this path of the source, links in it followed inside the source alone; "" is all of it. */
  readonly subpath: string;
  readonly target: string;
  readonly readonly: boolean;
}

export interface DirectoryRoot {
  readonly kind: "directory";
  readonly path: string;
}

/**
 * A root file system as archives see it. `live` is the root of a running process with its volumes and all else that is
 * mounted there; an overlay is mounted only inside the helper's own mount namespace.
 */
export type RootAccess = OverlayRoot | DirectoryRoot | { readonly kind: "live"; readonly pid: number };

/** The root in the one word that `lighter-archive` takes (native/archive/root.c). */
export function rootOption(name: string, root: RootAccess): string {
  switch (root.kind) {
    case "live":
      return `--${name}=live:${root.pid}`;
    case "directory":
      return `--${name}=directory:${root.path}`;
    case "overlay":
      return `--${name}=overlay:${root.upper ?? "-"}:${root.lower.join(",")}:${root.snapshots}`;
    default:
      return root satisfies never;
  }
}

/** The root's mounts, each as one option. */
export function mountOptions(root: RootAccess): string[] {
  const mounts = root.kind === "overlay" ? (root.mounts ?? []) : [];
  return mounts.map(({ source, subpath, target, readonly }) => {
    const lengths = `${Buffer.byteLength(source)}:${Buffer.byteLength(subpath)}`;
    return `--mount=${readonly ? "ro" : "rw"}:${lengths}:${source}${subpath}${target}`;
  });
}
