"""What a file holds, compared object by object with what our migrations make, before anything in it is believed.

A project may come from anybody. A trigger rewrites what is written, a view can be without end, a computed column or an
index on an expression is code: whatever the migrations did not make is refused by its name.
"""

import re
import sqlite3
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from core.errors import AlteredProject
from core.store.connection import opened

TOKEN = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\w+|\S", re.ASCII)
#: Longer than the statement of any table of ours.
LONGEST = 10_000
#: Statistics, which SQLite itself keeps wherever somebody asked for them, and which say how it looks for rows: wrong
#: ones make it read a whole table for each row of another.
STATISTICS = {
    ("table", "sqlite_stat1", "sqlite_stat1"): "create table sqlite_stat1(tbl,idx,stat)",
    ("table", "sqlite_stat4", "sqlite_stat4"): "create table sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)",
}
MIGRATIONS = "_sqlite_migrations"
MIGRATED = "select name from _sqlite_migrations where migration_set = 'plumbline' order by id limit 1000"
#: All that versions of sqlite-utils say of that table and its index, whose quotes and types differ.
PLAIN = {
    *("create", "table", "unique", "index", "on", "id", "migration_set", "name", "applied_at", "integer", "text"),
    *("primary", "key", "not", "null", "strict", "(", ")", ",", MIGRATIONS),
}

Key = tuple[str, str, str]
Tokens = tuple[str, ...]


class Found(NamedTuple):
    """A row of `sqlite_master`; nothing that it says can be relied on."""

    key: Key
    sql: object

    @property
    def tokens(self) -> Tokens:
        return tokens(self.sql)

    @property
    def title(self) -> str:
        kind, name, _ = (str(part)[:60] for part in self.key)
        kind = "virtual table" if self.tokens[:2] == ("create", "virtual") else kind
        shown = "".join(letter if letter.isprintable() else "?" for letter in name)
        return f"{kind if kind.isprintable() else 'object'} “{shown}”"


@lru_cache(maxsize=512)  # the same hundred statements whenever a project is opened
def tokens(sql: object) -> Tokens:
    """A statement whatever its spaces and its capitals, which differ between versions of SQLite; none for none."""
    if not isinstance(sql, str) or len(sql) > LONGEST:
        return () if sql is None else ("?",)
    return tuple(token if token[0] in "'\"" else _lower(token) for token in TOKEN.findall(sql))


def _lower(token: str) -> str:
    """Only as SQLite does: the sign for kelvin is no k."""
    return token.lower() if token.isascii() else token


def objects(connection: sqlite3.Connection) -> list[Found]:
    """What the file says that it holds. This, and nothing else, may be read of one that is not checked."""
    rows = connection.execute("select type, name, tbl_name, sql from sqlite_master")
    return [Found((kind, name, table), sql) for kind, name, table, sql in rows]


def require_tables(found: list[Found], *names: str) -> None:
    """Raises `AlteredProject` unless these are tables whose rows are stored as they are, whatever else there is."""
    for name in names:
        of_it = [each for each in found if str(each.key[1]).lower() == name]
        said = of_it[0].tokens if of_it else ()
        if len(of_it) != 1 or of_it[0].key != ("table", name, name) or said[:2] != ("create", "table") or "as" in said:
            raise altered(of_it[0].title if of_it else None, f"table “{name}”")


def level(connection: sqlite3.Connection, found: list[Found]) -> tuple[str, ...]:
    """The names of the migrations that a file says it has, in their order."""
    about = [each for each in found if MIGRATIONS in (str(each.key[1]).lower(), str(each.key[2]).lower())]
    for each in about:
        if not _is_plain(each):
            raise altered(each.title)
    if not any(each.key == ("table", MIGRATIONS, MIGRATIONS) for each in about):
        return ()
    return tuple(str(name) for (name,) in connection.execute(MIGRATED))


def _is_plain(found: Found) -> bool:
    """Is it the table of the migrations or an index of it, made of nothing but names and types?"""
    kind, name, table = found.key
    words = [word.strip('"`[]') for word in found.tokens if word not in "[]`"]
    if kind == "table":
        return name == table == MIGRATIONS and words[:2] == ["create", "table"] and PLAIN.issuperset(words)
    if name in words:
        words.remove(name)
    return kind == "index" and table == MIGRATIONS and PLAIN.issuperset(words)


def compare(found: list[Found], migrated: tuple[str, ...]) -> None:
    """Raises `AlteredProject` for anything that differs from what these migrations make."""
    ours = expected(migrated)
    for each in found:
        if MIGRATIONS not in each.key[1:] and each.tokens != ours.get(each.key, _statistics(each.key)):
            raise altered(each.title, each.title if each.key in ours else "")
    for kind, name, _ in ours.keys() - {each.key for each in found}:
        raise altered(None, f"{kind} “{name}”")


def _statistics(key: Key) -> Tokens | None:
    return tokens(STATISTICS[key]) if key in STATISTICS else None


def statistics(connection: sqlite3.Connection) -> list[str]:
    """The names of the tables of statistics that there are."""
    return [each.key[1] for each in objects(connection) if each.key in STATISTICS]


@lru_cache
def expected(migrated: tuple[str, ...]) -> dict[Key, Tokens]:
    """What a file holds that these migrations made, the table of the migrations left out."""
    from core.store import schema

    with closing(opened(Path(":memory:"), isolation_level=None)) as connection:
        schema.apply(connection, len(migrated))
        return {each.key: each.tokens for each in objects(connection) if MIGRATIONS not in each.key[1:]}


def altered(there: str | None, ours: str = "") -> AlteredProject:
    """The error for something that is `there` in place of what is `ours`, if anything is."""
    if there is None:
        return AlteredProject(f"The project's database is damaged, it lacks the {ours}: take another copy of it.")
    what = "is not as Plumbline makes it" if there == ours else "was not made by Plumbline"
    return AlteredProject(f"In the project's database the {there} {what}: ask for a copy that nobody changed.")
