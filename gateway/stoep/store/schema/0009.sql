-- By which calibrations the windows were published that are out, and which of them are to be said again because that has
-- changed since: all of `kid` that begin from `since` to before `until`.
CREATE TABLE calibrated (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    content BLOB NOT NULL
);
CREATE TABLE say_again (
    id    INTEGER PRIMARY KEY,
    kid   BLOB NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL
);
