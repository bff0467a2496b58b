-- A secret with a newer one beside it. `since`: Unix seconds, none before the clock was trusted. `dead`: it opens nothing
-- any more, whatever the registry's files say.
CREATE TABLE superseded (
    identity INTEGER PRIMARY KEY REFERENCES identity (id),
    since    INTEGER,
    dead     INTEGER NOT NULL DEFAULT 0
);
