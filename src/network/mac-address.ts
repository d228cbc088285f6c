import { randomBytes } from "node:crypto";
import { fail } from "../base/errors.ts";
import type { Ipv4 } from "./ipv4.ts";

/** Six octets as `02:42:ac:11:00:02`. */
export type MacAddress = string & { readonly brand: "MacAddress" };

const OCTETS = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/;

/**
 * A hardware address as clients send it, with colons or dashes.
 * @throws invalid `INVALID_MAC_ADDRESS` where it is malformed, or where its lowest bit says multicast: no interface may
 * have such an address (IEEE 802-2014, 8.2.2).
 */
export function parseMacAddress(text: string): MacAddress {
  const octets = text.toLowerCase().replaceAll("-", ":");
  if (!OCTETS.test(octets) || isMulticast(octets) || octets === "00:00:00:00:00:00") {
    fail("invalid", "INVALID_MAC_ADDRESS", `invalid MAC address: ${text}`);
  }
  return octets as MacAddress;
}

/** Docker's scheme: locally administered, unique in the subnet, and the same again for whoever gets the address next. */
export function macAddressOf(address: Ipv4): MacAddress {
  return format([0x02, 0x42, address >>> 24, (address >>> 16) & 0xff, (address >>> 8) & 0xff, address & 0xff]);
}

/** For a bridge itself: a bridge without an own address takes the lowest of its ports' and changes it as they come and go. */
export function randomMacAddress(): MacAddress {
  return format([0x02, 0x42, ...randomBytes(4)]);
}

function isMulticast(octets: string): boolean {
  return (Number.parseInt(octets.slice(0, 2), 16) & 1) === 1;
}

function format(octets: readonly number[]): MacAddress {
  return octets.map((octet) => octet.toString(16).padStart(2, "0")).join(":") as MacAddress;
}
