-- What ended a node's wake, beside its alarm `crashed`: release, phase and the end of a traceback, as the node spelled it.
ALTER TABLE alarm ADD COLUMN trace BLOB;
