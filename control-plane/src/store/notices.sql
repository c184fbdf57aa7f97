-- Schema version 4: what targets outside are told.
-- One row: how far the journal was read for it, and what is gathered and not told yet, as JSON.
CREATE TABLE notifier (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    cursor INTEGER NOT NULL,
    desk TEXT NOT NULL
) STRICT;

-- One row for each message and target, or part of one.
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    target TEXT NOT NULL,
    -- The same whenever it is sent.
    key TEXT NOT NULL,
    part INTEGER NOT NULL,
    -- What tells of one incident is sent in its order.
    incident TEXT,
    message TEXT NOT NULL,
    title TEXT NOT NULL,
    -- 0 info, 1 warning, 2 critical.
    severity INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    created_ms INTEGER NOT NULL,
    -- Pending: not sent before. Else: when it came to this state.
    next_ms INTEGER NOT NULL,
    error TEXT,
    UNIQUE (target, key, part)
) STRICT;
CREATE INDEX deliveries_due ON deliveries (target, next_ms) WHERE state = 'pending';
CREATE INDEX deliveries_state ON deliveries (state, id);
