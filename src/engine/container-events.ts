import type { ContainerRecord } from "./container-record.ts";
import type { EngineParts } from "./engine-parts.ts";

/** Emits a container's event with the attributes that Docker gives: its labels, image and name. */
export function emitContainerEvent(
  parts: EngineParts,
  record: ContainerRecord,
  action: string,
  attributes: Readonly<Record<string, string>> = {},
): void {
  parts.events.emit("container", action, record.id, {
    ...record.config.Labels,
    image: record.config.Image,
    name: record.name,
    ...attributes,
  });
}
