-- Windows in the order in which they come: five hundred that end together are neighbours on a few pages. By node, as
-- before, each touched a page of its own as soon as a node had more than a dozen, and a reading cost 250 bytes of the card.
-- Rebuilt once; that takes as much room again as the windows have.
CREATE TABLE window_by_time (
    id       INTEGER PRIMARY KEY,
    kid      BLOB NOT NULL,
    start    INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    due      INTEGER NOT NULL,
    partial  INTEGER NOT NULL,
    content  BLOB NOT NULL,
    fresh    BLOB
);
INSERT INTO window_by_time (kid, start, revision, due, partial, content, fresh)
SELECT kid, start, revision, due, partial, content, fresh FROM window ORDER BY start, kid;
DROP TABLE window;
ALTER TABLE window_by_time RENAME TO window;
CREATE UNIQUE INDEX window_key ON window (start, kid);
CREATE INDEX window_due ON window (due) WHERE due = 1;
