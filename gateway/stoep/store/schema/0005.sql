-- What the city wanted: a row for each command, which is its audit, too. `id` is the city's, `sender` whoever it says it
-- was, `expires` and `received` are Unix seconds (NULL: it says none; the clock was not trusted), `content` is the message,
-- `result` the last thing that came of it and `steps` all of them as JSON, [[when, result, why], …]. `version` is that of
-- the settings with it, as they were sent last.
CREATE TABLE command (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    node     TEXT NOT NULL,
    kid      BLOB,
    id       TEXT,
    sender   TEXT,
    expires  INTEGER,
    content  TEXT NOT NULL,
    received INTEGER,
    result   TEXT NOT NULL,
    version  INTEGER,
    steps    TEXT NOT NULL
);
CREATE INDEX command_said ON command (node, id);
CREATE INDEX command_open ON command (result) WHERE result IN ('accepted', 'sent');

-- The settings that the city's commands have given a node, as JSON {id: value}; they lie over those of the registry. A row
-- without any: all were given back.
CREATE TABLE city_settings (
    kid      BLOB PRIMARY KEY,
    settings TEXT NOT NULL
) WITHOUT ROWID;
