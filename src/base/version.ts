import manifest from "../../package.json" with { type: "json" };

export const VERSION: string = manifest.version;
export const API_VERSION = "1.51";
export const MIN_API_VERSION = "1.24";
