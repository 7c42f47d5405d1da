"""Statements that are the same for several tables. Only names that the schema has are put into them."""

import sqlite3


def columns(connection: sqlite3.Connection, table: str, schema: str = "main") -> list[str]:
    """Names of the table's columns; none if there is no such table."""
    found = connection.execute("select name from pragma_table_info(?, ?)", (table, schema))
    return [name for (name,) in found]


def statement(text: str, connection: sqlite3.Connection, table: str, number: str = "", *schemas: str) -> str:
    """`text` with the table for `{table}`, one of its columns for `{number}`, and for `{columns}` those that it has in
    all of the attached `schemas`, or in the project's own. Raises `ValueError` for a name that the schema lacks."""
    first, *others = (columns(connection, table, schema) for schema in schemas or ("main",))
    names = [name for name in first if all(name in other for other in others)]
    if not names or (number and number not in names):
        raise ValueError(f"there is no table {table} with {number or 'columns'}")
    return text.format(table=table, number=number, columns=", ".join(names))
