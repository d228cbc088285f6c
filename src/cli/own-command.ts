/** This same program: the executable, or in a source tree the runtime and this program's entry. */
export function ownCommand(): readonly string[] {
  return Bun.main.startsWith("/$bunfs/") ? [process.execPath] : [process.execPath, Bun.main];
}
