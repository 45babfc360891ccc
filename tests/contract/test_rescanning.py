"""What came back with a backup is known by the person's keys, however a column has them."""

from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from mailbot.memory import Recalled
from mailbot.record import Row
from tests.estate.shop import Shop
from tests.servers.databases import NewUrl

MAP = """
[[database.table]]
name = "folk"
is = "person"
identify = { phone = ["tlf"], email = ["epost"] }
"""


@dataclass
class Noted:
    """Remembers rows 1 to 9 of one person, by marks in the clear."""

    marks: frozenset[tuple[str, str]]
    tables: tuple[str, ...] = ("folk",)

    def by_key(self, table: str, key: Row) -> Recalled | None:
        """Those rows were deleted."""
        return Recalled(table=table, do="delete") if int(str(key["id"])) < 10 else None

    def is_content(self, note: Recalled, row: Row) -> bool:
        """All rows have changed since."""
        return False

    def is_marked(self, note: Recalled, marks: Iterable[tuple[str, str]]) -> bool:
        """Whether one of the person's keys is there."""
        return not self.marks.isdisjoint(marks)


@pytest.mark.parametrize("kind", ["bigint", "numeric(15, 1)", "varchar(40)"])
def test_a_foreign_number_without_its_plus_is_the_persons(new_url: NewUrl, kind: str) -> None:
    shop = Shop(
        new_url(), MAP,
        f"CREATE TABLE folk (id integer PRIMARY KEY, tlf {kind}, epost varchar(50), konto bigint)",
        "INSERT INTO folk VALUES (1, 46701234567, NULL, NULL), (2, 46701234568, NULL, NULL),"
        " (3, NULL, 'Siv <SIV@x.no>', NULL), (4, NULL, NULL, 46701234567),"
        " (11, 46701234567, NULL, NULL)",
    )  # fmt: skip
    noted = Noted(frozenset({("phone", "+46701234567"), ("email", "siv@x.no")}))
    actions, unsure = shop.source.came_back(noted)
    assert sorted(str(action.key["id"]) for action in actions) == ["1", "3"]
    assert unsure == 2  # another's number, and an account's
