# ruff: noqa: E501 (values are read as a table)
"""Hand-made odd values: what a person's key looks like in real tables, and what only looks so."""

import random
from pathlib import Path

import pytest
import sqlalchemy as sa

from mailbot.case import Key, Subject
from mailbot.record import Certainty, SearchResult
from mailbot.sources.matching import Rules
from mailbot.sources.searching import Scan
from tests.estate.shop import Shop
from tests.servers.databases import NewUrl, sqlite
from tests.servers.mariadb import fresh_database as on_mariadb
from tests.servers.postgres import fresh_database as on_postgresql

PHONES = """
[[database.table]]
name = "sms"
identify = { phone = ["tlf"] }
"""
HIS_NUMBER = (
    "90 01 23 45", "+47 900 12 345", "(+47) 900-12-345", "0047-90012345", "900.12.345", "90012345 ext 12",
    "+4790012345 x12", "tel:+4790012345", "Mob: 90012345", "900\u00a012\u00a0345", "900\u200912\u2009345",
    "900\u200712\u2007345", "900\u201112\u2011345", "900\u00ad12\u00ad345", "900\t12\t345", "900\n12\n345",
    "47 90 01 23 45", "'90012345", "90012345;", "90012345 / 22334455", "22334455, 90012345",
    "+47 (0) 90012345", "\u200e+4790012345", "９００１２３４５", "90012345.0", "jobb 22334455 priv 90012345",
)  # fmt: skip
NOT_HIS_NUMBER = (
    "900123456", "190012345", "+46 90012345", "9001234", "90012354", "2026-90-01 23:45", "", "-",
    "90012 og 345", "NO 890012345 MVA",
)  # fmt: skip


def found(shop: Shop, certain: bool | None = None, **keys: str) -> list[object]:
    given = tuple(Key(kind=k, value=v, origin="staff", verified=True) for k, v in keys.items())
    result = shop.source.find(Subject(keys=given))
    assert not [part for part in result.not_searched if part.failed], result.not_searched
    return sorted(
        (f.key["id"] for f in result.findings
         if certain is None or (f.certainty is Certainty.CERTAIN) == certain),
        key=str,
    )  # fmt: skip


def insert(shop: Shop, table: str, column: str, values: tuple[object, ...], first: int = 1) -> None:
    text = sa.text(f"INSERT INTO {table} (id, {column}) VALUES (:id, :v)")
    with shop.engine.begin() as connection:
        connection.execute(text, [{"id": first + n, "v": v} for n, v in enumerate(values)])


def test_numbers_in_every_dress(new_url: NewUrl) -> None:
    shop = Shop(new_url(), PHONES, "CREATE TABLE sms (id integer PRIMARY KEY, tlf varchar(60))")
    insert(shop, "sms", "tlf", HIS_NUMBER)
    insert(shop, "sms", "tlf", NOT_HIS_NUMBER, 500)
    ids = found(shop, phone="+4790012345")
    assert [HIS_NUMBER[n - 1] for n in range(1, len(HIS_NUMBER) + 1) if n not in ids] == []
    assert [NOT_HIS_NUMBER[n - 500] for n in ids if int(str(n)) >= 500] == []


TEXTS = """
[key]
customer_no = { pattern = 'K-?\\d{5,7}', ignore = " -" }
[[database.table]]
name = "notat"
read = { tekst = "text" }
"""
FILLER = "Lorem ipsum dolor sit amet, consectetur adipiscing elit. "
HIS_TEXT = (
    "Skriv til ola.nord@x.no!", "OLA.NORD@X.NO", "(ola.nord@x.no)", "mailto:ola.nord@x.no?subject=x",
    "fra:ola.nord@x.no,til:post@y.no", "ola.nord@x.no\r\nHilsen", "«ola.nord@x.no»", "ola.nord@x.no.",
    "Ola <ola.nord@x.no>; Kari <kari@x.no>", "gjelder K-7654321.", "gjelder k7654321", "K 7654321",
    "nr:K7654321/2", "\u200bola.nord@x.no", "ola.nord\u00ad@x.no", "=ola.nord@x.no=",
    FILLER * 4_000 + "ola.nord@x.no", FILLER * 4_000 + "K-7654321",
    " ".join(f"n{n}@x.no" for n in range(700)) + " ola.nord@x.no",
)  # fmt: skip
NOT_HIS_TEXT = (
    "ola.nordmann@x.no", "xola.nord@x.no", "ola.nord@x.no.com", "ola.nord@x.nu", "XK-7654321",
    "K-76543210", "ola nord", "ola.nord at x.no", FILLER * 4_000,
)  # fmt: skip


def test_keys_in_every_text(new_url: NewUrl) -> None:
    url = new_url()
    kind = "longtext" if url.startswith("mysql") else "text"
    shop = Shop(url, TEXTS, f"CREATE TABLE notat (id integer PRIMARY KEY, tekst {kind})")
    insert(shop, "notat", "tekst", HIS_TEXT)
    insert(shop, "notat", "tekst", NOT_HIS_TEXT, 500)
    ids = found(shop, email="ola.nord@x.no", customer_no="K7654321")
    assert [HIS_TEXT[n - 1][-40:] for n in range(1, len(HIS_TEXT) + 1) if n not in ids] == []
    assert [NOT_HIS_TEXT[int(str(n)) - 500][-40:] for n in ids if int(str(n)) >= 500] == []


def test_what_is_too_long_to_be_read_is_said(new_url: NewUrl) -> None:
    url = new_url()
    kind = "longtext" if url.startswith("mysql") else "text"
    shop = Shop(url, TEXTS, f"CREATE TABLE notat (id integer PRIMARY KEY, tekst {kind})")
    insert(shop, "notat", "tekst", (FILLER * 20_000 + "ola.nord@x.no",))
    key = Key(kind="email", value="ola.nord@x.no", origin="staff", verified=True)
    result: SearchResult = shop.source.find(Subject(keys=(key,)))
    assert not result.findings
    (why,) = [part.why for part in result.not_searched]
    assert why == "notat: 1 text was too long to be read to its end"


@pytest.mark.parametrize("engine", ["sqlite", "mariadb"])  # PostgreSQL takes none
def test_null_characters_hide_nothing(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    is_file = engine == "sqlite"
    url = sqlite(tmp_path)() if is_file else on_mariadb(request.getfixturevalue("mariadb"))
    shop = Shop(
        url, TEXTS + PHONES + '[[database.table]]\nname = "folk"\nidentify = { email = ["e"] }\n',
        "CREATE TABLE notat (id integer PRIMARY KEY, tekst text)",
        "CREATE TABLE sms (id integer PRIMARY KEY, tlf varchar(60))",
        "CREATE TABLE folk (id integer PRIMARY KEY, e varchar(60))",
    )  # fmt: skip
    insert(shop, "notat", "tekst", ("a\0b ola.nord@x.no", "\0ola.nord@x.no\0"))
    insert(shop, "folk", "e", ("ola.nord@x.no\0", "\0ola.nord@x.no", "ola\0.nord@x.no"), 11)
    insert(shop, "sms", "tlf", ("\x0090012345", "90012345\0"), 21)
    assert found(shop, email="ola.nord@x.no", phone="90012345") == [1, 11, 12, 2, 21, 22]


MIXED = """
[[database.table]]
name = "folk"
is = "person"
identify = { email = ["epost"], user_id = ["bruker"] }
read = { notat = "text" }
"""


@pytest.mark.parametrize(
    ("before", "kind"),
    [
        ("", "text"), ("CREATE EXTENSION citext", "citext"), ("", 'varchar(99) COLLATE "C"'),
        ("CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
         "text COLLATE ci"),
        ("", 'text COLLATE "tr-x-icu"'), ("CREATE DOMAIN ord AS text", "ord"), ("", "char(60)"),
    ],
)  # fmt: skip
def test_types_and_collations_of_postgresql(postgresql: str, before: str, kind: str) -> None:
    url = on_postgresql(postgresql)
    shop = Shop(
        url, MIXED, *filter(None, [before]),
        f"CREATE TABLE folk (id integer PRIMARY KEY, epost {kind}, bruker {kind}, notat {kind})",
        "CREATE INDEX e ON folk (epost)", "CREATE INDEX b ON folk (lower(bruker))",
    )  # fmt: skip
    check_all(shop)


def test_lists_of_postgresql(postgresql: str) -> None:
    shop = Shop(
        on_postgresql(postgresql), MIXED,
        "CREATE TABLE folk (id integer PRIMARY KEY, epost text[], bruker text, notat jsonb)",
        "INSERT INTO folk VALUES (1, '{a@x.no,OLI.nord@x.no}', NULL, NULL),"
        """ (2, NULL, NULL, '{"a": ["oli.nord@x.no"]}'), (3, '{oli.nordby@x.no}', NULL, '{}')""",
    )  # fmt: skip
    assert found(shop, email="oli.nord@x.no") == [1, 2]


@pytest.mark.parametrize(
    "kind",
    [
        "varchar(99) COLLATE utf8mb4_bin", "varchar(99) COLLATE utf8mb4_danish_ci",
        "varchar(99) COLLATE utf8mb4_turkish_ci", "varchar(99) CHARACTER SET latin1",
        "char(60)", "text", "varchar(99) COLLATE utf8mb4_unicode_nopad_ci",
    ],
)  # fmt: skip
def test_types_and_collations_of_mariadb(mariadb: str, kind: str) -> None:
    index = (
        ()
        if kind == "text"
        else ("CREATE INDEX e ON folk (epost)", "CREATE INDEX b ON folk (bruker)")
    )
    shop = Shop(
        on_mariadb(mariadb), MIXED,
        f"CREATE TABLE folk (id integer PRIMARY KEY, epost {kind}, bruker {kind}, notat {kind})",
        *index,
    )  # fmt: skip
    check_all(shop)


def check_all(shop: Shop) -> None:
    """The same of a small table and of one that is asked by its indexes."""
    his = (
        "oli.nord@x.no",
        "OLI.NORD@X.NO",
        "Oli.Nord@x.no",
        "oLI.nORD@X.no",
        " oli.nord@x.no",
        "Oli <oli.nord@x.no>",
    )
    hers = ("ida.lind@x.no", "IDA.LIND@X.NO", "Ida.Lind@x.no", "iDA.lInD@x.no")
    insert(shop, "folk", "epost", his)
    insert(shop, "folk", "notat", tuple(f"se {one}!" for one in his), 11)
    insert(shop, "folk", "bruker", ("liam-1", "LIAM1", "Liam 1"), 21)
    insert(shop, "folk", "epost", ("oli.nordby@x.no", "oli@x.no", "öli.nord@x.no"), 31)
    insert(shop, "folk", "bruker", ("liam-11", "líam-1", "1"), 41)
    insert(shop, "folk", "epost", hers, 51)
    assert found(shop, email="oli.nord@x.no") == [1, 11, 12, 13, 14, 15, 16, 2, 3, 4, 5, 6]
    assert found(shop, user_id="LIAM-1") == [21, 22, 23]
    shop.map.database[0].table[0].read.clear()  # text is never asked by an index
    shop.source = shop.open()
    shop.source.large = -1
    for _ in range(4):
        assert found(shop, email="oli.nord@x.no") == [1, 2, 3, 4, 5, 6]
        assert found(shop, email="ida.lind@x.no") == [51, 52, 53, 54]
        assert found(shop, user_id="LIAM-1") == [21, 22, 23]


DRAWN = """
[key]
customer_no = { pattern = 'K-?\\d{5,7}', ignore = " -" }
[[database.table]]
name = "folk"
is = "person"
identify = { phone = ["tlf"], customer_no = ["nr"] }
[[database.table]]
name = "notat"
read = { tlf = "text", nr = "text" }
"""
BETWEEN = (
    *" \t\n-./()_,;:'+",
    "\u00a0",
    "\u2009",
    "\u2011",
    "\u200b",
    "\u00ad",
    "0",
    "9",
    "x",
    "og ",
    "(0)",
    "+47",
)
NUMBERS = (
    "90012345",
    "+4790012345",
    "900 12 345",
    "0047 90 01 23 45",
    "22334455",
    "46701234567",
    "+46 70 123 45 67",
    "90012345.0",
)
CUSTOMERS = ("K-7654321", "k7654321", "K 7654321", "K765432", "7654321")


def drawn(draw: random.Random, forms: tuple[str, ...]) -> str:
    """A number as it is, or with signs put in and taken away."""
    text = draw.choice(forms)
    for _ in range(draw.choice((0, 0, 1, 1, 2))):
        at = draw.choice((0, len(text), draw.randrange(len(text) + 1)))
        kept = at if draw.random() < 0.8 else at + 1
        text = text[:at] + draw.choice(BETWEEN) + text[kept:]
    return text


def test_one_pass_reads_every_row_that_shows_a_key(new_url: NewUrl) -> None:
    """What the statement asks for holds all that the matching, told of every row, takes for his."""
    columns = "(id integer PRIMARY KEY, tlf varchar(200), nr varchar(200))"
    shop = Shop(
        new_url(), DRAWN, f"CREATE TABLE folk {columns}", f"CREATE TABLE notat {columns}"
    )  # fmt: skip
    draw = random.Random("numbers")
    rows = [(n, drawn(draw, NUMBERS), drawn(draw, CUSTOMERS)) for n in range(1_000)]
    planted = {
        "folk": rows, "notat": [(n, f"Ring {tlf}, takk", f"Gjelder {nr}.") for n, tlf, nr in rows],
    }  # fmt: skip
    with shop.engine.begin() as connection:
        for table, some in planted.items():
            connection.execute(
                sa.text(f"INSERT INTO {table} VALUES (:id, :tlf, :nr)"),
                [{"id": n, "tlf": tlf, "nr": nr} for n, tlf, nr in some],
            )
    rules = Rules(shop.map)
    for entry in shop.source.open().entries:
        for kind, value in (
            ("phone", "90012345"),
            ("phone", "+46701234567"),
            ("customer_no", "K7654321"),
        ):
            wanted = rules.wanted([Key(kind=kind, value=value, origin="staff", verified=True)])
            read = {row["id"] for row in shop.source.run(Scan(entry, wanted), rules)}
            his = {
                n: ascii((tlf, nr))
                for n, tlf, nr in planted[entry.place[1]]
                if rules.relevant(rules.traits(entry, {"id": n, "tlf": tlf, "nr": nr}), wanted)
            }
            assert len(his) > 20
            assert [shown for n, shown in his.items() if n not in read] == []
