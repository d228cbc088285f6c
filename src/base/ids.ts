import { randomBytes } from "node:crypto";

/** 64 hex digits, as Docker's container, network and exec ids. */
export type Id = string & { readonly brand: "Id" };

const FULL_ID = /^[0-9a-f]{64}$/;

/** A fresh random id whose short form is not a decimal number (a hostname of digits alone confuses resolvers, as in Docker). */
export function newId(): Id {
  for (;;) {
    const id = randomBytes(32).toString("hex");
    if (!/^\d+$/.test(id.slice(0, 12))) return id as Id;
  }
}

export function isId(text: string): text is Id {
  return FULL_ID.test(text);
}

/** The first 12 digits, as every client shows it. */
export function shortId(id: string): string {
  return id.slice(0, 12);
}
