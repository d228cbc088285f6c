import { fits, hostPlatform, type Platform, parsePlatform } from "../image/platform.ts";

/** What a build is for; nothing said is this machine. @throws invalid `PLATFORM` */
export function platformOf(text: string): Platform {
  return text === "" ? hostPlatform() : parsePlatform(text);
}

export function matchesPlatform(wanted: string, os: string, architecture: string): boolean {
  return fits({ os, architecture, variant: "" }, { ...platformOf(wanted), variant: "" });
}
