import { z } from "zod";
import { fail } from "../base/errors.ts";

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? "");
const textMap = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});

/** The body of `POST /volumes/create`. An empty name asks for an anonymous volume. */
export const VolumeCreateSchema = z.object({
  Name: text,
  Driver: text,
  DriverOpts: textMap,
  Labels: textMap,
  ClusterVolumeSpec: z.looseObject({}).nullish(),
});
export type VolumeCreate = z.infer<typeof VolumeCreateSchema>;

/** A volume that lies on something else than Lighter's own directory: what `mount` would be told. */
export interface VolumeFilesystem {
  /** `none` with the option `bind` is a directory of the host. */
  readonly type: string;
  readonly device: string;
  /** As in fstab(5). */
  readonly options: readonly string[];
}

/** Whether the file system is nothing but a directory of the host. */
export function bindsDirectory({ options }: VolumeFilesystem): boolean {
  return options.includes("bind") || options.includes("rbind");
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** A component of a path, which Linux ends at 255 bytes (NAME_MAX). */
const LONGEST_NAME = 255;

/** @throws invalid `INVALID_VOLUME_NAME` in Docker's words. The name becomes a directory's, so nothing else may pass. */
export function parseVolumeName(name: string): string {
  if (!NAME.test(name)) {
    fail(
      "invalid",
      "INVALID_VOLUME_NAME",
      `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    );
  }
  if (name.length < 2) {
    fail(
      "invalid",
      "INVALID_VOLUME_NAME",
      `create ${name}: volume name is too short, names should be at least two alphanumeric characters`,
    );
  }
  if (name.length > LONGEST_NAME) {
    fail(
      "invalid",
      "INVALID_VOLUME_NAME",
      `create ${name.slice(0, 32)}...: volume name is longer than ${LONGEST_NAME} bytes`,
    );
  }
  return name;
}

/** @throws not-found `VOLUME_DRIVER`: there is the local driver, which may go unnamed, and no other. */
export function assertLocalDriver(name: string, driver: string): void {
  if (driver === "" || driver === "local") return;
  fail(
    "not-found",
    "VOLUME_DRIVER",
    `create ${name}: error looking up volume plugin ${driver}: plugin "${driver}" not found`,
  );
}

/**
 * The local driver's options `type`, `device` and `o`; undefined where the volume is a directory of Lighter's own.
 * @throws invalid `INVALID_VOLUME_OPTION` in Docker's words.
 */
export function parseDriverOptions(
  name: string,
  options: Readonly<Record<string, string>>,
): VolumeFilesystem | undefined {
  for (const key of Object.keys(options)) {
    if (key !== "type" && key !== "device" && key !== "o") invalidOption(name, `invalid option: "${key}"`);
  }
  if (Object.keys(options).length === 0) return undefined;
  const { type, device, o = "" } = options;
  if (!device) invalidOption(name, 'missing required option: "device"');
  if (!type) invalidOption(name, 'missing required option: "type"');
  return { type, device, options: o.split(",").filter((option) => option !== "") };
}

function invalidOption(name: string, reason: string): never {
  return fail("invalid", "INVALID_VOLUME_OPTION", `create ${name}: ${reason}`);
}
