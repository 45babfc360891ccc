"""One contract for every database engine: find all of a person, act on what was approved."""

import os
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mailbot.case import Key, Label, Subject
from mailbot.datamap import DataMap
from mailbot.errors import ConfigError, Permanent, Stale, Transient
from mailbot.plan import Action, Do
from mailbot.record import Certainty, Finding, SearchResult, fingerprint
from mailbot.sources import AllSources
from mailbot.sources.engines import read_engine, translated
from mailbot.sources.sql import SqlSource
from tests.estate.build import TODAY, estate, opened
from tests.estate.people import Estate, Person
from tests.servers.databases import NewUrl
from tests.servers.postgres import fresh_database

CASE_KEY = b"a case's key"


# Finding.


@pytest.fixture(scope="module")
def world(new_url: NewUrl) -> tuple[Estate, AllSources]:
    return estate(new_url, crowd=22)


def subject(**keys: str | Sequence[str]) -> Subject:
    given = [
        Key(kind=kind, value=value, origin="staff", verified=True)
        for kind, values in keys.items()
        for value in ([values] if isinstance(values, str) else values)
    ]
    return Subject(keys=tuple(given))


def place(finding: Finding) -> tuple[str, str, tuple[tuple[str, Any], ...]]:
    return finding.system, finding.table, tuple(sorted(finding.key.items()))


def of(result: SearchResult, certainty: Certainty) -> set[Any]:
    return {place(f) for f in result.findings if f.certainty is certainty}


def test_everything_of_each_person_and_nothing_of_anybody_else(
    world: tuple[Estate, AllSources],
) -> None:
    planted, sources = world
    assert len(planted.people) >= 50
    for who, person in planted.people.items():
        result = sources.find(subject(email=person.email, name=person.name))
        assert result.searched == ("crm", "shop"), who
        assert of(result, Certainty.CERTAIN) == person.certain, who
        assert person.possible <= of(result, Certainty.POSSIBLE), who


def test_an_address_alone_finds_the_same_unless_several_people_share_it(
    world: tuple[Estate, AllSources],
) -> None:
    planted, sources = world
    for who in ("p1", "recycled1", "merged", "married", "spelt", "gmail", "several", "sole"):
        person = planted.people[who]
        result = sources.find(subject(email=person.email))
        assert of(result, Certainty.CERTAIN) == person.certain, who
    for who in ("shared1", "couple1"):
        result = sources.find(subject(email=planted.people[who].email))
        assert of(result, Certainty.CERTAIN) == set(), who
        assert of(result, Certainty.POSSIBLE), who


def test_each_other_key_finds_the_person_as_well(world: tuple[Estate, AllSources]) -> None:
    planted, sources = world
    person = planted.people["p2"]
    ways: tuple[dict[str, str], ...] = (
        {"customer_no": f"k {10000 + person.number}"},
        {"phone": person.phone, "name": f"{person.last}, {person.first}"},
    )
    for keys in ways:
        assert of(sources.find(subject(**keys)), Certainty.CERTAIN) == person.certain, list(keys)


def test_a_name_alone_makes_nothing_certain(world: tuple[Estate, AllSources]) -> None:
    result = world[1].find(subject(name="Ole Bakken"))
    assert of(result, Certainty.CERTAIN) == set()
    assert len(of(result, Certainty.POSSIBLE)) >= 5


def test_staff_and_the_organisation_are_nobodys_data(world: tuple[Estate, AllSources]) -> None:
    for keys in (
        {"email": "mona.privat@example.net"},
        {"email": "Siri@firmaet.no"},
        {"phone": "22 00 00 01"},
    ):
        result = world[1].find(subject(**keys))
        assert result.findings == ()
        assert any("organisation itself" in part.why for part in result.not_searched)


def test_each_finding_says_how_it_was_come_by(world: tuple[Estate, AllSources]) -> None:
    planted, sources = world
    person: Person = planted.people["poly"]
    found = {place(f)[:2]: f for f in sources.find(subject(email=person.email)).findings}
    assert found["crm", "vedlegg"].trail == "kontakter.id = 5001 ← vedlegg.eier_id"
    assert found["crm", "kontakter"].reason == "epost equals e-mail"
    assert found["crm", "kontakter"].source == "Messe"
    assert found["crm", "kontakter"].personal["email"] == ("epost", "epost2")


HOSTILE = (
    "' OR '1'='1",
    '"; DROP TABLE kontakter; --',
    "%",
    "_%_@%",
    "%@%.no",
    "a_b%c@privat1.no",
    "\\",
    "p1\\@privat1.no",
    "[a-z]%@privat1.no",
    "p11@privat1.no\x00",
    "K-100\x0011",
    "K-10\ud80011",
    "99999999999999999999999",
    "\u202ep11@privat1.on",
    "x" * 10_000,
    "x" * 10_000 + "@privat1.no",
    "from:p11 OR *:*",
    '* TEXT "a" UNDELETED',
    "1; SELECT pg_sleep(9)",
    "{$ne: null}",
)


@pytest.mark.parametrize("kind", ["email", "phone", "name", "customer_no", "user_id", "unheard-of"])
def test_a_hostile_key_is_only_a_key(world: tuple[Estate, AllSources], kind: str) -> None:
    planted, sources = world
    person = planted.people["archived"]
    keys = tuple(Key(kind=kind, value=value, origin="text") for value in HOSTILE)
    result = sources.find(
        Subject(keys=(*keys, *subject(email=person.email, name=person.name).keys))
    )
    assert of(result, Certainty.CERTAIN) == person.certain
    assert result.searched == ("crm", "shop")


def everything(sources: AllSources) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Every row of every table."""
    found = {}
    for name in sources.names():
        source = sources.get(name)
        assert isinstance(source, SqlSource)
        meta = sa.MetaData()
        with source.read.connect() as connection:
            meta.reflect(connection)
            for table in meta.sorted_tables:
                rows = connection.execute(sa.select(table))
                found[name, table.name] = sorted((dict(row._mapping) for row in rows), key=repr)
    return found


def test_erasing_people_one_after_the_other_touches_nobody_else(new_url: NewUrl) -> None:
    planted, sources = estate(new_url, crowd=3)
    before = everything(sources)
    # What an engine does differently shows on some of them as well; `make soak` erases everybody.
    people = list(planted.people.items())
    step = 1 if os.environ.get("MAILBOT_SOAK") else 2 if new_url().startswith("sqlite") else 6
    for who, person in people[::step]:
        found = sources.find(subject(email=person.email, name=person.name))
        touched = set()
        for name in sources.names():
            own = [f for f in found.findings if f.system == name]
            actions = [
                replace(a, number=n, fingerprint=fingerprint(CASE_KEY, a.before, a.volatile))
                for n, a in enumerate(sources.get(name).actions(Label.ERASURE, own), start=1)
            ]
            sources.get(name).apply(actions, CASE_KEY)
            touched |= {(name, a.table, repr(dict(a.before))) for a in actions if a.changes}
        after = everything(sources)
        for (system, table), rows in before.items():
            gone = [row for row in rows if row not in after[system, table]]
            assert len(gone) <= sum(t[:2] == (system, table) for t in touched), who
            # What several people shared is the last one's who is left.
            planted_here = person.certain | person.possible
            mine = {key for s, t, key in planted_here if (s, t) == (system, table)}
            for row in gone:
                assert any(all(row[name] == value for name, value in key) for key in mine), who
        again = sources.find(
            Subject(keys=(*subject(email=person.email, name=person.name).keys, *found.learnt))
        )
        left = [f for f in again.findings if f.certainty is Certainty.CERTAIN]
        assert all(f.treatment.do == "keep" for f in left), who
        before = after


# Acting. A small register of its own for each test.

SHOP = """
[retention]
bookkeeping = { law = "bokføringsloven § 13", reason = { nb = "Regnskapsplikt" } }
[[database]]
name = "shop"
read_url = "sqlite://"
[[database.table]]
name = "people"
is = "person"
identify = { email = ["email"], name = ["name"] }
personal = { address = ["street"] }
volatile = ["seen"]
set = { objection = { no_mail = true } }
[[database.table]]
name = "orders"
erase = "replace"
replace = { deliver_to = "(slettet)" }
[[database.table]]
name = "lines"
[[database.table]]
name = "invoices"
keep = { columns = ["*"], until = "year_end(day) + 5 years", rule = "bookkeeping" }
[[database.table]]
name = "notes"
erase = "blank"
personal = { text = ["note", "code"] }
[[database.table]]
name = "marks"
join = [{ columns = ["person"], table = "people", to = ["id"] }]
"""


def tables() -> sa.MetaData:
    meta = sa.MetaData()
    column, whole, words = sa.Column, sa.Integer, sa.Text
    sa.Table(
        "people",
        meta,
        column("id", whole, primary_key=True),
        column("name", words),
        column("email", words, nullable=False),
        column("street", words),
        column("seen", words),
        column("no_mail", sa.Boolean),
        column("friend", whole, sa.ForeignKey("people.id")),
    )
    sa.Table(
        "orders",
        meta,
        column("id", whole, primary_key=True),
        column("deliver_to", words),
        column("person", whole, sa.ForeignKey("people.id")),
    )
    sa.Table(
        "lines",
        meta,
        column("id", whole, primary_key=True),
        column("what", words),
        column("order_id", whole, sa.ForeignKey("orders.id", ondelete="CASCADE"), nullable=False),
    )
    sa.Table(
        "invoices",
        meta,
        column("id", whole, primary_key=True),
        column("day", words),
        column("person", whole, sa.ForeignKey("people.id")),
    )
    sa.Table(
        "notes",
        meta,
        column("id", whole, primary_key=True),
        column("note", words, nullable=False),
        column("code", sa.String(40), nullable=False, unique=True),
        column("person", whole, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    )
    sa.Table(
        "marks", meta, column("person", whole), column("mark", words), column("at", sa.DateTime)
    )
    sa.Table(  # not in the data map
        "sessions",
        meta,
        column("id", whole, primary_key=True),
        column("person", whole, sa.ForeignKey("people.id", ondelete="CASCADE")),
    )
    sa.Table(
        "clicks",
        meta,
        column("id", whole, primary_key=True),
        column("session", whole, sa.ForeignKey("sessions.id", ondelete="SET NULL")),
    )
    return meta


class Register:
    """The small register: filled, searched, planned and acted on."""

    def __init__(self, url: str, map_text: str = SHOP) -> None:
        self.url, self.meta = url, tables()
        self.engine = sa.create_engine(url)
        self.meta.create_all(self.engine)
        datamap = DataMap.model_validate(tomllib.loads(map_text))
        source = opened(datamap, {"shop": url}).get("shop")
        assert isinstance(source, SqlSource)
        self.source = source

    def add(self, table: str, **values: object) -> None:
        with self.engine.begin() as connection:
            connection.execute(self.meta.tables[table].insert().values(**values))

    def rows(self, table: str) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            found = connection.execute(sa.select(self.meta.tables[table]))
            return sorted((dict(row._mapping) for row in found), key=repr)

    def run(self, statement: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.text(statement))

    def plan(self, right: Label = Label.ERASURE, email: str = "ola@x.no") -> list[Action]:
        findings = self.source.find(subject(email=email)).findings
        actions = self.source.actions(right, findings)
        return [
            replace(
                action,
                number=number,
                fingerprint=fingerprint(CASE_KEY, action.before, action.volatile),
            )
            for number, action in enumerate(actions, start=1)
        ]

    def apply(self, actions: Sequence[Action]) -> list[str]:
        return [receipt.outcome for receipt in self.source.apply(actions, CASE_KEY)]


@pytest.fixture
def register(new_url: NewUrl) -> Iterator[Register]:
    register = Register(new_url())
    register.add("people", id=1, name="Ola Li", email="ola@x.no", street="Gata 1", seen="a")
    register.add("people", id=2, name="Kari Vik", email="kari@x.no", street="Gata 2", seen="b")
    yield register
    register.source.close()
    register.engine.dispose()


def doings(actions: Sequence[Action]) -> list[tuple[str, str]]:
    return [(action.table, action.do.value) for action in actions]


def test_deleting_goes_from_the_children_up_and_names_every_row(register: Register) -> None:
    register.add("orders", id=10, person=1, deliver_to="Ola Li")
    register.add("lines", id=100, order_id=10, what="Kopp")
    register.add("marks", person=1, mark="x")
    register.add("marks", person=2, mark="x")
    register.add("sessions", id=50, person=1)
    register.add("clicks", id=60, session=50)
    before = register.rows("people")[1], register.rows("marks")[1]
    actions = register.plan()
    assert sorted(doings(actions)) == [
        ("clicks", "blank"), ("lines", "delete"), ("marks", "delete"), ("orders", "replace"),
        ("people", "delete"), ("sessions", "delete"),
    ]  # fmt: skip
    assert register.apply(actions) == ["done"] * 6
    assert (register.rows("people"), register.rows("marks")) == ([before[0]], [before[1]])
    assert register.rows("orders") == [{"id": 10, "deliver_to": "(slettet)", "person": None}]
    assert register.rows("clicks") == [{"id": 60, "session": None}]
    assert register.rows("sessions") == register.rows("lines") == []


def test_done_twice_is_done_once(register: Register) -> None:
    register.add("marks", person=1, mark="x")
    actions = register.plan()
    assert register.apply(actions) == ["done", "done"]
    assert register.apply(actions) == ["already", "already"]


def test_a_record_that_changed_stops_everything(register: Register) -> None:
    register.add("marks", person=1, mark="x")
    actions = register.plan()
    register.run("UPDATE people SET street = 'Gata 99' WHERE id = 1")
    before = register.rows("people"), register.rows("marks")
    with pytest.raises(Stale):
        register.apply(actions)
    assert (register.rows("people"), register.rows("marks")) == before


def test_what_changes_by_itself_is_no_change(register: Register) -> None:
    actions = register.plan()
    register.run("UPDATE people SET seen = 'later' WHERE id = 1")
    assert register.apply(actions) == ["done"]


def test_a_row_that_came_since_is_not_taken_along(register: Register) -> None:
    actions = register.plan()
    register.add("sessions", id=51, person=1)
    with pytest.raises(Stale):
        register.apply(actions)
    assert len(register.rows("people")) == 2
    assert len(register.rows("sessions")) == 1


def test_a_kept_invoice_stays_and_its_person_is_emptied(register: Register) -> None:
    register.add("invoices", id=70, person=1, day="2026-03-15")
    register.add("invoices", id=71, person=1, day="2019-03-15")
    register.add("invoices", id=72, person=1, day="15.13.26")
    actions = register.plan()
    by_id = {(a.table, a.key["id"]): a for a in actions}
    assert by_id["invoices", 70].until == date(2031, 12, 31)
    assert by_id["invoices", 70].rule == "bookkeeping"
    assert by_id["invoices", 71].do is Do.DELETE
    assert (by_id["invoices", 72].do, by_id["invoices", 72].reason) == (Do.KEEP, "unreadable date")
    assert by_id["people", 1].do is Do.BLANK
    register.apply(actions)
    assert [row["id"] for row in register.rows("invoices")] == [70, 72]
    emptied = next(row for row in register.rows("people") if row["id"] == 1)
    assert emptied == {
        "id": 1, "name": None, "email": "", "street": None, "seen": "a", "no_mail": None,
        "friend": None,
    }  # fmt: skip
    assert register.source.find(subject(email="ola@x.no")).findings == ()


def test_a_row_that_others_refer_to_is_emptied(register: Register) -> None:
    register.run("UPDATE people SET friend = 1 WHERE id = 2")
    other = register.rows("people")[1]
    actions = register.plan()
    assert doings(actions) == [("people", "blank")]
    register.apply(actions)
    assert register.rows("people")[1] == other


def test_blanking_obeys_not_null_and_unique(register: Register) -> None:
    register.add("notes", id=30, person=1, note="Ring Ola", code="OLA")
    register.add("notes", id=31, person=1, note="Mer", code="OLA2")
    register.apply(register.plan())
    notes = register.rows("notes")
    assert [row["note"] for row in notes] == ["", ""]
    assert len({row["code"] for row in notes}) == 2
    assert not any("OLA" in row["code"] for row in notes)


def test_a_circle_of_rows_goes_together(register: Register) -> None:
    register.add("people", id=3, name="Ola Li", email="OLA@x.no", friend=1)
    register.run("UPDATE people SET friend = 3 WHERE id = 1")
    assert register.apply(register.plan()) == ["done", "done"]
    assert [row["id"] for row in register.rows("people")] == [2]


def test_equal_rows_without_a_key_are_left_to_a_person(register: Register) -> None:
    for _ in range(2):
        register.add("marks", person=1, mark="x")
    marks = [action for action in register.plan() if action.table == "marks"]
    assert [(a.do, a.reason) for a in marks] == [(Do.MANUAL, "2 equal rows without a key")]


def test_a_row_without_a_key_that_now_has_a_twin_is_not_touched(register: Register) -> None:
    register.add("marks", person=1, mark="x")
    actions = register.plan()
    register.add("marks", person=1, mark="x")
    with pytest.raises(Stale):
        register.apply(actions)
    assert len(register.rows("marks")) == 2


def test_an_objection_sets_what_the_map_says(register: Register) -> None:
    actions = register.plan(Label.OBJECTION)
    assert doings(actions) == [("people", "set")]
    assert register.apply(actions) == ["done"]
    assert register.apply(actions) == ["already"]
    assert [row["no_mail"] for row in register.rows("people")] == [True, None]
    assert register.plan(Label.OBJECTION) == []


def test_a_correction_is_fitted_to_its_column(register: Register) -> None:
    register.add("marks", person=1, mark="x", at=datetime(2026, 1, 2))
    for table, name, value, wrong in (
        ("people", "no_mail", "true", "perhaps"),
        ("people", "street", "Gata 5; DROP TABLE people", None),
        ("marks", "at", "2026-03-04T05:06:07", "i går"),
    ):
        found = next(a for a in register.plan(Label.ACCESS) if a.table == table)
        change = replace(found, do=Do.CORRECT, after={name: value})
        assert register.apply([change]) == ["done"]
        assert register.apply([change]) == ["already"]
        if wrong:
            again = next(a for a in register.plan(Label.ACCESS) if a.table == table)
            with pytest.raises(Permanent) as refused:
                register.apply([replace(again, do=Do.CORRECT, after={name: wrong})])
            assert wrong not in str(refused.value)
    (mine, _) = register.rows("people")
    assert (mine["no_mail"], mine["street"]) == (True, "Gata 5; DROP TABLE people")


def test_access_hands_over_what_is_certain(register: Register) -> None:
    register.add("marks", person=1, mark="x")
    assert doings(register.plan(Label.ACCESS)) == [("marks", "disclose"), ("people", "disclose")]
    assert register.plan(Label.RECTIFICATION) == []


SAYS_NO = {
    "sqlite": (
        "CREATE TRIGGER no BEFORE DELETE ON people BEGIN SELECT RAISE(ABORT, 'Ola Li'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION no() RETURNS trigger AS "
        "$$ BEGIN RAISE EXCEPTION 'Ola Li says no'; END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER no BEFORE DELETE ON people FOR EACH ROW EXECUTE FUNCTION no()",
    ),
    "mysql": (
        "CREATE TRIGGER no BEFORE DELETE ON people FOR EACH ROW"
        " SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'Ola Li says no'",
    ),
}
SWALLOWS = {
    "sqlite": ("CREATE TRIGGER soft BEFORE DELETE ON people BEGIN SELECT RAISE(IGNORE); END",),
    "postgresql": (
        "CREATE FUNCTION soft() RETURNS trigger AS $$ BEGIN RETURN NULL; END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER soft BEFORE DELETE ON people FOR EACH ROW EXECUTE FUNCTION soft()",
    ),
    "mysql": (
        "CREATE TRIGGER soft BEFORE UPDATE ON people FOR EACH ROW SET NEW.no_mail = OLD.no_mail",
    ),
}


def test_a_failure_in_the_middle_leaves_nothing_half_done(register: Register) -> None:
    register.add("marks", person=1, mark="x")
    register.add("orders", id=10, person=1, deliver_to="Ola Li")
    actions = register.plan()
    for statement in SAYS_NO[register.engine.dialect.name]:
        register.run(statement)
    before = [register.rows(table) for table in ("people", "marks", "orders")]
    with pytest.raises(Permanent) as failure:
        register.apply(actions)
    assert "Ola" not in str(failure.value)
    assert [register.rows(table) for table in ("people", "marks", "orders")] == before


def test_a_change_that_the_database_swallows_is_noticed(register: Register) -> None:
    dialect = register.engine.dialect.name
    # MySQL's triggers can undo a change of a row, but not its deletion.
    actions = register.plan(Label.OBJECTION if dialect == "mysql" else Label.ERASURE)
    assert [action.changes for action in actions] == [True]
    for statement in SWALLOWS[dialect]:
        register.run(statement)
    before = register.rows("people")
    with pytest.raises((Stale, Permanent)):
        register.apply(actions)
    assert register.rows("people") == before


def test_reading_cannot_write(register: Register) -> None:
    with pytest.raises(sa.exc.SQLAlchemyError), register.source.read.begin() as connection:
        connection.execute(sa.text("DELETE FROM people"))
    assert len(register.rows("people")) == 2


def test_without_write_access_everything_is_a_task_for_staff(register: Register) -> None:
    closed = replace_write(register.source)
    findings = closed.find(subject(email="ola@x.no")).findings
    assert [f.treatment.reason for f in findings] == ["no write access here"]
    actions = closed.actions(Label.ERASURE, findings)
    assert [action.do for action in actions] == [Do.MANUAL]
    with pytest.raises(Permanent):
        closed.apply(actions, CASE_KEY)


def replace_write(source: SqlSource) -> SqlSource:
    return SqlSource(source.database, source.datamap, source.read, None, lambda: TODAY)


def test_every_mismatch_is_told_at_once(new_url: NewUrl) -> None:
    wrong = SHOP.replace('"email"]', '"e_mail"]').replace("year_end(day)", "year_end(dag)")
    wrong = wrong.replace('name = "lines"', 'name = "linjer"').replace("no_mail", "nomail")
    register = Register(new_url(), wrong)
    with pytest.raises(ConfigError) as fault:
        register.source.check()
    told = str(fault.value)
    for part in ("'e_mail'", "'dag'", "table linjer", "'nomail'"):
        assert part in told
    result = register.source.find(subject(email="ola@x.no"))
    assert {"linjer: no such table", "people: no column e_mail, nomail"} <= {
        part.why for part in result.not_searched
    }


def test_a_right_map_passes_and_names_what_it_leaves_out(register: Register) -> None:
    warnings = register.source.check()
    assert any("sessions is not in the data map" in text for text in warnings)
    assert any("marks has no primary key" in text for text in warnings)
    unsearched = register.source.find(subject(email="ola@x.no")).not_searched
    assert [part.why for part in unsearched] == ["tables not in the data map: clicks, sessions"]


def test_a_locked_record_is_for_later(postgresql: str) -> None:
    register = Register(fresh_database(postgresql))
    register.add("people", id=1, name="Ola Li", email="ola@x.no")
    actions = register.plan()
    write = register.source.write
    assert write is not None

    @sa.event.listens_for(write, "begin")
    def _impatient(connection: sa.Connection) -> None:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '100ms'")

    with register.engine.begin() as holder:
        holder.execute(sa.text("SELECT * FROM people WHERE id = 1 FOR UPDATE"))
        with pytest.raises(Transient):
            register.apply(actions)
    assert register.apply(actions) == ["done"]


def test_a_slow_statement_is_given_up(postgresql: str) -> None:
    engine = read_engine(sa.make_url(postgresql), 1, "slow")
    with (
        pytest.raises(Transient, match="longer than its time limit"),
        translated("slow", "reading"),
        engine.connect() as connection,
    ):
        connection.execute(sa.text("SELECT pg_sleep(20)"))


def test_schemas_keys_and_types_of_postgresql(postgresql: str) -> None:
    """Another schema, a key of two columns, an array, an enum, an IP address, a small number."""
    url = fresh_database(postgresql)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in (
            "CREATE SCHEMA arkiv",
            "CREATE TYPE mood AS ENUM ('glad', 'sur')",
            "CREATE TABLE arkiv.folk (land char(4), nr smallint, epost varchar(80), tags text[],"
            " mood mood, ip inet, skjema jsonb, PRIMARY KEY (land, nr))",
            "CREATE TABLE brev (id uuid PRIMARY KEY, land char(4), nr smallint,"
            " FOREIGN KEY (land, nr) REFERENCES arkiv.folk (land, nr))",
            "INSERT INTO arkiv.folk VALUES ('NO', 1, 'Ola@x.no', '{a,b}', 'sur', '10.0.0.1',"
            " '{\"b\": 1, \"a\": \"ø\"}'), ('NO', 2, 'kari@x.no', NULL, NULL, NULL, NULL)",
            "INSERT INTO brev VALUES ('00000000-0000-4000-8000-0000000000AB', 'NO', 1),"
            " ('00000000-0000-4000-8000-0000000000AC', 'NO', 2)",
        ):
            connection.execute(sa.text(statement))
    datamap = DataMap.model_validate(
        tomllib.loads(
            """
            [[database]]
            name = "crm"
            read_url = "x"
            schema = "public"
            [[database.table]]
            name = "arkiv.folk"
            is = "person"
            identify = { email = ["epost"], user_id = ["nr"] }
            read = { skjema = "json" }
            [[database.table]]
            name = "brev"
            """
        )
    )
    source = opened(datamap, {"crm": url}).get("crm")
    assert source.check() == []
    found = source.find(subject(email="ola@x.no", user_id="999999999")).findings
    assert [f.table for f in found] == ["brev", "arkiv.folk"]
    planned = source.actions(Label.ERASURE, found)
    signed = [
        replace(a, number=n, fingerprint=fingerprint(CASE_KEY, a.before, a.volatile))
        for n, a in enumerate(planned, start=1)
    ]
    assert [r.outcome for r in source.apply(signed, CASE_KEY)] == ["done", "done"]
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM arkiv.folk")) == 1
        assert connection.scalar(sa.text("SELECT count(*) FROM brev")) == 1


def test_a_missing_database_file_is_not_created(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.db"
    datamap = DataMap.model_validate(tomllib.loads(SHOP))
    sources = opened(datamap, {"shop": f"sqlite:///{path}"})
    result = sources.find(subject(email="ola@x.no"))
    assert (result.findings, result.searched) == ((), ())
    assert "cannot be opened" in result.not_searched[0].why
    assert not path.exists()
