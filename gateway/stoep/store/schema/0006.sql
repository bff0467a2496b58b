-- What the daily ledger needs beside positions and losses; nothing here grows with the number of readings.

-- Samples in the window that were not in its last published revision; packed, see sample_set.py.
ALTER TABLE window ADD COLUMN fresh BLOB;

-- Samples that no confirmed message has carried yet and this one does. Of a message older than this column: not known.
ALTER TABLE outbox ADD COLUMN carries BLOB;

-- The first sample of an identity's epoch that was taken on a UTC day (days since 1970), and when (Unix seconds): the
-- numbers between two of them are the day's, whatever became of them.
CREATE TABLE day_mark (
    identity INTEGER NOT NULL REFERENCES identity (id),
    epoch    INTEGER NOT NULL,
    day      INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    utc      INTEGER NOT NULL,
    PRIMARY KEY (identity, epoch, day)
) WITHOUT ROWID;

-- `late`: samples taken on the day that came after their window was published. `again`: samples that came on the day
-- and were here already.
CREATE TABLE day_tally (
    identity INTEGER NOT NULL REFERENCES identity (id),
    day      INTEGER NOT NULL,
    late     INTEGER NOT NULL DEFAULT 0,
    again    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (identity, day)
) WITHOUT ROWID;

-- The receipt of a day as it was last said to the city; `digest` of what it said.
CREATE TABLE receipt (
    day      INTEGER PRIMARY KEY,
    revision INTEGER NOT NULL,
    digest   BLOB NOT NULL
);

-- The battery of a kid in the first window that was published of a span of hours, in counts of its channel.
CREATE TABLE battery (
    kid    BLOB NOT NULL,
    start  INTEGER NOT NULL,
    counts INTEGER NOT NULL,
    PRIMARY KEY (kid, start)
) WITHOUT ROWID;
