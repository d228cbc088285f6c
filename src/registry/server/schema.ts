/** As store/migrations.ts, for the database of a registry. Times are milliseconds since the epoch. */
export const REGISTRY_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE blob (                          -- a file in blobs/sha256
    digest     TEXT PRIMARY KEY,
    size_bytes INTEGER NOT NULL,
    used_ms    INTEGER NOT NULL                -- when it last came, or somebody who pushes was told that it is there
  ) STRICT;
  CREATE TABLE repository_blob (               -- which repositories show a blob: one must not be readable through another
    repository TEXT NOT NULL,
    digest     TEXT NOT NULL REFERENCES blob(digest),
    used_ms    INTEGER NOT NULL,
    PRIMARY KEY (repository, digest)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX repository_blob_digest ON repository_blob(digest);
  CREATE TABLE manifest (
    repository    TEXT NOT NULL,
    digest        TEXT NOT NULL,
    media_type    TEXT NOT NULL,
    artifact_type TEXT,
    annotations   TEXT,                        -- JSON
    subject       TEXT,                        -- digest of what it refers to, which need not be here
    document      BLOB NOT NULL,               -- byte for byte
    pushed_ms     INTEGER NOT NULL,
    PRIMARY KEY (repository, digest)
  ) STRICT;
  CREATE INDEX manifest_subject ON manifest(repository, subject) WHERE subject IS NOT NULL;
  CREATE TABLE manifest_reference (            -- what a manifest cannot be without: blobs, or an index's manifests
    repository TEXT NOT NULL,
    manifest   TEXT NOT NULL,
    child      TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    PRIMARY KEY (repository, manifest, child),
    FOREIGN KEY (repository, manifest) REFERENCES manifest(repository, digest) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX manifest_reference_child ON manifest_reference(repository, child);
  CREATE TABLE tag (
    repository TEXT NOT NULL,
    name       TEXT NOT NULL,
    digest     TEXT NOT NULL,
    checked_ms INTEGER NOT NULL,               -- of a pull-through cache: when the upstream last said so
    PRIMARY KEY (repository, name),
    FOREIGN KEY (repository, digest) REFERENCES manifest(repository, digest) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tag_digest ON tag(repository, digest);
  CREATE TABLE upload (                        -- a file in uploads
    id         TEXT PRIMARY KEY,
    repository TEXT NOT NULL,
    used_ms    INTEGER NOT NULL
  ) STRICT;
  `,
];
