import { fail } from "../base/errors.ts";
import { shortId } from "../base/ids.ts";
import { hexOf, isDigest } from "../image/digest.ts";
import type { ContainerRecord } from "./container-record.ts";

type Facts = Pick<ContainerRecord, "name" | "imageId" | "config" | "hostConfig"> & { readonly id: string };

/**
 * What `logs --details` puts in front of each line: the labels, variables and tag that the log's options name, as Docker's
 * loggers write them. A container's never change, so they are not kept with each line.
 * @throws invalid `INVALID_LOG_OPTION` for a pattern or a tag that is none.
 */
export function logAttributes(record: Facts): Readonly<Record<string, string>> {
  const {
    labels,
    env,
    tag,
    "labels-regex": labelPattern,
    "env-regex": namePattern,
  } = record.hostConfig.LogConfig.Config;
  const variables = Object.fromEntries(record.config.Env.map(nameAndValue));
  return {
    ...chosen(record.config.Labels, labels, labelPattern),
    ...chosen(variables, env, namePattern),
    ...(tag ? { tag: tagOf(tag, record) } : {}),
  };
}

/** Sorted and escaped as in a query, with a blank at the end; "" for none. */
export function attributeText(attributes: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(attributes).sort(([one], [other]) => (one < other ? -1 : 1));
  const words = pairs.map((pair) => new URLSearchParams([pair]).toString());
  return words.length > 0 ? `${words.join(",")} ` : "";
}

function nameAndValue(entry: string): [string, string] {
  const at = entry.indexOf("=");
  return at < 0 ? [entry, ""] : [entry.slice(0, at), entry.slice(at + 1)];
}

function chosen(
  values: Readonly<Record<string, string>>,
  names: string | undefined,
  pattern: string | undefined,
): Record<string, string> {
  const listed = new Set(names?.split(","));
  const expression = pattern ? parsePattern(pattern) : undefined;
  return Object.fromEntries(Object.entries(values).filter(([name]) => listed.has(name) || expression?.test(name)));
}

function parsePattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    return fail("invalid", "INVALID_LOG_OPTION", `error parsing regexp: ${JSON.stringify(text)}`, { cause: error });
  }
}

/** Go's templates have more, but fields are what tags are made of. */
function tagOf(template: string, { id, name, imageId, config }: Facts): string {
  const imageHex = isDigest(imageId) ? hexOf(imageId) : imageId;
  const fields: Readonly<Record<string, string>> = {
    ID: shortId(id),
    FullID: id,
    Name: name,
    FullName: `/${name}`,
    ImageID: shortId(imageHex),
    ImageFullID: imageId,
    ImageName: config.Image,
    DaemonName: "lighter",
  };
  return template.replace(/\{\{\s*(.*?)\s*\}\}/g, (_, field: string) => {
    const known = field.startsWith(".") && Object.hasOwn(fields, field.slice(1)) ? fields[field.slice(1)] : undefined;
    return (
      known ?? fail("invalid", "INVALID_LOG_OPTION", `log-opt tag: ${JSON.stringify(field)} is no field of a container`)
    );
  });
}
