# ruff: noqa: E501 (rows are read as a table)
"""A person with thousands of rows: what is found is the same as of a person with three."""

import tempfile
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from mailbot.record import Certainty, Typed
from mailbot.sources import AllSources
from mailbot.sources.piling import MOST_IN_MEMORY, Findings, Spill
from tests.estate.build import opened
from tests.estate.shop import Shop
from tests.estate.small import person
from tests.servers.databases import NewUrl

MAP = """
[[database.table]]
name = "folk"
is = "person"
identify = { email = ["epost"], phone = ["tlf"], name = ["navn"] }
keep = { columns = ["id"], until = "kept(faktura)", rule = "bok" }
[[database.table]]
name = "brev"
identify = { email = ["epost"], phone = ["tlf"] }
keep = { columns = ["*"], until = "dato + 1 years", rule = "bok" }
[[database.table]]
name = "ordre"
join = [{ columns = ["folk"], table = "folk", to = ["id"] }]
[[database.table]]
name = "faktura"
join = [{ columns = ["folk"], table = "folk", to = ["id"] }]
keep = { columns = ["*"], until = "dato", rule = "bok" }
[[database.table]]
name = "besok"
identify = { email = ["epost"] }
[retention.bok]
law = "x"
reason = { nb = "x" }
"""
MANY = 2 * MOST_IN_MEMORY + 500


@pytest.fixture(scope="module")
def shop(new_url: NewUrl) -> Shop:
    """Ola has many of everything, Eva some; his letters by both keys, and in each form."""
    made = Shop(
        new_url(), MAP,
        "CREATE TABLE folk (id integer PRIMARY KEY, navn varchar(50), epost varchar(50), tlf varchar(20))",
        "CREATE TABLE brev (id integer PRIMARY KEY, epost varchar(50), tlf varchar(20), dato date, vekt numeric(6, 2))",
        "CREATE TABLE ordre (nr integer, linje integer, folk integer, PRIMARY KEY (nr, linje))",
        "CREATE TABLE faktura (id integer PRIMARY KEY, folk integer, dato date)",
        "CREATE TABLE besok (epost varchar(50), dato date)",
        "INSERT INTO folk VALUES (1, 'Ola Nord', 'ola@x.no', '90000001'), (2, 'Eva Nord', 'eva@x.no', '90000002'),"
        " (3, 'Per Berg', 'felles@x.no', NULL), (4, 'Siv Dal', 'felles@x.no', NULL)",
    )  # fmt: skip
    ours = ["OLA@x.no", "ola@x.no", " Ola@X.no"]
    with made.engine.begin() as connection:
        for table, rows in {
            "brev": [
                {"id": n, "epost": None if n % 5 == 4 else ours[n % 3], "tlf": "+4790000001" if n % 5 > 2 else None,
                 "dato": "2026-01-02" if n % 2 else "2020-01-02", "vekt": "1.50"}
                for n in range(1, MANY + 1)
            ] + [{"id": 100_000 + n, "epost": "eva@x.no", "tlf": None, "dato": "2026-01-02", "vekt": None}
                 for n in range(MANY)]
            + [{"id": 200_000 + n, "epost": "felles@x.no", "tlf": None, "dato": None, "vekt": None}
               for n in range(MANY)],
            "ordre": [{"nr": n // 3, "linje": n % 3, "folk": 1} for n in range(MANY)],
            "faktura": [{"id": n, "folk": 1, "dato": "2030-01-01" if n == MANY - 1 else "2021-01-01"}
                        for n in range(MANY)],
            "besok": [{"epost": "ola@x.no", "dato": f"2026-01-{1 + n % 28:02}"} for n in range(MANY)],
        }.items():  # fmt: skip
            columns = list(rows[0])
            text = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(f':{c}' for c in columns)})"
            connection.execute(sa.text(text), rows)
    return made


@pytest.fixture(scope="module")
def found(shop: Shop) -> Findings:
    """What is Ola's."""
    result = sources(shop).find(person(email="ola@x.no"))
    assert isinstance(result.findings, Findings)
    assert not [part for part in result.not_searched if part.failed]
    return result.findings


def sources(shop: Shop) -> AllSources:
    return opened(shop.map, {"shop": shop.url})


def test_each_row_is_found_once(found: Findings) -> None:
    assert {f.certainty for f in found} == {Certainty.CERTAIN}
    assert Counter(f.table for f in found) == {
        "folk": 1, "brev": MANY, "ordre": MANY, "faktura": MANY, "besok": 28,
    }  # fmt: skip
    assert len({f.identity for f in found}) == len(found) == 3 * MANY + 29


def test_they_come_in_order_children_first(found: Findings) -> None:
    places = [(f.system, f.order, f.table, f.identity) for f in found]
    assert places == sorted(places)
    assert places[-1][2] == "folk"
    assert [f.identity for f in found] == [place[3] for place in places]  # each time


def test_each_has_its_own_row_trail_and_treatment(found: Findings) -> None:
    letters = {f.key["id"]: f for f in found if f.table == "brev"}
    assert set(letters) == set(range(1, MANY + 1))
    for number, letter in letters.items():
        assert letter.row["id"] == number
        assert letter.trail.endswith(f"brev.id = {number}")
        assert letter.treatment.do == ("keep" if int(str(number)) % 2 else "delete")
        assert {type(letter.row["vekt"]), type(letter.row["dato"])} <= {Typed, float, str}
    orders = [f for f in found if f.table == "ordre"]
    assert {f.trail for f in orders} == {"folk.id = 1 ← ordre.folk"}
    assert {(f.key["nr"], f.key["linje"]) for f in orders} == {(n // 3, n % 3) for n in range(MANY)}


def test_rules_that_ask_for_other_tables_see_every_row(found: Findings) -> None:
    (ola,) = [f for f in found if f.table == "folk"]
    assert ola.treatment.do == "keep"
    assert str(ola.treatment.until) == "2030-01-01"  # the last of thousands of invoices


def test_what_is_only_possible_stays_so(shop: Shop) -> None:
    result = sources(shop).find(person(email="felles@x.no"))
    letters = [f for f in result.findings if f.table == "brev"]
    assert len(letters) == MANY
    assert {f.certainty for f in letters} == {Certainty.POSSIBLE}


def test_few_are_held_as_before(shop: Shop) -> None:
    result = sources(shop).find(person(phone="90000002"))
    assert isinstance(result.findings, tuple | Findings)
    assert {f.table for f in result.findings} == {"folk", "brev"}


def test_nothing_of_them_can_be_read_on_disk() -> None:
    spill = Spill()
    before = set(Path(tempfile.gettempdir()).glob("mailbot-*"))
    place = spill.write([["ola.nord@x.no", 17, None, Typed("date", "2026-01-02"), 1.5, True]])
    assert set(Path(tempfile.gettempdir()).glob("mailbot-*")) == before  # the file has no name
    raw = Path(f"/proc/self/fd/{spill._file.fileno()}").read_bytes()
    assert raw
    assert b"ola" not in raw
    assert spill.read(place) == [
        ["ola.nord@x.no", 17, None, Typed("date", "2026-01-02"), 1.5, True]
    ]
