/**
 * What `inspect` shows of a place in a container's tree that holds something from outside, in the Engine API's names
 * (`MountPoint`).
 */
interface Shown {
  /** The volume's name; empty for others. */
  readonly Name: string;
  /** On the host; empty for tmpfs. */
  readonly Source: string;
  /** Absolute and normalised. */
  readonly Destination: string;
  readonly Driver: string;
  /** As the client wrote it in `-v`; Docker shows `z` for a volume without. */
  readonly Mode: string;
  readonly RW: boolean;
  /** Of binds alone. */
  readonly Propagation: string;
}

export interface BindPoint extends Shown {
  readonly Type: "bind";
  /** `-v` makes a source that is missing, as a directory; `--mount` refuses it. */
  readonly createSource: boolean;
  readonly nonRecursive: boolean;
  readonly readonlyNonRecursive: boolean;
}

export interface VolumePoint extends Shown {
  readonly Type: "volume";
  /** Nobody named it: it goes with the container's `rm -v`. */
  readonly anonymous: boolean;
  /** A new, empty volume gets what the image has at the destination. */
  readonly copy: boolean;
  /** For a volume that has yet to be made. */
  readonly labels: Readonly<Record<string, string>>;
  readonly driverOptions: Readonly<Record<string, string>>;
  /** Only what is at this path in the volume; "" is all of it. */
  readonly subpath: string;
}

/** An image's files, to be read. `Name` is what the client called it, `Source` its id once it was found. */
export interface ImagePoint extends Shown {
  readonly Type: "image";
  /** Only what is at this path in the image; "" is all of it. */
  readonly subpath: string;
  /** The image's top layer, and the snapshot on it that keeps the layers while the container refers to them. */
  readonly chainId: string | null;
  readonly snapshot: number | null;
}

export interface TmpfsPoint extends Shown {
  readonly Type: "tmpfs";
  /** 0 is the kernel's default. */
  readonly sizeBytes: number;
  /** Permission bits; 0 is 1777. */
  readonly permissions: number;
  /** Flags, or names with values. */
  readonly options: readonly (readonly string[])[];
}

export type MountPoint = BindPoint | VolumePoint | TmpfsPoint | ImagePoint;

/** The `Mounts` of an inspect document. */
export function mountsDocument(points: readonly MountPoint[]) {
  return points.map(({ Type, Name, Source, Destination, Driver, Mode, RW, Propagation }) => ({
    Type,
    ...(Type === "volume" || Type === "image" ? { Name } : {}),
    Source,
    Destination,
    ...(Type === "volume" ? { Driver } : {}),
    Mode,
    RW,
    Propagation,
  }));
}
