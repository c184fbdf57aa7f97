-- Version of this form. A control plane refuses a version above its own.
CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT;

-- Every decision and act, append-only.
CREATE TABLE journal (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    rollout_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    text TEXT NOT NULL,
    json TEXT NOT NULL,
    -- 1 when the filters are told something new from this event on: its sequence is the generation.
    assignment_changed INTEGER NOT NULL,
    UNIQUE (rollout_id, revision)
) STRICT;
CREATE INDEX journal_generation ON journal (sequence) WHERE assignment_changed;
CREATE TRIGGER journal_is_append_only_update BEFORE UPDATE ON journal
    BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_is_append_only_delete BEFORE DELETE ON journal
    BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;

-- Each rollout: the plan it follows, and its state after event number state_revision.
CREATE TABLE rollouts (
    rollout_id TEXT PRIMARY KEY,
    created_sequence INTEGER NOT NULL UNIQUE,
    revision INTEGER NOT NULL,
    plan TEXT NOT NULL,
    state TEXT NOT NULL,
    state_revision INTEGER NOT NULL,
    -- Written every few seconds while the rollout runs.
    evidence BLOB
) STRICT;

-- The newest counted report of each VM.
CREATE TABLE vms (
    node TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (node, epoch)
) STRICT, WITHOUT ROWID;
CREATE INDEX vms_age ON vms (at_ms);

-- What all counted reports add up to.
CREATE TABLE counts (
    service TEXT NOT NULL,
    component TEXT NOT NULL,
    arm TEXT NOT NULL,
    started INTEGER NOT NULL,
    ok INTEGER NOT NULL,
    client_error INTEGER NOT NULL,
    server_error INTEGER NOT NULL,
    timeout INTEGER NOT NULL,
    connect_failure INTEGER NOT NULL,
    reset INTEGER NOT NULL,
    overload INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    PRIMARY KEY (service, component, arm)
) STRICT, WITHOUT ROWID;
