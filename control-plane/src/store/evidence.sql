-- What was known when a decision was made: a chain of manifests, append-only. Old ones go only once a later one says so.
CREATE TABLE evidence (
    number INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    previous BLOB NOT NULL,
    hash BLOB NOT NULL,
    body TEXT NOT NULL,
    removed_through INTEGER,
    id TEXT NOT NULL UNIQUE,
    rollout_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- The events of the rollout that it is about.
    first_revision INTEGER,
    last_revision INTEGER,
    -- What the manifest and its documents take here.
    bytes INTEGER NOT NULL
) STRICT;
CREATE INDEX evidence_of ON evidence (rollout_id, number);
CREATE TRIGGER evidence_is_append_only_update BEFORE UPDATE ON evidence
    BEGIN SELECT raise(ABORT, 'evidence is append-only'); END;
CREATE TRIGGER evidence_is_append_only_delete BEFORE DELETE ON evidence
    WHEN OLD.number > (SELECT coalesce(max(removed_through), 0) FROM evidence)
    BEGIN SELECT raise(ABORT, 'evidence is append-only'); END;

-- Documents by their SHA-256, compressed.
CREATE TABLE evidence_documents (sha256 BLOB NOT NULL UNIQUE, content BLOB NOT NULL) STRICT;
CREATE TRIGGER evidence_documents_never_change BEFORE UPDATE ON evidence_documents
    BEGIN SELECT raise(ABORT, 'documents of evidence never change'); END;
CREATE TABLE evidence_uses (
    number INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    PRIMARY KEY (number, sha256)
) STRICT, WITHOUT ROWID;
CREATE INDEX evidence_uses_of ON evidence_uses (sha256);

-- Decisions above this sequence of the journal have evidence.
CREATE TABLE evidence_since (sequence INTEGER NOT NULL) STRICT;
INSERT INTO evidence_since SELECT coalesce(max(sequence), 0) FROM journal;

-- Who asked for what: a chain, append-only. Old entries go only once a later one says so.
CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    previous BLOB NOT NULL,
    hash BLOB NOT NULL,
    body TEXT NOT NULL,
    removed_through INTEGER
) STRICT;
CREATE TRIGGER audit_is_append_only_update BEFORE UPDATE ON audit
    BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_append_only_delete BEFORE DELETE ON audit
    WHEN OLD.number > (SELECT coalesce(max(removed_through), 0) FROM audit)
    BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;

-- The newest entry of each chain, kept apart, so that a chain that was cut is noticed.
CREATE TABLE chain_heads (chain TEXT PRIMARY KEY, number INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;
