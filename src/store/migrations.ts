/**
 * The schema's history, oldest first; a database's `user_version` counts those it has seen. Never edit one that has been
 * released: append. Documents are JSON in Docker's field names; columns beside them are what SQL has to search or protect.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE image (
    id              TEXT PRIMARY KEY,          -- digest of the config blob: Docker's image id
    manifest_digest TEXT NOT NULL,
    chain_id        TEXT,                      -- of the top layer; NULL for an image without layers
    parent_id       TEXT,                      -- the image that a commit or build step started from
    size_bytes      INTEGER NOT NULL,          -- of all layers, unpacked archives' size
    created_ns      INTEGER NOT NULL           -- when it entered this store
  ) STRICT;
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
    size_bytes      INTEGER NOT NULL,          -- of the archive, not compressed
    snapshot        INTEGER REFERENCES snapshot(key) -- NULL until something runs on it
  ) STRICT;
  CREATE TABLE snapshot (
    key   INTEGER PRIMARY KEY AUTOINCREMENT,   -- never used again, so that a late removal hits nothing new
    kind  TEXT NOT NULL CHECK (kind IN ('layer', 'active')),
    owner TEXT                                 -- chain id, or the container or build step that writes to it
  ) STRICT;
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
  CREATE TABLE endpoint (
    network_id   TEXT NOT NULL REFERENCES network(id),
    container_id TEXT NOT NULL,
    ipv4         TEXT NOT NULL,
    document     TEXT NOT NULL,
    PRIMARY KEY (network_id, container_id),
    UNIQUE (network_id, ipv4)
  ) STRICT;
  CREATE TABLE volume (
    name     TEXT PRIMARY KEY,
    document TEXT NOT NULL
  ) STRICT;
  CREATE TABLE event (
    time_ns  INTEGER NOT NULL,
    document TEXT NOT NULL
  ) STRICT;
  CREATE INDEX event_time ON event(time_ns);
  `,
];
