import type { z } from "zod";
import { fail } from "../base/errors.ts";

/**
 * Parses what a client sent; the first thing that is wrong becomes the message, with the field's name as a path.
 * @param what begins the message, as `invalid JSON` or `invalid parameter`
 * @throws invalid `INVALID_INPUT`
 */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown, what: string): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  // zod says "Invalid input: expected string, received number"; the beginning is said by `what` already.
  const reason = (issue?.message ?? "not as expected").replace(/^Invalid input: /, "");
  const path = issue?.path.map(String).join(".") ?? "";
  return fail("invalid", "INVALID_INPUT", path === "" ? `${what}: ${reason}` : `${what}: ${path}: ${reason}`);
}
