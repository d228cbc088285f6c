/**
 * The schema's history, oldest first; a database's `user_version` counts those it has seen. Never edit one that has been
 * released: append. Documents are JSON in Docker's field names; columns beside them are what SQL has to search or protect.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT;
  CREATE TABLE image (
    id              TEXT PRIMARY KEY,          -- digest of the config blob: Docker's image id
    manifest_digest TEXT NOT NULL,
    manifest_size_bytes INTEGER NOT NULL,
    chain_id        TEXT REFERENCES layer(chain_id), -- of the top layer; NULL for an image without layers
    parent_id       TEXT REFERENCES image(id), -- the image that a commit or build step started from
    size_bytes      INTEGER NOT NULL,          -- of all layers' files
    created_ns      INTEGER NOT NULL           -- when it entered this store
  ) STRICT;
  CREATE INDEX image_chain ON image(chain_id);
  CREATE INDEX image_parent ON image(parent_id);
  CREATE TABLE tag (
    name     TEXT PRIMARY KEY,                 -- canonical: docker.io/library/busybox:latest
    image_id TEXT NOT NULL REFERENCES image(id),
    since_ns INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX tag_image ON tag(image_id);
  CREATE TABLE layer (
    chain_id        TEXT PRIMARY KEY,          -- OCI image spec, config.md#layer-chainid
    parent_chain_id TEXT REFERENCES layer(chain_id),
    diff_id         TEXT NOT NULL,
    blob_digest     TEXT NOT NULL,             -- of the archive as stored, maybe compressed
    blob_media_type TEXT NOT NULL,
    blob_size_bytes INTEGER NOT NULL,
    size_bytes      INTEGER NOT NULL,          -- of its files
    snapshot        INTEGER REFERENCES snapshot(key) -- NULL until something runs on it
  ) STRICT;
  CREATE TABLE snapshot (
    key   INTEGER PRIMARY KEY AUTOINCREMENT,   -- never used again, so that a late removal hits nothing new
    kind  TEXT NOT NULL CHECK (kind IN ('layer', 'active')),
    owner TEXT NOT NULL,                       -- chain id, or the container or build step that writes to it
    parent_chain_id TEXT REFERENCES layer(chain_id) -- an active one's layers below, which it keeps
  ) STRICT;
  CREATE INDEX layer_parent ON layer(parent_chain_id);
  CREATE INDEX layer_blob ON layer(blob_digest);
  CREATE INDEX snapshot_parent ON snapshot(parent_chain_id);
  CREATE TABLE container (
    id       TEXT PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE,
    image_id TEXT,
    document TEXT NOT NULL
  ) STRICT;
  CREATE INDEX container_image ON container(image_id);
  CREATE TABLE network (
    id       TEXT PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE,
    document TEXT NOT NULL
  ) STRICT;
  CREATE TABLE endpoint (                      -- of running containers alone
    network_id   TEXT NOT NULL REFERENCES network(id),
    container_id TEXT NOT NULL,
    ipv4         INTEGER,                      -- the address as a number; NULL on host and none
    document     TEXT NOT NULL,
    PRIMARY KEY (network_id, container_id),
    UNIQUE (network_id, ipv4)
  ) STRICT;
  CREATE INDEX endpoint_container ON endpoint(container_id);
  CREATE TABLE published_port (
    protocol       TEXT NOT NULL CHECK (protocol IN ('tcp', 'udp', 'sctp')),
    host_ip        TEXT NOT NULL,              -- 0.0.0.0: every address of the host
    host_port      INTEGER NOT NULL,
    container_id   TEXT NOT NULL,
    container_ip   TEXT NOT NULL,
    container_port INTEGER NOT NULL,
    live           INTEGER NOT NULL,           -- 0: spoken for; 1: packets are led there
    PRIMARY KEY (protocol, host_ip, host_port)
  ) STRICT;
  CREATE INDEX published_port_container ON published_port(container_id);
  CREATE TABLE volume (
    name     TEXT PRIMARY KEY,
    document TEXT NOT NULL,
    leaving  INTEGER NOT NULL DEFAULT 0        -- 1: its files are being moved out; start-up finishes that
  ) STRICT;
  CREATE TABLE event (
    time_ns  INTEGER NOT NULL,
    document TEXT NOT NULL
  ) STRICT;
  CREATE INDEX event_time ON event(time_ns);
  CREATE TABLE build_cache (
    key      TEXT PRIMARY KEY,                 -- digest over a parent image, a build step and what it reads
    image_id TEXT NOT NULL REFERENCES image(id) ON DELETE CASCADE
  ) STRICT;
  CREATE INDEX build_cache_image ON build_cache(image_id);
  CREATE TABLE repo_digest (
    name     TEXT PRIMARY KEY,                 -- canonical: docker.io/library/busybox@sha256:..., as pulled or pushed
    image_id TEXT NOT NULL REFERENCES image(id) ON DELETE CASCADE
  ) STRICT;
  CREATE INDEX repo_digest_image ON repo_digest(image_id);
  CREATE TABLE layer_origin (                  -- repositories known to have a blob: pushes mount it from there
    blob_digest TEXT NOT NULL,
    repository  TEXT NOT NULL,                 -- canonical: docker.io/library/busybox
    seen_ns     INTEGER NOT NULL,
    PRIMARY KEY (blob_digest, repository)
  ) STRICT;
  `,
  `
  CREATE TABLE reflog (                        -- what names and containers have stood for, see image/reflog.ts
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    ref      TEXT NOT NULL,
    image_id TEXT NOT NULL REFERENCES image(id) ON DELETE CASCADE,
    since_ns INTEGER NOT NULL,
    reason   TEXT NOT NULL,
    detail   TEXT NOT NULL
  ) STRICT;
  CREATE INDEX reflog_ref ON reflog(ref, id);
  CREATE INDEX reflog_image ON reflog(image_id);
  INSERT INTO reflog (ref, image_id, since_ns, reason, detail) SELECT name, image_id, since_ns, 'tag', '' FROM tag;
  `,
  `
  CREATE TABLE packed_blob (                   -- what registries get of layers whose archives are stored plain
    blob_digest       TEXT PRIMARY KEY,
    packed_digest     TEXT NOT NULL,
    packed_size_bytes INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX packed_blob_packed ON packed_blob(packed_digest);
  `,
  `
  ALTER TABLE snapshot ADD COLUMN unsynced_boot TEXT; -- a layer's, until its files are surely on the disk: see layer-sync.ts
  `,
  `
  DROP TABLE build_cache;
  CREATE TABLE build_result (                  -- what a step of a build came to, for builds that have the same step
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    description  TEXT NOT NULL,
    created      TEXT NOT NULL,                -- of the first making: images made of it carry this time
    last_used_ns INTEGER NOT NULL,
    use_count    INTEGER NOT NULL,
    size_bytes   INTEGER NOT NULL,             -- of the layers that the step itself made
    document     TEXT NOT NULL                 -- what else is to be known of it: build/graph/build-cache.ts
  ) STRICT;
  CREATE TABLE build_output (
    result_id INTEGER NOT NULL REFERENCES build_result(id) ON DELETE CASCADE,
    position  INTEGER NOT NULL,
    chain_id  TEXT REFERENCES layer(chain_id), -- NULL for an empty tree
    PRIMARY KEY (result_id, position)
  ) STRICT;
  CREATE INDEX build_output_chain ON build_output(chain_id);
  CREATE TABLE build_key (
    key       TEXT PRIMARY KEY,                -- digest over a step and what it reads
    result_id INTEGER NOT NULL REFERENCES build_result(id) ON DELETE CASCADE
  ) STRICT;
  CREATE INDEX build_key_result ON build_key(result_id);
  CREATE TABLE build_mount (                   -- directories of RUN --mount=type=cache
    id           INTEGER PRIMARY KEY AUTOINCREMENT, -- the directory's name
    name         TEXT NOT NULL,
    created      TEXT NOT NULL,
    last_used_ns INTEGER NOT NULL,
    use_count    INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX build_mount_name ON build_mount(name);
  CREATE TABLE build_trace (                   -- what a step's key was made of the last time, to say what has changed
    place        TEXT PRIMARY KEY,
    document     TEXT NOT NULL,
    last_used_ns INTEGER NOT NULL
  ) STRICT;
  `,
];
