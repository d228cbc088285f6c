/**
 * node:fs and node:path for what every `run` and `exec` loads, fetched by the code that needs them: loading both takes a
 * millisecond and a half, a quarter of what a command takes that neither reads a file nor prints.
 */
export const fs = () => process.getBuiltinModule("node:fs");
export const path = () => process.getBuiltinModule("node:path");
