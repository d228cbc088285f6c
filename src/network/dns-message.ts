import { type Answer, type DecodedPacket, decode, encode, type Question, RECURSION_AVAILABLE } from "dns-packet";

/** Response codes of RFC 1035, 4.1.1. */
export const Rcode = { OK: 0, MALFORMED: 1, SERVER_FAILED: 2, NO_SUCH_NAME: 3, NOT_IMPLEMENTED: 4 } as const;
type Code = (typeof Rcode)[keyof typeof Rcode];

/** A question that was understood. */
export interface Query {
  readonly id: number;
  readonly question: Question;
  /** The same as it was written: answers repeat it, whatever types and classes it has. */
  readonly written: Uint8Array;
  /** Bytes that an answer may have where it was not asked over a stream: 512, or what EDNS says (RFC 6891). */
  readonly maxBytes: number;
  readonly wantsRecursion: boolean;
}

const HEADER_BYTES = 12;
const RESPONSE = 0x8000;
const TRUNCATED = 0x0200;
const RECURSION_DESIRED = 0x0100;
const PLAIN_BYTES = 512;
const STREAM_BYTES = 65_535;
/** Names may move at any time, but clients that keep answers are rare; Docker's number. */
const TTL_SECONDS = 600;

/**
 * Reads a query, whoever sent it.
 * @returns what it asks; or the answer that its sender must get; or null for what must not be answered at all.
 */
export function parseQuery(bytes: Uint8Array): Query | Uint8Array | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // An answer to an answer might go round for ever.
  if (buffer.length < HEADER_BYTES || (buffer.readUInt16BE(2) & RESPONSE) !== 0) return null;
  if (((buffer.readUInt16BE(2) >> 11) & 0xf) !== 0) return refusal(buffer, Rcode.NOT_IMPLEMENTED);
  let packet: DecodedPacket;
  try {
    packet = decode(buffer);
  } catch {
    return refusal(buffer, Rcode.MALFORMED); // The decoder throws on whatever does not follow RFC 1035.
  }
  const [question, ...others] = packet.questions ?? [];
  if (!question || others.length > 0) return refusal(buffer, Rcode.MALFORMED);
  const edns = packet.additionals?.find(({ type }) => type === "OPT");
  const offered = edns?.type === "OPT" && "udpPayloadSize" in edns ? edns.udpPayloadSize : PLAIN_BYTES;
  return {
    id: buffer.readUInt16BE(0),
    question,
    written: buffer.subarray(HEADER_BYTES, HEADER_BYTES + questionBytes(buffer)),
    maxBytes: Math.max(PLAIN_BYTES, offered),
    wantsRecursion: packet.flag_rd,
  };
}

/** What does not fit is left out, and the flag that says so has the client ask again over a stream. */
export function answerTo(query: Query, data: readonly Answer[], stream: boolean): Uint8Array {
  const limit = stream ? STREAM_BYTES : query.maxBytes;
  for (let count = data.length; ; count--) {
    const flags = RECURSION_AVAILABLE | recursion(query) | (count < data.length ? TRUNCATED : 0);
    const bytes = response(query, flags, data.slice(0, count));
    if (bytes.length <= limit || count === 0) return bytes;
  }
}

export function failureTo(query: Query, code: Code): Uint8Array {
  return response(query, RECURSION_AVAILABLE | recursion(query) | code, []);
}

export function addressAnswers({ question }: Query, addresses: readonly string[]): Answer[] {
  const type = question.type === "AAAA" ? "AAAA" : "A";
  return addresses.map((data) => ({ type, name: question.name, ttl: TTL_SECONDS, class: "IN", data }));
}

export function pointerAnswer({ question }: Query, name: string): Answer {
  return { type: "PTR", name: question.name, ttl: TTL_SECONDS, class: "IN", data: name };
}

/** `4.3.2.1.in-addr.arpa` or its like of IPv6 (RFC 3596, 2.5) as the address it stands for; null for other names. */
export function reversedAddress(name: string): string | null {
  const [, quad] = /^((?:\d{1,3}\.){4})in-addr\.arpa\.?$/i.exec(name) ?? [];
  if (quad) return quad.split(".").slice(0, 4).toReversed().join(".");
  const [, nibbles] = /^((?:[0-9a-f]\.){32})ip6\.arpa\.?$/i.exec(name) ?? [];
  if (!nibbles) return null;
  const digits = nibbles.toLowerCase().replaceAll(".", "").split("").toReversed().join("");
  const groups = digits.match(/.{4}/g) ?? [];
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

/** The same query under another number: who guesses at answers must not know it from the container (RFC 5452). */
export function withId(message: Uint8Array, id: number): Uint8Array {
  const copy = Buffer.from(message);
  copy.writeUInt16BE(id, 0);
  return copy;
}

/** Whether a server's message answers this query: number, question, and that it is an answer (RFC 5452, 9.1). */
export function isAnswerTo(query: Uint8Array, message: Uint8Array): boolean {
  const [asked, got] = [Buffer.from(query), Buffer.from(message)];
  if (got.length < HEADER_BYTES || (got.readUInt16BE(2) & RESPONSE) === 0) return false;
  if (got.readUInt16BE(0) !== asked.readUInt16BE(0)) return false;
  const end = HEADER_BYTES + questionBytes(asked);
  // Servers that refuse may leave the question out.
  if (got.readUInt16BE(4) === 0) return rcodeOf(got) !== Rcode.OK;
  return lower(asked.subarray(HEADER_BYTES, end)) === lower(got.subarray(HEADER_BYTES, end));
}

export function rcodeOf(message: Uint8Array): number {
  return (message[3] ?? 0) & 0xf;
}

function questionBytes(message: Buffer): number {
  let at = HEADER_BYTES;
  for (let length = message[at]; length; length = message[at]) at += length + 1;
  return at + 5 - HEADER_BYTES; // the name's end, type and class
}

/** Servers may answer in letters of another size. */
function lower(bytes: Buffer): string {
  return bytes.toString("latin1").toLowerCase();
}

function recursion({ wantsRecursion }: Query): number {
  return wantsRecursion ? RECURSION_DESIRED : 0;
}

function response({ id, written }: Query, flags: number, answers: Answer[]): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(RESPONSE | flags, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers.length, 6);
  // Without questions, what follows the header are the answers.
  return Buffer.concat([header, written, encode({ type: "response", answers }).subarray(HEADER_BYTES)]);
}

/** The header alone, for a question that was not understood. */
function refusal(query: Buffer, code: Code): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(query.readUInt16BE(0), 0);
  header.writeUInt16BE(RESPONSE | (query.readUInt16BE(2) & 0x7900) | code, 2);
  return header;
}
