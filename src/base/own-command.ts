/** Whether this is the compiled program, and not the runtime with a source tree. */
export function isCompiled(): boolean {
  return Bun.main.startsWith("/$bunfs/");
}

/** This same program: the executable, or in a source tree the runtime and this program's entry. */
export function ownCommand(): readonly string[] {
  return isCompiled() ? [process.execPath] : [process.execPath, Bun.main];
}
