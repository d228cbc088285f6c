import { isIpAddress } from "./ip-address.ts";

/** Checks `--add-host name:ip` or `name=ip`; the API's form is `name:ip`. */
export function parseExtraHost(text: string): string {
  const [, name, address] = /^([^=:]+)[=:](.+)$/.exec(text) ?? [];
  if (name === undefined || address === undefined) throw new Error(`bad format for add-host: ${JSON.stringify(text)}`);
  const bare = address.replace(/^\[(.*)\]$/, "$1");
  if (bare !== "host-gateway" && !isIpAddress(bare)) {
    throw new Error(`invalid IP address in add-host: ${JSON.stringify(address)}`);
  }
  return `${name}:${bare}`;
}

/** Checks `--dns`. */
export function parseDnsServer(text: string): string {
  if (!isIpAddress(text.trim())) throw new Error(`IP address is not correctly formatted: ${text}`);
  return text.trim();
}

/** Checks `--dns-search`; a dot alone means "no search domains". */
export function parseSearchDomain(text: string): string {
  if (text === ".") return text;
  const valid = text.length < 255 && /^(?:[a-zA-Z0-9_](?:[-_a-zA-Z0-9]{0,61}[a-zA-Z0-9_])?\.?)+$/.test(text);
  if (!valid) throw new Error(`${text} is not a valid domain`);
  return text.replace(/\.$/, "");
}

/** Checks `--link container[:alias]`. */
export function parseLink(text: string): string {
  const parts = text.split(":");
  if (text === "" || parts.length > 2) throw new Error(`bad format for links: ${text}`);
  return parts.length === 1 ? `${text}:${text}` : text;
}

/** Checks `--attach`. */
export function parseStream(text: string): string {
  const stream = text.toLowerCase();
  if (!["stdin", "stdout", "stderr"].includes(stream)) throw new Error("valid streams are STDIN, STDOUT and STDERR");
  return stream;
}

const NAMESPACED_SYSCTLS = new Set([
  "kernel.msgmax",
  "kernel.msgmnb",
  "kernel.msgmni",
  "kernel.sem",
  "kernel.shmall",
  "kernel.shmmax",
  "kernel.shmmni",
  "kernel.shm_rmid_forced",
]);

/** Refuses a sysctl that would change the host: only those that a namespace has of its own are let through. */
export function checkSysctl(text: string): void {
  const [name = "", value] = text.split("=", 2);
  const allowed = value !== undefined && (NAMESPACED_SYSCTLS.has(name) || /^(?:net|fs\.mqueue)\./.test(name));
  if (!allowed) throw new Error(`sysctl '${text}' is not allowed`);
}

/** Checks `--mac-address`: 6, 8 or 20 bytes. */
export function checkMacAddress(text: string): string {
  const bytes = text.split(/[:-]/);
  if (![6, 8, 20].includes(bytes.length) || !bytes.every((byte) => /^[0-9a-fA-F]{2}$/.test(byte))) {
    throw new Error(`${text} is not a valid mac address`);
  }
  return text.trim();
}
