-- `incomplete`: a window that began before it (Unix seconds) may lack readings, after a restore or a salvage.
-- `purges`: how often windows were deleted; what a reopened one counts its revisions from.
ALTER TABLE store ADD COLUMN incomplete INTEGER NOT NULL DEFAULT 0;
ALTER TABLE store ADD COLUMN purges INTEGER NOT NULL DEFAULT 0;

-- The ledger's second half: messages and windows that the gateway itself gave up, and rows that could not be read again.
-- `cause` is ledger.Cause; `day` (Unix days) and `first`..`last` (Unix seconds) are those of the windows.
CREATE TABLE given_up (
    cause INTEGER NOT NULL,
    what  TEXT NOT NULL,
    kid   BLOB NOT NULL,
    day   INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last  INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (cause, what, kid, day)
) WITHOUT ROWID;

-- Written to and emptied again to learn whether there is room.
CREATE TABLE probe (
    id     INTEGER PRIMARY KEY,
    filler BLOB NOT NULL
);
