"""A lock that the operating system frees even after `kill -9`: an exclusive transaction in an empty SQLite file."""

import sqlite3
from pathlib import Path

from core.store.connection import opened


class Lock:
    """Held until it is closed, or its process ends; by whatever thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def close(self) -> None:
        self._connection.close()


def take(path: Path, *, wait: float = 0.0) -> Lock | None:
    """Hold `path`, which is made if need be; None if another still holds it after `wait` seconds."""
    connection = opened(path, timeout=wait, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("begin exclusive")
    except sqlite3.OperationalError as error:
        connection.close()
        if "locked" in str(error):
            return None
        raise
    return Lock(connection)
