# ruff: noqa: E501 (values are read as a table)
"""What stands in an indexed column in no usual form is found all the same, and by whom it was
written a moment ago; and where nothing of that kind is, the index alone is asked."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from mailbot.case import Key, Subject
from mailbot.sources.lookups import lookups
from mailbot.sources.matching import Rules
from mailbot.sources.oddities import odd
from tests.estate.shop import Shop
from tests.servers.databases import NewUrl
from tests.servers.mariadb import fresh_database as on_mariadb
from tests.servers.postgres import fresh_database as on_postgresql

MAP = r"""
[key]
customer_no = { pattern = 'K-?\d{5,7}', ignore = " -" }
[[database.table]]
name = "folk"
is = "person"
identify = { email = ["epost"], customer_no = ["nr"], user_id = ["bruker"] }
"""
EMAIL = "bjorn.aas@blabar.no"
ODD_ADDRESSES = (
    "Bjørn Aas <bjorn.aas@blabar.no>",
    '"Aas, Bjørn" <BJORN.AAS@blabar.no>', "<bjorn.aas@blabar.no>",
    "bjorn.aas@blabar.no, kari@blabar.no", "kari@blabar.no;Bjorn.Aas@Blabar.no",
    "kari@blabar.no / bjorn.aas@blabar.no", "     bjorn.aas@blabar.no", "bjorn.aas@blabar.no      ",
    "bjorn.aas@blabar.no\n", "\tbJoRn.AaS@bLaBaR.nO\t\t", "\u00a0\u00a0bjorn.aas@blabar.no",
    "mailto:bjorn.aas@blabar.no", '"bjorn.aas"@blabar.no', "bjorn.aas@blabar.no.",
    "bjorn.aas@blabar.no (jobb)", "e-post: bjorn.aas@blabar.no", "\u200bbjorn.aas@blabar.no\u200b",
    "Bjørn <bjorn.aas@blabar.no>; Kari <kari@blabar.no>", "bjorn.aas@-blabar.no",
)  # fmt: skip
NOT_HIS = (
    "bjorn.aasen@blabar.no", "xbjorn.aas@blabar.no", "Bjorn Aas <b.aas@blabar.no>",
    "bjorn.aas@blabar.no.com", "bjorn aas@blabar.no", "bjorn.aas@blabar", "bjorn.aas@@blabar.no",
    "ukjent", "", "@", "%", "\\",
)  # fmt: skip
ODD_NUMBERS = (
    "K 76 54-321",
    "K--7654321",
    "  k-7654321",
    "K-7654321\u00a0",
    "K‑7654321",
    "k 7654 321 ",
    "K\u2009765\u20094321",
    "\u00adK-7654321",
)
NOT_HIS_NUMBER = ("K-76543210", "K-765432", "K.7654321", "7654321", "-", "")
UUID = "0a1b2c3d-0000-4000-8000-0123456789ab"
ODD_CAPITALS = (
    "BJØRN.ås@x.no",
    "bJØrN.Ås@X.no",
    "bjÃ¸rn.ås@x.no",
    "Bjørn.Ås@X.NO",
    "bj\u00f8rn.a\u030as@x.no",
)


def filled(url: str, *indexes: str, collation: str = "") -> Shop:
    """A table that is taken for a large one, with its indexes."""
    on = indexes or ("epost", "nr", "bruker")
    shop = Shop(
        url, MAP,
        f"CREATE TABLE folk (id integer PRIMARY KEY, epost varchar(200) {collation},"
        f" nr varchar(40) {collation}, bruker varchar(40) {collation})",
        *(f"CREATE INDEX i{n} ON folk ({column})" for n, column in enumerate(on)),
    )  # fmt: skip
    shop.source.large = -1
    return shop


def insert(shop: Shop, first: int, column: str, values: tuple[str, ...]) -> list[int]:
    """Rows from an id on. Another session writes them."""
    statement = sa.text(f"INSERT INTO folk (id, {column}) VALUES (:id, :value)")
    ids = list(range(first, first + len(values)))
    with shop.engine.begin() as connection:
        connection.execute(
            statement, [{"id": n, "value": v} for n, v in zip(ids, values, strict=True)]
        )
        counted(connection)
    return ids


def counted(connection: sa.Connection) -> None:
    """PostgreSQL counts what a session wrote within seconds of its commit; here at once."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")


def found(shop: Shop, **keys: str) -> list[int]:
    given = tuple(Key(kind=k, value=v, origin="staff", verified=True) for k, v in keys.items())
    result = shop.source.find(Subject(keys=given))
    assert not [part for part in result.not_searched if part.failed], result.not_searched
    return sorted(f.key["id"] for f in result.findings)  # type: ignore[misc,type-var] # numbers


def indexed_in_every_way(url: str) -> Iterator[Shop]:
    """The same table with each kind of index that the engine has."""
    yield filled(url)
    if url.startswith("postgresql"):
        for collation in ('COLLATE "C"', 'COLLATE "en-x-icu"', ""):
            Shop(url, MAP, "DROP TABLE folk")
            on = ("lower(epost)", "lower(nr)", "lower(bruker)") if not collation else ()
            yield filled(url, *on, collation=collation)
    elif url.startswith("mysql"):
        Shop(url, MAP, "DROP TABLE folk")
        yield filled(url, collation="COLLATE utf8mb4_bin")


def test_odd_forms_are_found_in_a_large_table(new_url: NewUrl) -> None:
    for shop in indexed_in_every_way(new_url()):
        his = insert(shop, 100, "epost", ODD_ADDRESSES)
        insert(shop, 200, "epost", NOT_HIS)
        numbered = insert(shop, 300, "nr", ODD_NUMBERS)
        insert(shop, 400, "nr", NOT_HIS_NUMBER)
        user = insert(shop, 500, "bruker", (UUID, UUID.upper(), UUID.replace("-", "")))
        marked = insert(shop, 600, "epost", ODD_CAPITALS)
        for _ in range(3):
            assert found(shop, email=EMAIL) == sorted(his)
        assert found(shop, customer_no="K7654321") == sorted(numbered)
        assert found(shop, user_id=UUID) == sorted(user)
        assert found(shop, email="bjørn.ås@x.no")[-5:] == marked
        assert found(shop, email="BJORN.aas@blabar.NO") == sorted(his)


SIGNS = (*" \t\n<>,;:\"'()[]+-_.@=/%&#!*?|~`^{}$", "\u00f8", "\u00d8", "\u212a", "\uff4f", "\u200b", "\u00a0",
         "xn--", "\u00e9", "e\u0301", "A", "z", "0", "\u0131", "\u0130")  # fmt: skip
KEYS = ("ola.nord@x.no", "o.n@ab-c.no", "ola@x.no", "olanord@x.no")


def changed(text: str, draw: random.Random) -> str:
    """An address as it is, or with a sign put in, taken away, or made large."""
    for _ in range(draw.choice((0, 1, 1, 1, 2, 3))):
        at = draw.choice((0, len(text), draw.randrange(len(text) + 1)))
        kind = draw.random()
        if kind < 0.5:
            text = text[:at] + draw.choice(SIGNS) + text[at:]
        elif kind < 0.8:
            text = text[:at] + text[at : at + 1].swapcase() + text[at + 1 :]
        else:
            text = (text[:at] + text[at + 1 :]) or "x"
    return text


def drawn(draw: random.Random) -> str:
    text = changed(draw.choice((*KEYS, "ola+tag@x.no")), draw)
    if draw.random() < 0.15:
        text += draw.choice((", ", ";", " / ")) + changed(draw.choice(KEYS), draw)
    return text.upper() if draw.random() < 0.1 else text


@pytest.mark.parametrize(
    ("collation", "on"),
    [
        ("", "epost"), ("", "lower(epost)"), ('COLLATE "en-x-icu"', "epost"), ('COLLATE "da-x-icu"', "epost"),
        ("", "mariadb"), ("COLLATE utf8mb4_bin", "mariadb"), ("COLLATE utf8mb4_danish_ci", "mariadb"),
    ],
)  # fmt: skip
def test_what_an_index_does_not_find_is_odd(
    collation: str, on: str, request: pytest.FixtureRequest
) -> None:
    """Whatever stands in a column is found by the look-ups or read as odd; nothing falls between."""
    if on == "mariadb":
        shop = filled(on_mariadb(request.getfixturevalue("mariadb")), collation=collation)
    else:
        url = on_postgresql(request.getfixturevalue("postgresql"))
        shop = filled(url, on, "nr", "bruker", collation=collation)
    draw = random.Random(f"{collation} {on}")
    values = tuple(dict.fromkeys(drawn(draw) for _ in range(2_000)))
    insert(shop, 1, "epost", values)
    (entry,), rules = shop.source.open().entries, Rules(shop.map)
    with shop.source.read.connect() as connection:

        def ids(statement: sa.Select[Any]) -> set[int]:
            return {row.id for row in connection.execute(statement)}

        seldom = ids(sa.select(entry.shape.table).where(odd("email", "epost", entry.shape, rules)))
        assert len(seldom) > 100 < len(values) - len(seldom)
        for key in KEYS:
            wanted = rules.wanted([Key(kind="email", value=key, origin="staff", verified=True)])
            statements = lookups(entry, wanted, rules, -1) or []
            reached = seldom.union(*(ids(one) for one in statements))
            missed = [
                ascii(value)
                for number, value in enumerate(values, start=1)
                if number not in reached
                and rules.relevant(rules.traits(entry, {"id": number, "epost": value}), wanted)
            ]
            assert statements
            assert not missed


def test_what_was_written_since_is_found(new_url: NewUrl) -> None:
    shop = filled(new_url())
    insert(shop, 1, "epost", ("kari@x.no", "Ola Nord <annen@x.no>"))
    at_rest(shop, [])
    insert(shop, 10, "epost", ("Ola Nord <ola@x.no>",))
    at_rest(shop, [10])
    changes = (
        ("UPDATE folk SET epost = 'ola@x.no, kari@x.no' WHERE id = 1", [1, 10]),
        ("DELETE FROM folk WHERE id = 1", [10]),
        ("CREATE TABLE ny AS SELECT * FROM folk", [10]),
    )
    for statement, left in changes:
        with shop.engine.begin() as connection:
            connection.exec_driver_sql(statement)
            counted(connection)
        at_rest(shop, left)


def at_rest(shop: Shop, expected: list[int]) -> None:
    """What is found by one pass, by the second look at what is odd, and by what is known then."""
    for _ in range(3):
        assert found(shop, email="ola@x.no") == expected


def test_more_odd_values_than_are_kept(new_url: NewUrl) -> None:
    shop = filled(new_url())
    insert(shop, 1, "epost", tuple(f"Nr {n} <n{n}@x.no>" for n in range(20_500)))
    for _ in range(3):
        assert found(shop, email="n20499@x.no") == [20_500]
    assert found(shop, email="n7@x.no") == [8]


class Asked:
    """The statements that a source sends."""

    def __init__(self, shop: Shop) -> None:
        self.statements: list[str] = []
        event.listen(shop.source.read, "before_cursor_execute", self._note)

    def _note(self, _c: object, _k: object, statement: str, *_: object) -> None:
        self.statements.append(statement)

    def passes(self) -> int:
        """How many looked at each row, and not only at what an index leads to."""
        marks = (" ILIKE ", "!~", "NOT REGEXP", "LIKE lower(")
        count = sum(
            any(mark in statement for mark in marks) and "FROM folk" in statement
            for statement in self.statements
        )
        self.statements.clear()
        return count


@pytest.mark.parametrize("server", ["postgresql", "mariadb"])
def test_a_table_at_rest_is_asked_by_its_index_alone(
    server: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(server)
    shop = filled(on_postgresql(url) if server == "postgresql" else on_mariadb(url))
    insert(shop, 1, "epost", ("Ola@x.no", "Kari <kari@x.no>"))
    if server == "mariadb":
        _wait(shop, "SELECT update_time < NOW() - INTERVAL 1 SECOND FROM information_schema.tables"
                    " WHERE table_schema = DATABASE() AND table_name = 'folk'")  # fmt: skip
    asked = Asked(shop)
    for _ in range(2):
        assert found(shop, email="ola@x.no") == [1]
        assert asked.passes() == 1  # for the key; for what is odd, once nobody wrote in between
    assert found(shop, email="OLA@x.no") == [1]
    assert found(shop, email="ingen@x.no") == []
    assert asked.passes() == 0
    assert found(shop, email="kari@x.no") == [2]
    assert asked.passes() >= 1
    insert(shop, 3, "epost", ("Ola <ola@x.no>",))
    assert found(shop, email="ola@x.no") == [1, 3]
    assert asked.passes() >= 1


def _wait(shop: Shop, query: str) -> None:
    for _ in range(60):
        with shop.engine.connect() as connection:
            if connection.exec_driver_sql(query).scalar():
                return
            connection.exec_driver_sql("SELECT SLEEP(0.1)")
    raise AssertionError("the server never came to rest")
