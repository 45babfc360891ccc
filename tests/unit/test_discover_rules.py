"""What `discover` makes of single awkward things, each in a small SQLite database."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from mailbot.datamap import DataMap
from mailbot.record import Certainty
from mailbot.sources.discovery import words
from mailbot.sources.discovery.grants import grants
from mailbot.sources.discovery.proposal import Proposal, propose
from mailbot.sources.discovery.study import study
from mailbot.sources.engines import database_url, read_engine
from tests.estate.build import opened
from tests.estate.small import person

PEOPLE = [
    tuple(name.split())
    for name in (
        "Per Olsen", "Anne Lie", "Jonas Dahl", "Silje Moe", "Erik Sund", "Maja Holm", "Tom Vik",
        "Lise Aas", "Odd Berg", "Nina Rud",
    )
]  # fmt: skip


Rows = list[tuple[object, ...]]


def proposed(folder: Path, script: str, **rows: Rows) -> Proposal:
    path = folder / "db.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(script)
        for table, values in rows.items():
            marks = ", ".join("?" * len(values[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", values)
    connection.close()
    engine = read_engine(database_url(f"sqlite:///{path}", None, "db"), 10, "db")
    return propose([study("db", engine, None, "NO")], DataMap(), ["db"])


def entries(proposal: Proposal) -> dict[str, dict[str, Any]]:
    return {block.table.label: block.document() for block in proposal.blocks["db"]}


def people() -> Rows:
    numbered = enumerate(PEOPLE, start=1)
    return [
        (n, f"{first} {last}", f"{first.lower()}@x{n}.example") for n, (first, last) in numbered
    ]


def test_member_numbers_lead_to_members(tmp_path: Path) -> None:
    script = """CREATE TABLE medlemmer (medlemsnr TEXT PRIMARY KEY, navn TEXT, epost TEXT);
        CREATE TABLE kontingent (id INTEGER PRIMARY KEY, medlemsnr TEXT, belop NUMERIC);
        CREATE TABLE gaver (id INTEGER PRIMARY KEY, giver_medlemsnr TEXT, mottaker_epost TEXT)"""
    members = [(f"M{100 + n}", name, mail) for n, name, mail in people()]
    found = entries(proposed(
        tmp_path, script, medlemmer=members,
        kontingent=[(n, f"M{100 + n}", 300) for n in range(1, 11)],
        gaver=[(n, f"M{100 + n}", f"b{n}@y.example") for n in range(1, 11)],
    ))  # fmt: skip
    assert found["kontingent"]["join"][0]["to"] == ["medlemsnr"]
    assert found["gaver"]["join"][0]["columns"] == ["giver_medlemsnr"]
    assert "identify" not in found["gaver"]  # whoever gets a present does not own the order
    assert found["gaver"]["read"] == {"mottaker_epost": "text"}


def test_ids_that_agree_by_chance_are_no_reference(tmp_path: Path) -> None:
    script = """CREATE TABLE kunder (id INTEGER PRIMARY KEY, navn TEXT, epost TEXT);
        CREATE TABLE skjema (id INTEGER PRIMARY KEY, kunde_id INTEGER, navn TEXT)"""
    others = [(n, n, f"{PEOPLE[-n][0]} Annerledes{'abcdefghijk'[n]}") for n in range(1, 11)]
    found = entries(proposed(tmp_path, script, kunder=people(), skjema=others))
    assert "join" not in found["skjema"]
    same = [(n, n, name) for n, name, _ in people()]
    (tmp_path / "2").mkdir()
    found = entries(proposed(tmp_path / "2", script, kunder=people(), skjema=same))
    assert found["skjema"]["join"][0]["table"] == "kunder"


def test_messages_belong_to_their_ticket_and_not_the_other_way_round(tmp_path: Path) -> None:
    script = """CREATE TABLE Customers (CustomerID INTEGER PRIMARY KEY, Name TEXT, Email TEXT);
        CREATE TABLE Tickets (Id INTEGER PRIMARY KEY, CustomerID INTEGER);
        CREATE TABLE TicketMessages (TicketId INTEGER, FromAddress TEXT, Body TEXT)"""
    found = entries(proposed(
        tmp_path, script, Customers=people(), Tickets=[(n, n) for n in range(1, 11)],
        TicketMessages=[(n, mail, "It broke again") for n, _, mail in people()],
    ))  # fmt: skip
    (up,) = found["TicketMessages"]["join"]
    assert (up["table"], up["to"]) == ("Tickets", ["Id"])
    assert [join["table"] for join in found["Tickets"]["join"]] == ["Customers"]


def test_goods_of_a_supplier_are_nobodys(tmp_path: Path) -> None:
    script = """CREATE TABLE leverandor (id INTEGER PRIMARY KEY, navn TEXT, epost TEXT);
        CREATE TABLE vare (id INTEGER PRIMARY KEY, navn TEXT, leverandor_id INTEGER
            REFERENCES leverandor(id))"""
    found = entries(proposed(
        tmp_path, script, leverandor=[(1, "Glass AS", "post@glass.example")],
        vare=[(n, f"Kopp {n}", 1) for n in range(9)],
    ))  # fmt: skip
    assert found["leverandor"]["is"] == "company"
    assert found["vare"]["is"] == "none"


def test_both_sides_of_a_mail_log_are_keys_and_dates_are_no_numbers(tmp_path: Path) -> None:
    script = """CREATE TABLE epost_logg (id INTEGER PRIMARY KEY, fra TEXT, til TEXT, sendt TEXT);
        CREATE TABLE sms_logg (id INTEGER PRIMARY KEY, til TEXT, sendt TEXT)"""
    found = entries(proposed(
        tmp_path, script,
        epost_logg=[(n, "post@vi.example", mail, "2024-01-01") for n, _, mail in people()],
        sms_logg=[(n, f"47912345{n:02d}", "2024-01-01 10:00") for n in range(1, 11)],
    ))  # fmt: skip
    assert found["epost_logg"]["identify"] == {"email": ["fra", "til"]}
    assert found["sms_logg"]["identify"] == {"phone": ["til"]}


def test_staff_among_users_are_told_apart(tmp_path: Path) -> None:
    script = """CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, email TEXT,
        is_staff BOOLEAN NOT NULL)"""
    users = [(*one, 0) for one in people()]
    users += [(100 + n, f"Staff {n}", f"s{n}@firm.example", 1) for n in range(3)]
    proposal = proposed(tmp_path, script, users=users)
    kinds = {str(b.where): b.kind.is_ for b in proposal.blocks["db"]}
    assert kinds == {"{'is_staff': True}": "own", "{'is_staff': False}": "person"}
    assert list(proposal.domains) == ["firm.example"]


def test_people_and_companies_in_one_table(tmp_path: Path) -> None:
    """Nobody's company is taken for them: as a company's, a row that bears their name is found."""
    rows = [
        *people(),
        (50, "Koll Bygg AS", "wenche@koll.example"),
        (51, "Berg GmbH", "b@b.example"),
    ]
    script = "CREATE TABLE kunder (id INTEGER PRIMARY KEY, navn TEXT, epost TEXT)"
    assert entries(proposed(tmp_path, script, kunder=rows))["kunder"]["is"] == "company"


FIRMS = ("Koll Bygg AS", "Berg GmbH", "Fjord Salg AS", "Vik Transport AS", "Nes Regnskap AS")


@pytest.mark.parametrize(
    ("column", "a_persons", "a_firms", "where"),
    [
        ("kundetype TEXT", "P", "F", {"kundetype": "F"}),
        ("er_firma BOOLEAN NOT NULL", 0, 1, {"er_firma": True}),
        ("orgnr TEXT", None, "9123456{}8", {"orgnr": "*"}),
        ("orgnr TEXT", "", "912 345 6{}8", {"orgnr": "*"}),
        ("orgform TEXT", None, "AS", {"orgform": "AS"}),
    ],
)
def test_a_register_of_people_and_companies_told_apart(
    tmp_path: Path, column: str, a_persons: object, a_firms: object, where: dict[str, object]
) -> None:
    """People's rows teach their keys; a company's is a company's, whoever writes from there."""
    script = f"""CREATE TABLE kunder (id INTEGER PRIMARY KEY, navn TEXT, epost TEXT, mobil TEXT,
        {column}); CREATE TABLE sms (id INTEGER PRIMARY KEY, mobil TEXT)"""
    rows: Rows = [(*one, f"4000000{one[0] % 10}", a_persons) for one in people()]
    rows += [
        (50 + n, name, f"post{n}@firm.example" if n else "per@x1.example", f"4100000{n}",
         a_firms.format(n) if isinstance(a_firms, str) else a_firms)
        for n, name in enumerate(FIRMS)
    ]  # fmt: skip
    texts = [(1, "+47 400 00 001"), (2, "41000000")]
    proposal = proposed(tmp_path, script, kunder=rows, sms=texts)
    blocks = [block.document() for block in proposal.blocks["db"]]
    kinds = {(b["name"], b["is"]): b.get("where", {}) for b in blocks if b["name"] == "kunder"}
    assert kinds == {("kunder", "person"): {}, ("kunder", "company"): where}
    mapped = DataMap.model_validate(
        {"database": [{"name": "db", "read_url": "sqlite://", "table": blocks}]}
    )
    found = opened(mapped, {"db": f"sqlite:///{tmp_path / 'db.db'}"}).find(
        person(email="per@x1.example", name="Per Olsen")
    )
    certain = {(f.table, f.key["id"]) for f in found.findings if f.certainty is Certainty.CERTAIN}
    assert certain == {("kunder", 1), ("sms", 1)}


def test_views_are_left_out_and_said(tmp_path: Path) -> None:
    script = """CREATE TABLE kunder (id INTEGER PRIMARY KEY, navn TEXT, epost TEXT);
        CREATE VIEW alle AS SELECT * FROM kunder"""
    proposal = proposed(tmp_path, script, kunder=people())
    assert list(entries(proposal)) == ["kunder"]
    assert any("alle is a view" in line for line in proposal.todo)


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("e_post", "email"), ("KundeEpost2", "email"), ("EMAILADR", "email"), ("mobilnr", "phone"),
        ("telefon_privat", "phone"), ("førenamn", "first"), ("NACHNAME", "last"),
        ("foedselsdato", "birth"), ("leveringsadresse", "address"), ("personnr", "national_id"),
        ("merkn", "text"), ("sist_sett", "volatile"), ("kundenummer", "number"),
        ("arbeidssted", "workplace"), ("kilde", "source"), ("GEBDAT", "birth"),
        ("stilling", "position"),
    ],
)  # fmt: skip
def test_names_mean_something(name: str, meaning: str) -> None:
    assert words.has(name, meaning)


@pytest.mark.parametrize("name", ["filnavn", "varenavn", "farge", "bredde", "antall", "moms"])
def test_names_of_things_mean_no_person(name: str) -> None:
    assert not words.has(name, "email", "phone", "first", "last", "fullname", "address", "birth")


def test_grants_are_apart_for_reading_and_erasing(tmp_path: Path) -> None:
    script = """CREATE TABLE kunder (id INTEGER PRIMARY KEY, navn TEXT, epost TEXT);
        CREATE TABLE ansatte (id INTEGER PRIMARY KEY, navn TEXT, epost TEXT);
        CREATE TABLE "odd]name`" (id INTEGER PRIMARY KEY, epost TEXT)"""
    blocks = proposed(tmp_path, script, kunder=people()).blocks["db"]
    azure = "\n".join(grants("mssql", "db", blocks))
    assert "CREATE USER [mailbot_read] FROM EXTERNAL PROVIDER;" in azure
    assert "CREATE USER [mailbot_erase] FROM EXTERNAL PROVIDER;" in azure
    assert "GRANT SELECT ON [dbo].[kunder] TO [mailbot_read];" in azure
    assert "GRANT SELECT, UPDATE, DELETE ON [dbo].[kunder] TO [mailbot_erase];" in azure
    assert "GRANT SELECT ON [dbo].[ansatte] TO [mailbot_read];" in azure
    assert "[ansatte] TO [mailbot_erase]" not in azure  # staff are never erased
    assert "[odd]]name`]" in azure
    postgres = "\n".join(grants("postgresql", "db", blocks))
    assert 'GRANT SELECT, UPDATE, DELETE ON "public"."kunder" TO mailbot_erase;' in postgres
    maria = "\n".join(grants("mariadb", "db", blocks))
    assert "GRANT SELECT ON `db`.`kunder` TO 'mailbot_read'@'%';" in maria
    assert "`odd]name```" in maria
    assert list(grants("sqlite", "db", blocks)) == []
