"""PostgreSQL's calendar is wider than Python's: 'infinity', years before 1 and after 9999.

Many schemas write "still valid" as 'infinity'. Such a value is read as its text, so that one of
them does not make a whole table unreadable.
"""

from typing import Any

from psycopg import DataError
from psycopg.abc import Buffer
from psycopg.types.datetime import DateLoader, TimestampLoader, TimestamptzLoader


class _Day(DateLoader):
    def load(self, data: Buffer) -> Any:
        """A date, or the text of one that Python has none for."""
        try:
            return super().load(data)
        except DataError:
            return bytes(data).decode()


class _Moment(TimestampLoader):
    def load(self, data: Buffer) -> Any:
        """A moment without a zone, or the text of one that Python has none for."""
        try:
            return super().load(data)
        except DataError:
            return bytes(data).decode()


class _ZonedMoment(TimestamptzLoader):
    def load(self, data: Buffer) -> Any:
        """A moment with its zone, or the text of one that Python has none for."""
        try:
            return super().load(data)
        except DataError:
            return bytes(data).decode()


def widen(connection: Any) -> None:
    """Read the dates of one psycopg connection so."""
    for name, loader in (("date", _Day), ("timestamp", _Moment), ("timestamptz", _ZonedMoment)):
        connection.adapters.register_loader(name, loader)
