"""Rows of PostgreSQL one by one, by a plan that may use several processors.

The server's own cursors (DECLARE CURSOR) are planned for their first rows and never in parallel; a
pass over a large table takes twice as long with them. In single-row mode the rows come as they are
found, and nothing is held here but the batch that is read.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import psycopg


class StreamingCursor(psycopg.Cursor[Any]):
    """What psycopg opens where a cursor of the server is asked for."""

    def __init__(self, connection: "psycopg.Connection[Any]", name: str, **options: Any) -> None:
        super().__init__(
            connection, row_factory=options.get("row_factory") or connection.row_factory
        )
        self._coming: Iterator[Any] = iter(())
        self._first: list[Any] = []

    def execute(self, query: Any, params: Any = None, **_: Any) -> "StreamingCursor":
        """Start; the first row is read at once, since it tells what the columns are."""
        self._coming = self.stream(query, params)
        self._first = list(islice(self._coming, 1))
        return self

    def fetchone(self) -> Any:
        """The next row, None after the last."""
        return next(iter(self.fetchmany(1)), None)

    def fetchmany(self, size: int = 0) -> list[Any]:
        """The next rows, fewer at the end."""
        taken, self._first = self._first[: size or 1], self._first[size or 1 :]
        return taken + list(islice(self._coming, (size or 1) - len(taken)))

    def fetchall(self) -> list[Any]:
        """All that are left."""
        taken, self._first = self._first, []
        return taken + list(self._coming)

    def close(self) -> None:
        """Stop; a statement that still runs is cancelled."""
        end = getattr(self._coming, "close", None)
        if end is not None:
            end()
        super().close()


def stream(connection: Any) -> None:
    """Let one psycopg connection read so."""
    connection.server_cursor_factory = StreamingCursor
