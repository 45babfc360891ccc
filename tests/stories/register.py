"""A customer register on any engine for stories, and the map that goes with it."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Date, ForeignKey, Integer, MetaData, Numeric, String, Table

from mailbot.case import Key, Subject
from mailbot.record import Certainty, Finding
from tests.stories.world import World

METADATA = MetaData()
Table(
    "kontakter",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    *(
        Column(name, String(80))
        for name in ("fornavn", "etternavn", "epost", "mobil", "adresse", "postnr", "poststed")
    ),
    Column("notat", String(200)),
    Column("reservert", Boolean, nullable=False),
    Column("sperret", Boolean, nullable=False),
)


def _id() -> "Column[int]":
    return Column("id", Integer, primary_key=True, autoincrement=False)


def _of(table: str, name: str, **options: str) -> "Column[int]":
    return Column(name, Integer, ForeignKey(f"{table}.id", **options))


Table(
    "ordrer", METADATA, _id(), _of("kontakter", "kontakt_id"), Column("leveringsnavn", String(80))
)
Table(
    "ordrelinjer", METADATA, _id(), _of("ordrer", "ordre_id", ondelete="CASCADE"),
    Column("gravering", String(80)),
)  # fmt: skip
Table(
    "fakturaer", METADATA, _id(), _of("kontakter", "kontakt_id"), Column("dato", Date),
    Column("belop", Numeric(10, 2)), Column("fakturanavn", String(80)),
)  # fmt: skip
Table("nyhetsbrev", METADATA, _id(), Column("epost", String(80)), Column("navn", String(80)))

MAP = """
[own]
domains = ["example.no"]
default_region = "NO"
[retention]
bookkeeping = {{ law = "bokføringsloven § 13", reason = {{ nb = "Regnskapsplikt" }} }}
[[database]]
name = "crm"
title = {{ nb = "Kunderegister", en = "Customer register" }}
read_url = "{url}"
write_url = "{url}"
backup_days = 30
[[database.table]]
name = "kontakter"
title = {{ nb = "Kontakter", en = "Contacts" }}
is = "person"
identify = {{ email = ["epost"], phone = ["mobil"], name = ["fornavn etternavn"] }}
personal = {{ address = ["adresse", "postnr", "poststed"] }}
read = {{ notat = "text" }}
keep = {{ columns = ["id"], until = "kept(fakturaer)", rule = "bookkeeping" }}
[database.table.set]
objection = {{ reservert = true }}
consent_withdrawal = {{ reservert = true }}
restriction = {{ sperret = true }}
[[database.table]]
name = "ordrer"
title = {{ nb = "Ordrer", en = "Orders" }}
personal = {{ name = ["leveringsnavn"] }}
[[database.table]]
name = "ordrelinjer"
title = {{ nb = "Ordrelinjer", en = "Order lines" }}
personal = {{ text = ["gravering"] }}
[[database.table]]
name = "fakturaer"
title = {{ nb = "Fakturaer", en = "Invoices" }}
personal = {{ name = ["fakturanavn"] }}
keep = {{ columns = ["*"], until = "year_end(dato) + 5 years", rule = "bookkeeping" }}
[[database.table]]
name = "nyhetsbrev"
title = {{ nb = "Nyhetsbrev", en = "Newsletter" }}
identify = {{ email = ["epost"], name = ["navn"] }}
"""

PEOPLE = (  # id, first, last, address; 2 is the namesake of 1, and 8 and 9 share an address
    (1, "Kari", "Vik", "kari.vik@fjord.example"),
    (2, "Kari", "Vik", "kari@annen.example"),
    (3, "Nils", "Aas", "nils@aas.example"),
    (4, "Turid", "Moe", "turid@moe.example"),
    (5, "Anne", "Lie", "anne@lie.example"),
    (6, "Per", "Dal", "per@dal.example"),
    (7, "Siv", "Bøe", "siv@boe.example"),
    (8, "Liv", "Ås", "familien@aas-as.example"),
    (9, "Geir", "Ås", "familien@aas-as.example"),
    (10, "Jon", "Eng", "jon@eng.example"),
)


def build(url: str) -> None:
    """Create and fill the register."""
    engine = sa.create_engine(url)
    METADATA.create_all(engine)
    tables = METADATA.tables
    with engine.begin() as db:
        for number, first, last, address in PEOPLE:
            db.execute(tables["kontakter"].insert().values(
                id=number, fornavn=first, etternavn=last, epost=address,
                mobil=f"+479000{number:04d}", adresse=f"Veien {number}", postnr="0155",
                poststed="Oslo", notat="Ringte oss", reservert=False, sperret=False,
            ))  # fmt: skip
            db.execute(
                tables["ordrer"]
                .insert()
                .values(id=number, kontakt_id=number, leveringsnavn=f"{first} {last}")
            )
            db.execute(
                tables["ordrelinjer"]
                .insert()
                .values(id=number, ordre_id=number, gravering=f"Til {first}")
            )
            db.execute(
                tables["nyhetsbrev"]
                .insert()
                .values(id=number, epost=address.upper(), navn=f"{first} {last}")
            )
        for number in (1, 2):
            db.execute(
                tables["fakturaer"]
                .insert()
                .values(
                    id=number,
                    kontakt_id=number,
                    dato=date(2026, 3, 15),
                    belop=490,
                    fakturanavn="Kari Vik",
                )
            )
    engine.dispose()


class Register(World):
    """The stage with this register instead of the demo's."""

    engine: sa.Engine

    def dump(self) -> dict[str, dict[int, tuple[object, ...]]]:
        """Every row of every table by its id: a logical dump."""
        with self.engine.connect() as db:
            return {
                name: {row[0]: tuple(row) for row in db.execute(sa.select(table))}
                for name, table in METADATA.tables.items()
            }

    def run(self, *statements: str) -> None:
        with self.engine.begin() as db:
            for one in statements:
                db.exec_driver_sql(one)

    def holding(self, *texts: str) -> set[tuple[str, int]]:
        """Where any of these texts stands in the dump, whatever its capitals."""
        return {
            (table, number)
            for table, rows in self.dump().items()
            for number, row in rows.items()
            if any(text.casefold() in str(cell).casefold() for cell in row for text in texts)
        }

    def found(self, **keys: str) -> Sequence[Finding]:
        """What `mailbot locate` finds for certain with these keys."""
        subject = Subject(
            keys=tuple(
                Key(kind=kind, value=value, origin="staff", verified=True)
                for kind, value in keys.items()
            )
        )
        result = self.parts.tools.sources.find(subject)
        return [one for one in result.findings if one.certainty is Certainty.CERTAIN]


def laid_out(folder: Path, url: str):  # noqa: ANN201
    """Writes the data map before mailbot.toml is read."""

    def edit(text: str) -> str:
        address = sa.make_url(url)
        for purpose in ("read", "write") if address.password else ():
            (folder / "secrets" / f"crm.{purpose}").write_text(str(address.password))
        bare = address._replace(password=None).render_as_string()
        (folder / "config" / "datamap.toml").write_text(MAP.format(url=bare), encoding="utf-8")
        return text

    return edit


def changed(before: dict, after: dict) -> set[tuple[str, int]]:  # type: ignore[type-arg]
    """Rows that are gone, new or different."""
    return {
        (table, number)
        for table in before
        for number in before[table].keys() | after[table].keys()
        if before[table].get(number) != after[table].get(number)
    }
