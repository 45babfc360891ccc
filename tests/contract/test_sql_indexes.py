"""Large tables are asked by the indexes there are, and lose no spelling by it."""

from typing import Any

import pytest
import sqlalchemy as sa

from mailbot.case import Key, Subject
from mailbot.sources.lookups import LARGE, lookups
from mailbot.sources.matching import Rules
from tests.estate.shop import Shop
from tests.servers.mariadb import fresh_database as on_mariadb
from tests.servers.postgres import fresh_database as on_postgresql

MAP = r"""
[key]
customer_no = { pattern = 'K-?\d{5,7}', ignore = " -" }
[[database.table]]
name = "folk"
identify = { email = ["epost"], phone = ["tlf"], customer_no = ["nr"] }
"""
SPELT = ("Ola.Nord@X.no", "OLA.NORD@X.NO", "oLa.nOrD@x.No", " ola.nord@x.no", "ola.nord@x.no",
         "  OLA.nord@x.no", "ola.nord@x.no\t",
         "\u00a0ola.nord@x.no", "Ola.Nord+avis@x.no")  # fmt: skip
OTHERS = ("ola.norde@x.no", "ola.nor@x.no", "xola.nord@x.no", "ola.nord+avis@x.no.com")


def filled(url: str, *indexes: str, collation: str = "") -> Shop:
    """A large table of strangers, with one person in many spellings."""
    number = "generate_series(1, {n}) AS seq" if url.startswith("post") else "seq_1_to_{n}"
    joined = "'f' || seq || '@Privat.no'" if url.startswith("post") else "concat('f', seq, '@P.no')"
    nr = "'K-' || (100000 + seq)" if url.startswith("post") else "concat('K-', 100000 + seq)"
    rows = [f"({9_000_000 + n}, '{shown}', NULL, NULL)" for n, shown in enumerate(SPELT + OTHERS)]
    more = "(9900000, NULL, 90012345, NULL), (9900001, NULL, 4790012345, NULL)"
    shown_ids = ("k-7654321", "K7654321", " K7654-321")
    ids = ", ".join(f"({9_900_002 + n}, NULL, NULL, '{nr}')" for n, nr in enumerate(shown_ids))
    analyze = "ANALYZE folk" if url.startswith("post") else "ANALYZE TABLE folk"
    return Shop(
        url, MAP,
        f"CREATE TABLE folk (id bigint PRIMARY KEY, epost varchar(80) {collation}, tlf bigint,"
        f" nr varchar(20) {collation})",
        f"INSERT INTO folk SELECT seq, {joined}, 4740000000 + seq, {nr} FROM "
        + number.format(n=LARGE + 20_000),
        f"INSERT INTO folk VALUES {', '.join(rows)}, {more}, {ids}",
        "CREATE INDEX tlf ON folk (tlf)", *indexes, analyze,
    )  # fmt: skip


def plans(shop: Shop, **keys: str) -> list[str]:
    """How the server would go about it."""
    given = tuple(Key(kind=k, value=v, origin="staff", verified=True) for k, v in keys.items())
    rules = Rules(shop.map)
    (entry,) = shop.source.open().entries
    statements = lookups(entry, rules.wanted(given), rules)
    assert statements is not None
    found = []
    with shop.source.read.connect() as connection:
        for one in statements:
            text = one.compile(connection, compile_kwargs={"render_postcompile": True})
            rows = connection.exec_driver_sql("EXPLAIN " + str(text), _parameters(text))
            found.append("\n".join(str(row) for row in rows))
    return found


def _parameters(compiled: Any) -> Any:
    values = compiled.construct_params()
    if compiled.positiontup is not None:
        return tuple(values[name] for name in compiled.positiontup)
    return values


def ids(shop: Shop, **keys: str) -> list[int]:
    given = tuple(Key(kind=k, value=v, origin="staff", verified=True) for k, v in keys.items())
    return sorted(f.key["id"] for f in shop.find(Subject(keys=given)))  # type: ignore[misc,arg-type] # ids


def found_by_all_keys(shop: Shop) -> None:
    spelt = [9_000_000 + n for n in range(len(SPELT))]
    assert ids(shop, email="ola.nord@x.no") == spelt
    assert ids(shop, phone="900 12 345") == [9900000, 9900001]
    assert ids(shop, customer_no="k 7654321") == [9900002, 9900003, 9900004]


@pytest.mark.parametrize(
    ("collation", "on"),
    [
        ("", "lower(epost)"), ("", "epost"), ('COLLATE "C"', "epost"),
        ('COLLATE "en-x-icu"', "epost"), ('COLLATE "da-x-icu"', "epost"),
    ],
)  # fmt: skip
def test_postgresql_goes_by_its_indexes(postgresql: str, collation: str, on: str) -> None:
    shop = filled(
        on_postgresql(postgresql),
        f"CREATE INDEX epost ON folk ({on})",
        f"CREATE INDEX nr ON folk ({on.replace('epost', 'nr')})",
        collation=collation,
    )
    for keys in ({"email": "ola.nord@x.no"}, {"phone": "90012345"}, {"customer_no": "K7654321"}):
        for plan in plans(shop, **keys):
            assert "Index" in plan, plan
            assert "Seq Scan" not in plan, plan
    found_by_all_keys(shop)


@pytest.mark.parametrize("collation", ["", "COLLATE utf8mb4_danish_ci"])
def test_mariadb_goes_by_its_indexes(mariadb: str, collation: str) -> None:
    shop = filled(
        on_mariadb(mariadb), "CREATE INDEX epost ON folk (epost)", "CREATE INDEX nr ON folk (nr)",
        collation=collation,
    )  # fmt: skip
    for keys in ({"email": "ola.nord@x.no"}, {"phone": "90012345"}, {"customer_no": "K7654321"}):
        for plan in plans(shop, **keys):
            assert "'range'" in plan or "'ref'" in plan, plan
    found_by_all_keys(shop)


def test_what_an_index_would_spare_is_told(postgresql: str) -> None:
    shop = filled(on_postgresql(postgresql), "CREATE INDEX nr ON folk (lower(nr))")
    (told,) = shop.source.check()
    assert "about 170,0" in told
    assert "an index on lower(epost) would spare that" in told
    found_by_all_keys(shop)


def test_numbers_as_text_are_read_whole(postgresql: str) -> None:
    shop = filled(on_postgresql(postgresql), "CREATE INDEX nr ON folk (lower(nr))")
    odd = "tlf. 4 0 9 9-9 9.99 (etter kl 16)"
    shop.run(
        "ALTER TABLE folk ALTER tlf TYPE text",
        f"INSERT INTO folk VALUES (9900011, NULL, '{odd}', NULL)",
    )
    shop.source = shop.open()
    assert ids(shop, phone="+47 40 99 99 99") == [9900011]
    (told,) = shop.source.check()
    assert "numbers in tlf may be written in any way" in told


def test_a_small_table_is_read_in_one_pass(postgresql: str) -> None:
    shop = Shop(
        on_postgresql(postgresql), MAP,
        "CREATE TABLE folk (id bigint PRIMARY KEY, epost text, tlf text, nr text)",
        "CREATE INDEX epost ON folk (epost)",
    )  # fmt: skip
    (entry,) = shop.source.open().entries
    rules = Rules(shop.map)
    wanted = rules.wanted([Key(kind="email", value="a@b.no", origin="staff")])
    assert lookups(entry, wanted, rules) is None
    assert sa.inspect(shop.source.read).get_indexes("folk")
