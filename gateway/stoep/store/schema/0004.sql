-- The Unix second up to which a message tells (a window's end, a sample's taking): the order within a rank, and what is
-- backlog. 2^62 where age means nothing. A message from before this column is as old as its key says.
ALTER TABLE outbox ADD COLUMN at INTEGER NOT NULL DEFAULT 4611686018427387904;
UPDATE outbox SET at = CAST(substr(key, 17) AS INTEGER) + 900 WHERE key LIKE 'window %';
DROP INDEX outbox_order;
CREATE INDEX outbox_order ON outbox (urgent DESC, at, id);
