import { fail } from "../base/errors.ts";

/**
 * The TypeScript side of native/shim/wire.h, which has the format's description. Numbers here must equal the ones there;
 * wire.test.ts reads the header and compares.
 */

export const MAGIC = 0x524d4853;
export const VERSION = 1;
export const HEADER_BYTES = 16;
const RECORD_BYTES = 8;
/** A message that is longer is a bug or an attack on either side. */
export const MESSAGE_MAX_BYTES = 4 * 1024 * 1024;

export const Type = {
  HELLO: 1,
  CREATE: 2,
  START: 3,
  ATTACH: 4,
  EXEC: 5,
  KILL: 6,
  RESIZE: 7,
  CLOSE_STDIN: 8,
  RELEASE: 9,
  CONNECT: 10,
  DISCONNECT: 11,
  ANSWER: 12,
  OK: 32,
  FAILED: 33,
  EXIT: 48,
  QUERY: 49,
} as const;

export const Tag = {
  PROCESS: 1,
  PID: 2,
  STATUS: 3,
  CGROUP_PATH: 4,
  STARTED_AT: 5,
  FINISHED_AT: 6,
  EXIT_CODE: 7,
  OOM_KILLED: 8,
  PORT: 9,
  WARNING: 10,
  STEP: 11,
  ERRNO: 12,
  DETAIL: 13,
  KEEPER_PID: 14,
  ERRNO_TEXT: 15,
  SIGNAL: 20,
  WINDOW: 21,
  ATTACH_FLAGS: 22,
  SIGNAL_GROUP: 25,
  DNS_MESSAGE: 23,
  DNS_STREAM: 24,
  NAMESPACES: 30,
  NAMESPACE_JOIN: 31,
  UID_MAP: 32,
  GID_MAP: 33,
  ROOT_OVERLAY: 34,
  ROOT_DIRECTORY: 35,
  ROOT_READONLY: 36,
  ROOT_PROPAGATION: 37,
  MOUNT: 38,
  DEVICE: 39,
  MASKED_PATH: 40,
  READONLY_PATH: 41,
  SYSCTL: 42,
  HOSTNAME: 43,
  DOMAINNAME: 44,
  CGROUP_WRITE: 45,
  LINK: 46,
  HELD_PORT: 47,
  LOG: 48,
  EXIT_FILE: 49,
  REAPER: 50,
  DEVICE_RULE: 51,
  RESOLVER: 52,
  DEFAULT_ROUTE: 53,
  ARGUMENT: 60,
  ENVIRONMENT: 61,
  DIRECTORY: 62,
  USER_NAME: 63,
  USER: 64,
  GROUP: 65,
  GROUP_NAME: 66,
  CAPABILITIES: 67,
  NO_NEW_PRIVILEGES: 68,
  RLIMIT: 69,
  OOM_SCORE_ADJ: 70,
  SECCOMP: 71,
  UMASK: 72,
  STDIN: 73,
  OUTPUT: 74,
} as const;

export const Field = {
  TYPE: 1,
  SOURCE: 2,
  TARGET: 3,
  DATA: 4,
  FLAGS: 5,
  MOUNT: 6,
  DEVICE: 7,
  LOG: 8,
  HOST_NAME: 9,
  CONTAINER_NAME: 10,
  BRIDGE: 11,
  MAC: 12,
  ADDRESS: 13,
  PREFIX: 14,
  GATEWAY: 15,
  MTU: 16,
  SUBPATH: 17,
} as const;

export const Status = { WAITING: 0, CREATED: 1, RUNNING: 2, EXITED: 3 } as const;
export const Attach = { STDIN: 1, STDOUT: 2, STDERR: 4 } as const;
export const Stdin = { NULL: 0, OPEN: 1, ONCE: 2 } as const;

/** A list of records under construction: a message's body or a group's value. */
export class Records {
  readonly #parts: Uint8Array[] = [];

  /**
   * @throws invalid `NUL_IN_TEXT`: no path, name or argument of a Linux process can hold a NUL.
   */
  text(tag: number, value: string): this {
    if (value.includes("\0")) {
      fail(
        "invalid",
        "NUL_IN_TEXT",
        `${JSON.stringify(value)} contains a NUL byte, which no Linux process can be given`,
      );
    }
    return this.bytes(tag, Buffer.from(`${value}\0`));
  }

  u32(tag: number, value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value >>> 0);
    return this.bytes(tag, bytes);
  }

  flag(tag: number, value: boolean): this {
    return value ? this.u32(tag, 1) : this;
  }

  group(tag: number, records: Records): this {
    return this.bytes(tag, records.toBytes());
  }

  bytes(tag: number, value: Uint8Array): this {
    const head = Buffer.alloc(RECORD_BYTES);
    head.writeUInt16LE(tag);
    head.writeUInt32LE(value.length, 4);
    this.#parts.push(head, value);
    return this;
  }

  toBytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

/** @throws invalid `REQUEST_TOO_LARGE` */
export function encodeMessage(type: number, request: number, records: Records): Buffer {
  const body = records.toBytes();
  if (body.length > MESSAGE_MAX_BYTES) {
    fail(
      "invalid",
      "REQUEST_TOO_LARGE",
      `a container's settings may take ${MESSAGE_MAX_BYTES} bytes, these take ${body.length}: shorten environment or arguments`,
    );
  }
  const message = Buffer.alloc(HEADER_BYTES + body.length);
  message.writeUInt32LE(MAGIC);
  message.writeUInt16LE(VERSION, 4);
  message.writeUInt16LE(type, 6);
  message.writeUInt32LE(request, 8);
  message.writeUInt32LE(body.length, 12);
  message.set(body, HEADER_BYTES);
  return message;
}

/** A received message: its records by tag, in order. */
export class Message {
  readonly #records: readonly { readonly tag: number; readonly value: Buffer }[];

  constructor(
    readonly type: number,
    readonly request: number,
    body: Buffer,
  ) {
    this.#records = parseRecords(body);
  }

  /** "" where there is none. */
  text(tag: number): string {
    return this.texts(tag)[0] ?? "";
  }

  texts(tag: number): string[] {
    return this.#values(tag).map((value) => value.toString("utf8", 0, Math.max(0, value.length - 1)));
  }

  /** undefined where there is none. */
  bytes(tag: number): Buffer | undefined {
    return this.#values(tag)[0];
  }

  /** undefined where there is none. */
  u32(tag: number): number | undefined {
    return this.u32s(tag)[0];
  }

  u32s(tag: number): number[] {
    return this.#values(tag).map((value) => (value.length === 4 ? value.readUInt32LE() : malformed("a number's size")));
  }

  #values(tag: number): Buffer[] {
    return this.#records.filter((record) => record.tag === tag).map((record) => record.value);
  }
}

function parseRecords(body: Buffer): { tag: number; value: Buffer }[] {
  const records: { tag: number; value: Buffer }[] = [];
  for (let at = 0; at < body.length; ) {
    if (body.length - at < RECORD_BYTES) malformed("a record's head");
    const length = body.readUInt32LE(at + 4);
    const start = at + RECORD_BYTES;
    if (length > body.length - start) malformed("a record's length");
    records.push({ tag: body.readUInt16LE(at), value: body.subarray(start, start + length) });
    at = start + length;
  }
  return records;
}

/**
 * What a header says of its message's body, in bytes.
 * @throws internal `SHIM_PROTOCOL`
 */
export function bodyLength(header: Buffer): number {
  if (header.length < HEADER_BYTES) malformed("the header's size");
  if (header.readUInt32LE() !== MAGIC) malformed("the magic number");
  const version = header.readUInt16LE(4);
  if (version !== VERSION) malformed(`version ${version}, where ${VERSION} is spoken`);
  const length = header.readUInt32LE(12);
  return length <= MESSAGE_MAX_BYTES ? length : malformed("the message's length");
}

/**
 * Takes whole messages off a growing buffer, however the bytes were cut on the way.
 * @returns what is complete, and the bytes that are left for the next time
 * @throws internal `SHIM_PROTOCOL`
 */
export function takeMessages(bytes: Buffer): { messages: Message[]; rest: Buffer } {
  const messages: Message[] = [];
  let rest = bytes;
  while (rest.length >= HEADER_BYTES) {
    const end = HEADER_BYTES + bodyLength(rest);
    if (rest.length < end) break;
    messages.push(new Message(rest.readUInt16LE(6), rest.readUInt32LE(8), rest.subarray(HEADER_BYTES, end)));
    rest = rest.subarray(end);
  }
  return { messages, rest };
}

function malformed(what: string): never {
  fail(
    "internal",
    "SHIM_PROTOCOL",
    `the shim's message is malformed (${what}): shim and engine are of different builds`,
  );
}
