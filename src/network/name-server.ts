import {
  addressAnswers,
  answerTo,
  failureTo,
  parseQuery,
  pointerAnswer,
  type Query,
  Rcode,
  reversedAddress,
} from "./dns-message.ts";
import { askUpstream } from "./dns-upstream.ts";
import type { Names } from "./names.ts";

/** How a container resolves names that are nobody's on its networks. */
export interface Upstream {
  /** Addresses, asked in this order from the host; none where the container has no way out. */
  readonly servers: readonly string[];
  /** Names without a dot are completed by the container's own resolver (`ndots`), and never asked outside as they are. */
  readonly completesNames: boolean;
}

/**
 * Answers one of a container's DNS queries: names of its networks from the records, all others by the upstream servers.
 * @param stream it came over TCP, and the answer goes there
 * @returns null for what deserves no answer.
 */
export async function answerQuery(
  names: Names,
  containerId: string,
  message: Uint8Array,
  stream: boolean,
  upstream: () => Upstream,
): Promise<Uint8Array | null> {
  const query = parseQuery(message);
  if (query === null || query instanceof Uint8Array) return query;
  const own = ownAnswer(names, containerId, query, stream);
  if (own) return own;
  const { servers, completesNames } = upstream();
  if (completesNames && isAddressQuery(query) && !query.question.name.includes(".")) return answerTo(query, [], stream);
  return (await askUpstream(message, servers, stream)) ?? failureTo(query, Rcode.SERVER_FAILED);
}

function ownAnswer(names: Names, containerId: string, query: Query, stream: boolean): Uint8Array | null {
  const { type, name, class: kind } = query.question;
  if (kind !== "IN") return null;
  if (type === "PTR") {
    const address = reversedAddress(name);
    const owner = address && names.reverse(containerId, address);
    return owner ? answerTo(query, [pointerAnswer(query, owner)], stream) : null;
  }
  if (!isAddressQuery(query)) return null;
  const found = names.find(containerId, name);
  if (!found) return null;
  // A name of ours without an address of this family has none: the outside must not be asked about it.
  const addresses = type === "AAAA" ? found.ipv6 : found.ipv4;
  return answerTo(query, addressAnswers(query, shuffled(addresses)), stream);
}

function isAddressQuery({ question }: Query): boolean {
  return question.type === "A" || question.type === "AAAA";
}

/** Clients take the first: in another order each time, all who share a name get their part. */
function shuffled(addresses: readonly string[]): string[] {
  return addresses
    .map((address) => ({ address, rank: Math.random() }))
    .toSorted((one, other) => one.rank - other.rank)
    .map(({ address }) => address);
}
