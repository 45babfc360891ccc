"""What is remembered of records that a plan erased or kept: enough to know them again, no more.

After a restore from backup erased records are there again (GDPR art. 17, 5(1)(f)); what was kept
must go when its time is up. Both are recognised by keyed hashes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from mailbot.plan import Action
from mailbot.record import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """A record that a plan erased or kept, as it is handed over to be remembered by hashes alone.

    do: delete | blank | replace | keep. `row`: the whole record as it was approved. `marks`: the
    person's keys as they are compared. `after` holds what was written, which shows nobody.
    """

    system: str
    table: str
    key: Row
    do: str
    row: Row
    after: Row = field(default_factory=dict)
    volatile: tuple[str, ...] = ()
    marks: tuple[tuple[str, str], ...] = ()
    rule: str = ""
    until: date | None = None
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What is remembered of a record: keyed hashes of its content and of the person's keys."""

    table: str
    do: str
    after: Row = field(default_factory=dict)
    content: str = ""
    marks: tuple[str, ...] = ()
    volatile: tuple[str, ...] = ()
    rule: str = ""
    until: date | None = None


class Recollection(Protocol):
    """Recognises records of one system among those that are there now."""

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables of which something is remembered."""

    def by_key(self, table: str, key: Row) -> Recalled | None:
        """What is remembered of the record with this key."""

    def is_content(self, note: Recalled, row: Row) -> bool:
        """Whether a record holds exactly what it held when it was noted."""

    def is_marked(self, note: Recalled, marks: Iterable[tuple[str, str]]) -> bool:
        """Whether a record bears a key of the person of whom it was noted."""


class Records(Protocol):
    """What a database can do beside what every source can: go through its records one by one."""

    name: str

    def came_back(self, memory: Recollection) -> tuple[Sequence[Action], int]:
        """Actions for records that a plan erased and that are there again (a restored backup), and
        how many bear such a record's key but may be somebody else's by now."""

    def time_is_up(self, memory: Recollection, most: int) -> tuple[Sequence[Action], int]:
        """Actions for records past their retention rule, and how many there are beyond `most`."""

    def row(self, table: str, key: Row) -> Row | None:
        """One record as it is now; None if it is gone."""

    def rows(self, actions: Sequence[Action]) -> Sequence[Row | None]:
        """The record of each action as it is now; None if it is gone. Raises Permanent where a
        table cannot be seen any more: what cannot be read proves nothing."""

    def statements(self, actions: Sequence[Action]) -> Sequence[str]:
        """What `apply` would send, a line for each action that changes something."""
