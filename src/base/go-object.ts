import { z } from "zod";

/** A field of a {@link goObject}: what it holds, and what `null` and a missing field mean. */
export interface Field<T> {
  readonly type: z.ZodType<T>;
  readonly zero: T;
}

/** @param zero Go's zero value of the type. */
export function field<T extends z.ZodType>(type: T, zero: z.output<T>): Field<z.output<T>> {
  return { type, zero } as Field<z.output<T>>;
}

/** A field that tells "not given" from a zero value. */
export function optionalField<T extends z.ZodType>(type: T): Field<z.output<T> | null> {
  return { type, zero: null } as Field<z.output<T> | null>;
}

// biome-ignore lint/suspicious/noExplicitAny: any field, whatever it holds; what each holds is in GoObject again
type Fields = Readonly<Record<string, Field<any>>>;
/** What a {@link goObject} of these fields gives: all of them, always. */
export type GoObject<F extends Fields> = { [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/**
 * A JSON object by the rules of Go's decoder, which Docker's clients count on: `null` or a missing field is its zero value,
 * unknown fields are dropped. Only what is given and differs from the zero value is parsed, for a container's request has a
 * hundred fields, most of them absent or zero, and is parsed on the way of every start.
 */
export function goObject<F extends Fields>(fields: F): z.ZodType<GoObject<F>, { [name: string]: unknown }> {
  const entries = Object.entries(fields);
  const zeros = Object.fromEntries(entries.map(([name, { zero }]) => [name, zero]));
  const known = new Map(entries);
  return z.looseObject({}).transform((given, context) => {
    const whole: Record<string, unknown> = { ...zeros };
    for (const [name, value] of Object.entries(given)) {
      const field = known.get(name);
      if (field === undefined || value === null || value === undefined || value === field.zero) continue;
      const parsed = field.type.safeParse(value);
      if (parsed.success) whole[name] = parsed.data;
      else for (const issue of parsed.error.issues) context.issues.push(below(name, issue, value));
    }
    return whole as GoObject<F>;
  });
}

/** The same complaint, in its own words, seen from the object that has the field. */
function below(name: string, { message, path }: z.core.$ZodIssue, input: unknown): z.core.$ZodRawIssue {
  return { code: "custom", message, path: [name, ...path], input };
}
