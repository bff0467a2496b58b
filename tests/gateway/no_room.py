"""A store on a full disk: SQLite itself finds no room for anything that is written to any of its tables."""

from stoep.store.database import Database
from stoep.store.salvage import tables

_PAGE = 4096
_NAMELESS = {"probe", "sqlite_sequence"}


class NoRoom:
    """From its making until `free`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.reading() as sql:
            (pages,) = sql.execute("PRAGMA page_count").fetchone()
            (free,) = sql.execute("PRAGMA freelist_count").fetchone()
            sql.execute(f"PRAGMA max_page_count = {pages}").fetchone()
            self._triggers = []
            for table in tables(sql) - _NAMELESS:
                for what in ("INSERT", "UPDATE", "DELETE"):
                    name = f"no_room_{table}_{what}"
                    more = f"INSERT INTO probe (filler) VALUES (zeroblob({(free + 8) * _PAGE}))"  # noqa: S608
                    sql.execute(f"CREATE TEMP TRIGGER {name} BEFORE {what} ON {table} BEGIN {more}; END")
                    self._triggers.append(name)

    def free(self) -> None:
        with self._database.reading() as sql:
            for name in self._triggers:
                sql.execute(f"DROP TRIGGER {name}")
            sql.execute("PRAGMA max_page_count = 1000000").fetchone()
        self._database.relieved()
