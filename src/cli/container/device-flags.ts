import type { DeviceMapping, DeviceRequest, ThrottleDevice, WeightDevice } from "../../client/container-documents.ts";
import { parseByteSize } from "../byte-size.ts";
import { csvFields, keyAndValue } from "./csv-fields.ts";

/** Reads `--device host[:container][:rwm]`. */
export function parseDevice(text: string): DeviceMapping {
  const [host = "", second, third, ...tooMany] = text.split(":");
  if (tooMany.length > 0) throw new Error(`bad format for path: ${text}`);
  const isMode = (word: string) => /^[rwm]{1,3}$/.test(word) && new Set(word).size === word.length;
  if (third !== undefined && !isMode(third)) throw new Error(`bad mode specified: ${third}`);
  if (second !== undefined && third === undefined && isMode(second)) {
    return { PathOnHost: host, PathInContainer: host, CgroupPermissions: second };
  }
  return { PathOnHost: host, PathInContainer: second || host, CgroupPermissions: third ?? "rwm" };
}

/** Reads `--device-cgroup-rule "c 1:3 rwm"`. */
export function parseDeviceRule(text: string): string {
  if (!/^[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}$/.test(text))
    throw new Error(`invalid device cgroup format '${text}'`);
  return text;
}

/** Reads `--blkio-weight-device /dev/x:500`. */
export function parseWeightDevice(text: string): WeightDevice {
  const [path = "", weight, ...rest] = text.split(":");
  if (weight === undefined || rest.length > 0) throw new Error(`bad format: ${text}`);
  checkDevicePath(path, text);
  if (!/^\d+$/.test(weight) || (Number(weight) > 0 && (Number(weight) < 10 || Number(weight) > 1000))) {
    throw new Error(`invalid weight for device: ${text}`);
  }
  return { Path: path, Weight: Number(weight) };
}

/** Reads `--device-read-bps /dev/x:1mb`: bytes per second. */
export function parseByteRate(text: string): ThrottleDevice {
  return parseRate(text, (rate) => {
    try {
      return parseByteSize(rate);
    } catch {
      throw new Error(
        `invalid rate for device: ${text}. The correct format is <device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb`,
      );
    }
  });
}

/** Reads `--device-read-iops /dev/x:100`: operations per second. */
export function parseOperationRate(text: string): ThrottleDevice {
  return parseRate(text, (rate) => {
    if (/^\d+$/.test(rate)) return Number(rate);
    throw new Error(
      `invalid rate for device: ${text}. The correct format is <device-path>:<number>. Number must be a positive integer`,
    );
  });
}

function parseRate(text: string, parse: (rate: string) => number): ThrottleDevice {
  const [path = "", rate, ...rest] = text.split(":");
  if (rate === undefined || rest.length > 0) throw new Error(`bad format: ${text}`);
  checkDevicePath(path, text);
  return { Path: path, Rate: parse(rate) };
}

function checkDevicePath(path: string, text: string): void {
  if (!path.startsWith("/dev/")) throw new Error(`bad format for device path: ${text}`);
}

/** Reads `--gpus all`, `--gpus 2`, `--gpus device=0,capabilities=utility`. */
export function parseGpus(text: string): DeviceRequest {
  let count: number | undefined;
  let driver: string | undefined;
  let ids: readonly string[] | undefined;
  let options: Record<string, string> | undefined;
  const capabilities = new Set(["gpu"]);
  for (const field of csvFields(text)) {
    const [key, value] = keyAndValue(field);
    if (value === undefined) count = gpuCount(key);
    else if (key === "count") count = gpuCount(value);
    else if (key === "driver") driver = value;
    else if (key === "device") ids = value.split(",");
    else if (key === "capabilities") for (const capability of value.split(",")) capabilities.add(capability);
    else if (key === "options")
      options = Object.fromEntries(csvFields(value).map((pair) => [keyAndValue(pair)[0], keyAndValue(pair)[1] ?? ""]));
    else throw new Error(`unexpected key '${key}' in '${field}'`);
  }
  if (count === undefined && ids === undefined) count = 1;
  return { Driver: driver, Count: count, DeviceIDs: ids, Capabilities: [[...capabilities]], Options: options };
}

function gpuCount(text: string): number {
  if (text === "all") return -1;
  if (/^\d+$/.test(text)) return Number(text);
  throw new Error(`invalid count (${text}): value must be either "all" or an integer: invalid syntax`);
}
