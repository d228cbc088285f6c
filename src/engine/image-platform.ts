import { LighterError } from "../base/errors.ts";
import type { Image } from "../image/image-store.ts";
import { fits, formatPlatform, hostPlatform, type Platform } from "../image/platform.ts";

type WithConfig = Pick<Image, "config">;

/** @throws not-found `IMAGE_PLATFORM` in Docker's words: its clients pull the image of the right platform then. */
export function requirePlatform(image: WithConfig, reference: string, wanted: Platform): void {
  const offered = platformOf(image);
  if (isSame(offered, wanted)) return;
  throw new LighterError(
    "not-found",
    "IMAGE_PLATFORM",
    `image with reference ${reference} was found but its platform (${formatPlatform(offered)}) does not match the specified platform (${formatPlatform(wanted)})`,
  );
}

/** What Docker warns of where nobody asked for the foreign platform. */
export function platformWarnings(image: WithConfig): string[] {
  const offered = platformOf(image);
  const host = hostPlatform();
  if (fits(offered, host)) return [];
  return [
    `The requested image's platform (${formatPlatform(offered)}) does not match the detected host platform (${formatPlatform(host)}) and no specific platform was requested`,
  ];
}

function platformOf({ config: { os, architecture, variant } }: WithConfig): Platform {
  return { os, architecture, variant: variant ?? "" };
}

/** Not {@link fits}: who asks for 64-bit ARM does not want the 32-bit image that would run there as well. */
function isSame(offered: Platform, wanted: Platform): boolean {
  return offered.os === wanted.os && offered.architecture === wanted.architecture && fits(offered, wanted);
}
