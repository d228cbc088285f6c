import { fail } from "../base/errors.ts";
import type { Store } from "../store/database.ts";
import { parseIpv4 } from "./ipv4.ts";
import { type Ipv6, parseIpv6 } from "./ipv6.ts";
import { type Endpoint, EndpointSchema, type NetworkRecord, NetworkRecordSchema } from "./network-record.ts";
import type { PortMapping, Protocol } from "./port-mapping.ts";

interface Row {
  document: string;
}

const MAX_PARSED = 256;

/** The tables `network`, `endpoint` and `published_port`. Every call is one statement; callers make transactions of them. */
export class NetworkStore {
  /** By document: each start reads the same few networks several times. */
  readonly #parsed = new Map<string, NetworkRecord>();
  #endpointsVersion = 0;

  constructor(readonly store: Store) {}

  /** Oldest first. */
  networks(): NetworkRecord[] {
    return this.#rows("SELECT document FROM network ORDER BY rowid").map((row) => this.#parseNetwork(row));
  }

  /** @throws not-found `NETWORK_NOT_FOUND` */
  network(id: string): NetworkRecord {
    const [row] = this.#rows("SELECT document FROM network WHERE id = ?", id);
    return row ? this.#parseNetwork(row) : notFound(id);
  }

  /**
   * By full id, then by name, then by the start of an id that means one network; `default` is `bridge`.
   * @throws not-found `NETWORK_NOT_FOUND`; invalid `NETWORK_AMBIGUOUS`
   */
  resolve(reference: string): NetworkRecord {
    const [network, ...others] = this.#matching(reference);
    if (!network) notFound(reference);
    if (others.length > 0) {
      fail(
        "invalid",
        "NETWORK_AMBIGUOUS",
        `network ${reference} is ambiguous (${others.length + 1} matches found based on ID prefix)`,
      );
    }
    return network;
  }

  /** As {@link resolve}, but undefined where no one network is meant. */
  find(reference: string): NetworkRecord | undefined {
    const [network, ...others] = this.#matching(reference);
    return others.length === 0 ? network : undefined;
  }

  hasName(name: string): boolean {
    return this.store.db.query("SELECT 1 FROM network WHERE name = ?").get(name) !== null;
  }

  insertNetwork(record: NetworkRecord): void {
    this.store.db
      .query("INSERT INTO network (id, name, document) VALUES (?, ?, ?)")
      .run(record.id, record.name, JSON.stringify(record));
  }

  updateNetwork(record: NetworkRecord): void {
    this.store.db.query("UPDATE network SET document = ? WHERE id = ?").run(JSON.stringify(record), record.id);
  }

  deleteNetwork(id: string): void {
    this.store.db.query("DELETE FROM network WHERE id = ?").run(id);
  }

  /** Another number after each change of endpoints, for those who keep what they made of them. */
  get endpointsVersion(): number {
    return this.#endpointsVersion;
  }

  endpoints(): Endpoint[] {
    return this.#rows("SELECT document FROM endpoint ORDER BY rowid").map(parseEndpoint);
  }

  endpointsOn(networkId: string): Endpoint[] {
    return this.#rows("SELECT document FROM endpoint WHERE network_id = ? ORDER BY rowid", networkId).map(
      parseEndpoint,
    );
  }

  endpointsOf(containerId: string): Endpoint[] {
    return this.#rows("SELECT document FROM endpoint WHERE container_id = ? ORDER BY rowid", containerId).map(
      parseEndpoint,
    );
  }

  /** IPv4 addresses of a network's endpoints, as numbers. */
  addressesOn(networkId: string): Set<number> {
    const rows = this.store.db
      .query<{ ipv4: number }, [string]>("SELECT ipv4 FROM endpoint WHERE network_id = ? AND ipv4 IS NOT NULL")
      .all(networkId);
    return new Set(rows.map(({ ipv4 }) => ipv4));
  }

  /** IPv6 addresses of a network's endpoints, as numbers. */
  ipv6AddressesOn(networkId: string): Set<Ipv6> {
    return new Set(
      this.endpointsOn(networkId).flatMap(({ place }) => (place?.ipv6 ? (parseIpv6(place.ipv6.address) ?? []) : [])),
    );
  }

  insertEndpoint(endpoint: Endpoint): void {
    this.#endpointsVersion += 1;
    const ipv4 = endpoint.place ? (parseIpv4(endpoint.place.address) ?? null) : null;
    this.store.db
      .query("INSERT INTO endpoint (network_id, container_id, ipv4, document) VALUES (?, ?, ?, ?)")
      .run(endpoint.networkId, endpoint.containerId, ipv4, JSON.stringify(endpoint));
  }

  updateEndpoint(endpoint: Endpoint): void {
    this.#endpointsVersion += 1;
    this.store.db
      .query("UPDATE endpoint SET document = ? WHERE network_id = ? AND container_id = ?")
      .run(JSON.stringify(endpoint), endpoint.networkId, endpoint.containerId);
  }

  deleteEndpoint(networkId: string, containerId: string): boolean {
    this.#endpointsVersion += 1;
    return (
      this.store.db.query("DELETE FROM endpoint WHERE network_id = ? AND container_id = ?").run(networkId, containerId)
        .changes > 0
    );
  }

  deleteEndpointsOf(containerId: string): void {
    this.#endpointsVersion += 1;
    this.store.db.query("DELETE FROM endpoint WHERE container_id = ?").run(containerId);
  }

  /** All published ports, or those of one container. */
  ports(containerId?: string): PortMapping[] {
    return this.store.db
      .query<PortRow, [string | null]>(
        `SELECT protocol, host_ip, host_port, container_ip, container_port FROM published_port
         WHERE live AND (?1 IS NULL OR container_id = ?1) ORDER BY rowid`,
      )
      .all(containerId ?? null)
      .map((row) => ({
        protocol: row.protocol,
        hostIp: row.host_ip,
        hostPort: row.host_port,
        containerIp: row.container_ip,
        containerPort: row.container_port,
      }));
  }

  /** Another's claim or published port that excludes this one: same number, and one of both on every address or both on one. */
  isPortTaken(protocol: Protocol, hostIp: string, hostPort: number): boolean {
    return (
      this.store.db
        .query(
          `SELECT 1 FROM published_port WHERE protocol = ?1 AND host_port = ?3
           AND (host_ip = ?2 OR ((host_ip LIKE '%:%') = (?2 LIKE '%:%')
                AND (host_ip IN ('0.0.0.0', '::') OR ?2 IN ('0.0.0.0', '::'))))`,
        )
        .get(protocol, hostIp, hostPort) !== null
    );
  }

  /** `live`: the rules lead there; otherwise the port is only spoken for. */
  insertPort(containerId: string, port: PortMapping, live: boolean): void {
    this.store.db
      .query(
        `INSERT INTO published_port (protocol, host_ip, host_port, container_id, container_ip, container_port, live)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(port.protocol, port.hostIp, port.hostPort, containerId, port.containerIp, port.containerPort, live ? 1 : 0);
  }

  /** Leads a container's ports to another place of its; null: to none, but it keeps them. @returns whether any moved */
  movePorts(containerId: string, place: Endpoint["place"]): boolean {
    const update = this.store.db.query(
      `UPDATE published_port SET live = ?2 IS NOT NULL, container_ip = coalesce(?2, container_ip)
       WHERE container_id = ?1 AND (host_ip LIKE '%:%') = ?3
       AND (live != (?2 IS NOT NULL) OR container_ip != coalesce(?2, container_ip))`,
    );
    const ipv4 = update.run(containerId, place?.address ?? null, 0);
    const ipv6 = update.run(containerId, place?.ipv6?.address ?? null, 1);
    return ipv4.changes + ipv6.changes > 0;
  }

  deletePortsOf(containerId: string): void {
    this.store.db.query("DELETE FROM published_port WHERE container_id = ?").run(containerId);
  }

  /** Forgets the endpoints and ports of all containers but these. */
  keepOnly(containerIds: readonly string[]): void {
    this.#endpointsVersion += 1;
    const list = JSON.stringify(containerIds);
    for (const table of ["endpoint", "published_port"] as const) {
      this.store.db.query(`DELETE FROM ${table} WHERE container_id NOT IN (SELECT value FROM json_each(?))`).run(list);
    }
  }

  #matching(reference: string): NetworkRecord[] {
    const name = reference === "default" ? "bridge" : reference;
    const exact = this.#rows(
      "SELECT document FROM network WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC LIMIT 1",
      name,
    );
    if (exact.length > 0) return exact.map((row) => this.#parseNetwork(row));
    if (!/^[0-9a-f]{1,63}$/.test(name)) return [];
    return this.#rows("SELECT document FROM network WHERE substr(id, 1, length(?1)) = ?1", name).map((row) =>
      this.#parseNetwork(row),
    );
  }

  #parseNetwork({ document }: Row): NetworkRecord {
    const known = this.#parsed.get(document);
    if (known) return known;
    const network = NetworkRecordSchema.parse(JSON.parse(document));
    if (this.#parsed.size >= MAX_PARSED) this.#parsed.clear();
    this.#parsed.set(document, network);
    return network;
  }

  #rows(sql: string, ...parameters: string[]): Row[] {
    return this.store.db.query<Row, string[]>(sql).all(...parameters);
  }
}

interface PortRow {
  protocol: Protocol;
  host_ip: string;
  host_port: number;
  container_ip: string;
  container_port: number;
}

function parseEndpoint(row: Row): Endpoint {
  return EndpointSchema.parse(JSON.parse(row.document));
}

function notFound(reference: string): never {
  return fail("not-found", "NETWORK_NOT_FOUND", `network ${reference} not found`);
}
