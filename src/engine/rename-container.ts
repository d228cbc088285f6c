import { fail, messageOf } from "../base/errors.ts";
import { emitContainerEvent } from "./container-events.ts";
import type { EngineParts } from "./engine-parts.ts";

/** @throws not-found; conflict for a name in use; invalid where nothing would change, in Docker's words. */
export async function renameContainer(parts: EngineParts, reference: string, name: string): Promise<void> {
  const { id } = parts.containers.resolve(reference);
  await parts.locks.run(id, async () => {
    const before = parts.containers.get(id);
    if (before.name === name) {
      fail("invalid", "SAME_NAME", "Renaming a container with the same name as its current name");
    }
    try {
      parts.containers.assertNameFree(name);
    } catch (error) {
      fail("conflict", "NAME_IN_USE", `Error when allocating new name: ${messageOf(error)}`, { cause: error });
    }
    const after = parts.containers.update(id, { name });
    parts.networks.renameContainer(id, name);
    emitContainerEvent(parts, after, "rename", { oldName: `/${before.name}` });
  });
}
