import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { parse } from "yaml";
import { z } from "zod";

/**
 * Docker's published description of the Engine API, read where it stands: beside the checkout, or where the variable says.
 * It is not part of the project, so a clone elsewhere does without.
 */
export const PUBLISHED_API =
  process.env.LIGHTER_PUBLISHED_API ?? resolve(import.meta.dir, "../../../shared/api/engine-openapi-1.51.yaml");

export const hasPublishedApi = existsSync(PUBLISHED_API);

/** `GET /containers/json`, as the description writes it. */
export type OperationName = string;

export interface PublishedApi {
  /** Each operation with the statuses that the description lists for it. */
  readonly operations: ReadonlyMap<OperationName, readonly number[]>;
  /**
   * Where a document differs from the description: `HostConfig.Links: null`. What is listed and not there counts
   * (`missing`), and so does what is there and not listed. Nothing where the description has no schema.
   */
  readonly deviations: (operation: OperationName, status: number, document: unknown) => string[];
}

/** The parts of a Swagger 2 document that replies are checked against. */
type SwaggerSchema = {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, SwaggerSchema>>;
  readonly additionalProperties?: SwaggerSchema | boolean;
  readonly items?: SwaggerSchema;
  readonly allOf?: readonly SwaggerSchema[];
  readonly "x-nullable"?: boolean;
};

const SwaggerSchemaSchema: z.ZodType<SwaggerSchema> = z.lazy(() =>
  z.object({
    $ref: z.string().optional(),
    type: z.string().optional(),
    format: z.string().optional(),
    enum: z.array(z.unknown()).optional(),
    properties: z.record(z.string(), SwaggerSchemaSchema).optional(),
    additionalProperties: z.union([z.boolean(), SwaggerSchemaSchema]).optional(),
    items: SwaggerSchemaSchema.optional(),
    allOf: z.array(SwaggerSchemaSchema).optional(),
    "x-nullable": z.boolean().optional(),
  }),
);

const DescriptionSchema = z.object({
  definitions: z.record(z.string(), SwaggerSchemaSchema),
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.looseObject({ responses: z.record(z.string(), z.object({ schema: SwaggerSchemaSchema.optional() })) }),
    ),
  ),
});
type Definitions = z.infer<typeof DescriptionSchema>["definitions"];

export function readPublishedApi(): PublishedApi {
  const { definitions, paths } = DescriptionSchema.parse(parse(readFileSync(PUBLISHED_API, "utf8")));
  const ajv = new Ajv({ allErrors: true, strict: false, verbose: true, formats: FORMATS });
  for (const [name, definition] of Object.entries(definitions)) {
    ajv.addSchema(jsonSchemaOf(definition, name, definitions), nameOfDefinition(name));
  }
  const operations = new Map<OperationName, number[]>();
  const validators = new Map<string, ValidateFunction>();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, { responses }] of Object.entries(methods)) {
      const operation = `${method.toUpperCase()} ${path}`;
      operations.set(operation, Object.keys(responses).map(Number));
      for (const [status, { schema }] of Object.entries(responses)) {
        if (schema) validators.set(`${operation} ${status}`, ajv.compile(jsonSchemaOf(schema, operation, definitions)));
      }
    }
  }
  return {
    operations,
    deviations: (operation, status, document) => {
      const validate = validators.get(`${operation} ${status}`);
      if (!validate || validate(document)) return [];
      const errors = (validate.errors ?? []).filter(({ keyword }) => keyword !== "if");
      return [...new Set(errors.map(describe))];
    },
  };
}

const nameOfDefinition = (name: string) => `docker:${name}`;

/**
 * A Swagger schema as JSON Schema, made strict: every property that is listed has to be there, and no other may. `allOf` is
 * merged, for each of its parts alone would refuse the properties of the others.
 * @param title what errors call it: `HostConfig`, or `HostConfig.Links` of a property
 */
function jsonSchemaOf(schema: SwaggerSchema, title: string, definitions: Definitions): object {
  const plain = notNullSchemaOf(schema, title, definitions);
  return schema["x-nullable"] ? { if: { type: "null" }, else: plain } : plain;
}

function notNullSchemaOf(schema: SwaggerSchema, title: string, definitions: Definitions): object {
  if (schema.$ref) return { $ref: nameOfDefinition(definitionIn(schema.$ref)) };
  const { type, format, enum: values, items, additionalProperties } = schema;
  const properties = propertiesOf(schema, definitions);
  const names = Object.keys(properties);
  if (type === "array") return { title, type, items: items ? jsonSchemaOf(items, `${title}[]`, definitions) : {} };
  if (type !== "object" && names.length === 0) {
    return { title, ...(type ? { type } : {}), ...(values ? { enum: values } : {}), ...(format ? { format } : {}) };
  }
  const listed = names.map((name) => [name, jsonSchemaOf(properties[name] ?? {}, `${title}.${name}`, definitions)]);
  const isMap = typeof additionalProperties === "object";
  return {
    title,
    type: "object",
    properties: Object.fromEntries(listed),
    required: names,
    additionalProperties: isMap
      ? jsonSchemaOf(additionalProperties, `${title}[]`, definitions)
      : additionalProperties === true || names.length === 0,
  };
}

function propertiesOf(schema: SwaggerSchema, definitions: Definitions): Readonly<Record<string, SwaggerSchema>> {
  const referred = schema.$ref ? definitions[definitionIn(schema.$ref)] : undefined;
  const parts = [...(referred ? [referred] : []), ...(schema.allOf ?? [])];
  return Object.assign({}, ...parts.map((part) => propertiesOf(part, definitions)), schema.properties);
}

function definitionIn(reference: string): string {
  return reference.replace("#/definitions/", "");
}

/** What the description's formats promise of a text; widths of numbers are no matter of JSON. */
const FORMATS: Record<string, true | ((text: string) => boolean)> = {
  "date-time": (text) => !Number.isNaN(Date.parse(text)),
  dateTime: (text) => !Number.isNaN(Date.parse(text)),
  "ip-address": true,
  CIDR: true,
  binary: true,
  json: true,
  uri: true,
  int64: true,
  uint64: true,
  uint32: true,
  uint16: true,
  uint8: true,
};

function describe({ keyword, params, message = "", data, parentSchema }: ErrorObject): string {
  const title = String(parentSchema?.title);
  if (keyword === "required") return `${title}.${params.missingProperty}: missing`;
  if (keyword === "additionalProperties") return `${title}.${params.additionalProperty}: not listed`;
  return data === null ? `${title}: null` : `${title}: ${message}`;
}
