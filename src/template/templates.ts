import { fail } from "../base/errors.ts";
import type { Image, ImageStore } from "../image/image-store.ts";
import { canonicalName, familiarName, parseReference } from "../image/reference.ts";
import { busybox } from "./busybox.ts";
import { debian } from "./debian.ts";
import { registry } from "./registry.ts";
import type { Template, TemplateParts, TemplateProgress } from "./template.ts";

const TEMPLATES: readonly Template[] = [busybox, debian, registry];

/** A line of `lighter template ls`. */
export interface TemplateDocument {
  readonly Name: string;
  readonly Description: string;
  readonly Tags: readonly string[];
  /** Id of the image that has the template's first name now; empty if there is none. */
  readonly ImageId: string;
}

export function listTemplates(images: ImageStore): TemplateDocument[] {
  return TEMPLATES.map(({ name, description, tags }) => ({
    Name: name,
    Description: description,
    Tags: tags.map(familiarName),
    ImageId: (tags[0] && images.find(canonicalName(tags[0]))?.id) ?? "",
  }));
}

/**
 * Makes a template's image, telling on the way what is done.
 * @param tag the one name to give it; the template's own if missing.
 * @throws not-found `TEMPLATE_NOT_FOUND`; unavailable `TEMPLATE_UNAVAILABLE` with what to install.
 */
export function buildTemplate(
  parts: TemplateParts,
  name: string,
  options: { tag?: string; signal?: AbortSignal } = {},
): AsyncGenerator<TemplateProgress, Image> {
  const template =
    TEMPLATES.find((known) => known.name === name) ??
    fail(
      "not-found",
      "TEMPLATE_NOT_FOUND",
      `No such template: ${name}: there are ${TEMPLATES.map((known) => known.name).join(", ")}`,
    );
  const tags = options.tag ? [parseReference(options.tag)] : template.tags;
  return template.build(parts, tags, options.signal);
}
