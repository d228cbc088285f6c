import { fail } from "../base/errors.ts";
import { failMode, parseBind, parseBindMode } from "./bind-spec.ts";
import { assertAbsolute, assertTarget, cleanPath, type MountConfig, parseMount, volumePoint } from "./mount-config.ts";
import type { MountPoint } from "./mount-point.ts";

/** The fields of a container's configuration that speak of mounts, in the Engine API's names. */
export interface MountSettings {
  /** The configuration's, merged with the image's: paths that get an anonymous volume. */
  readonly Volumes: Readonly<Record<string, unknown>>;
  readonly Binds: readonly string[] | null;
  readonly Mounts: readonly MountConfig[];
  readonly VolumesFrom: readonly string[] | null;
  readonly VolumeDriver: string;
  readonly Tmpfs: Readonly<Record<string, string>>;
}

/** What the resolution has to ask others for. */
export interface MountSources {
  /** Where a volume of that name keeps its files, whether it exists or not. */
  readonly volumePath: (name: string) => string;
  /** The mount points of the container that `--volumes-from` names; throws where there is none. */
  readonly mountPointsOf: (container: string) => readonly MountPoint[];
}

/**
 * All mount points of a container, each destination once. What is nearer to the user wins: binds and mounts over
 * `--volumes-from`, and all of these, like `--tmpfs`, over the anonymous volumes of the image. Nothing is made yet;
 * anonymous volumes have got their names.
 * @throws invalid `INVALID_MOUNT`, `DUPLICATE_MOUNT`, `INVALID_VOLUME_NAME` in Docker's words; whatever `mountPointsOf` throws.
 */
export function resolveMountPoints(settings: MountSettings, sources: MountSources): MountPoint[] {
  const temporary = tmpfsTargets(settings.Tmpfs);
  const points = new Map<string, MountPoint>();
  for (const spec of settings.VolumesFrom ?? []) {
    for (const point of inheritedPoints(spec, sources)) {
      if (!temporary.has(point.Destination)) points.set(point.Destination, point);
    }
  }
  const asked = [
    ...(settings.Binds ?? []).map((spec) =>
      parseBind(spec, { driver: settings.VolumeDriver, volumePath: sources.volumePath }),
    ),
    ...settings.Mounts.map((mount) => parseMount(mount, sources.volumePath)),
  ];
  const taken = new Set(temporary);
  for (const point of asked) {
    const { Destination: destination } = point;
    if (taken.has(destination)) fail("invalid", "DUPLICATE_MOUNT", `Duplicate mount point: ${destination}`);
    taken.add(destination);
    points.set(destination, point);
  }
  for (const target of Object.keys(settings.Volumes)) {
    const destination = anonymousTarget(target);
    if (temporary.has(destination) || points.has(destination)) continue;
    points.set(destination, anonymousVolume(destination, settings.VolumeDriver, sources));
  }
  return [...points.values()];
}

/** `container[:ro|rw]`; labels are allowed and mean nothing here. */
function inheritedPoints(spec: string, { mountPointsOf }: MountSources): MountPoint[] {
  if (spec === "") fail("invalid", "INVALID_MOUNT", "volumes-from specification cannot be an empty string");
  const at = spec.indexOf(":");
  const container = at < 0 ? spec : spec.slice(0, at);
  const modeText = at < 0 ? "" : spec.slice(at + 1);
  const mode = parseBindMode(modeText) ?? failMode(modeText);
  if (mode.propagation !== "" || mode.noCopy) failMode(modeText);
  return mountPointsOf(container)
    .filter(({ Type }) => Type !== "tmpfs")
    .map((point) => {
      // The other container has filled the volume, and may remove it only when this one is gone too.
      const inherited = point.Type === "volume" ? { ...point, copy: false } : point;
      return mode.readonly ? { ...inherited, RW: false, Mode: modeText } : inherited;
    });
}

function tmpfsTargets(tmpfs: Readonly<Record<string, string>>): Set<string> {
  const refuse = (reason: string): never => fail("invalid", "INVALID_MOUNT", reason);
  return new Set(Object.keys(tmpfs).map((target) => assertTarget(target, refuse)));
}

/** A Dockerfile's VOLUME may lack the leading slash. */
function anonymousTarget(target: string): string {
  const path = cleanPath(`/${target}`);
  const refuse = (reason: string): never => fail("invalid", "INVALID_MOUNT", reason);
  assertAbsolute(path, refuse);
  return path === "/" ? refuse("invalid specification: destination can't be '/'") : path;
}

/** Docker shows no mode for these, other than for those that were asked for with `-v` or `--mount`. */
function anonymousVolume(destination: string, driver: string, { volumePath }: MountSources): MountPoint {
  const volume = { name: "", destination, mode: "", readonly: false, copy: true, driver };
  return { ...volumePoint(volume, volumePath), Mode: "" };
}
