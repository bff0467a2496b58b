-- The store's own facts. `purged`: windows that began before it (Unix seconds) were deleted.
CREATE TABLE store (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL,
    purged     INTEGER NOT NULL
);
INSERT INTO store VALUES (1, 1, 0);

-- One life of a node: a kid with one secret. Commissioned again, the same kid begins at epoch 1 anew.
-- `state` is the checkpoint: packed, see position.py and refine/timeline.py.
CREATE TABLE identity (
    id          INTEGER PRIMARY KEY,
    kid         BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    name        TEXT NOT NULL,
    kind        TEXT NOT NULL,
    state       BLOB,
    UNIQUE (kid, fingerprint)
);

-- The gateway's own boots, and what their monotonic clock must be given to become Unix seconds, once known.
CREATE TABLE boot (
    id     INTEGER PRIMARY KEY,
    name   TEXT NOT NULL UNIQUE,
    offset REAL
);

-- One row per group commit: opened samples, declarations, anchors, floors, packed, see log.py.
CREATE TABLE log (
    id    INTEGER PRIMARY KEY,
    batch BLOB NOT NULL
);

CREATE TABLE alarm (
    identity INTEGER NOT NULL REFERENCES identity (id),
    epoch    INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    code     INTEGER NOT NULL,
    tick     INTEGER NOT NULL,
    raised   INTEGER NOT NULL,
    value    INTEGER,
    sent     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (identity, epoch, number)
) WITHOUT ROWID;
CREATE INDEX alarm_unsent ON alarm (sent) WHERE sent = 0;

-- What was promised and did not come, with its cause; `received` is Unix seconds when the clock was trusted.
CREATE TABLE ledger (
    id       INTEGER PRIMARY KEY,
    identity INTEGER NOT NULL REFERENCES identity (id),
    cause    INTEGER NOT NULL,
    epoch    INTEGER NOT NULL,
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    received INTEGER
);
CREATE INDEX ledger_range ON ledger (identity, epoch, first);

-- One aggregate of 15 minutes of one node; `content` is packed, see windows.py. `due`: not yet published as it is.
CREATE TABLE window (
    kid      BLOB NOT NULL,
    start    INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    due      INTEGER NOT NULL,
    partial  INTEGER NOT NULL,
    content  BLOB NOT NULL,
    PRIMARY KEY (kid, start)
) WITHOUT ROWID;
CREATE INDEX window_due ON window (due) WHERE due = 1;

-- Messages decided but not confirmed by the city's broker. A newer one under the same key takes the older's place.
CREATE TABLE outbox (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    key     TEXT NOT NULL UNIQUE,
    urgent  INTEGER NOT NULL,
    topic   TEXT NOT NULL,
    payload BLOB NOT NULL
);
CREATE INDEX outbox_order ON outbox (urgent DESC, id);
