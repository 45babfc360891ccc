"""Random estates and plans: what is outside stays bit for bit; what fails changes nothing."""

import random
import sqlite3
from pathlib import Path

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailbot.case import Label
from mailbot.errors import MailbotError
from mailbot.steps.propose import numbered
from tests.estate.small import person, sources

KEY = bytes(32)
TABLES = ("people", "orders", "lines", "invoices", "notes", "mails")
SCHEMA = """
CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, email TEXT, phone TEXT NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, person INTEGER REFERENCES people (id), to_name TEXT);
CREATE TABLE lines (id INTEGER PRIMARY KEY,
    order_id INTEGER REFERENCES orders (id) ON DELETE CASCADE, text TEXT);
CREATE TABLE invoices (id INTEGER PRIMARY KEY, person INTEGER REFERENCES people (id), day TEXT,
    name TEXT);
CREATE TABLE notes (id INTEGER PRIMARY KEY,
    person INTEGER REFERENCES people (id) ON DELETE SET NULL, note TEXT);
CREATE TABLE mails (id INTEGER PRIMARY KEY, email TEXT, body BLOB);
"""
MAP = """
[retention]
law = {{ law = "x", reason = {{ nb = "y" }} }}
[[database]]
name = "crm"
read_url = "sqlite://"
write_url = "sqlite://"
[[database.table]]
name = "people"
is = "person"
identify = {{ email = ["email"], phone = ["phone"], name = ["name"] }}
erase = "{people}"
keep = {{ columns = ["id"], until = "kept(invoices)", rule = "law" }}
[[database.table]]
name = "orders"
personal = {{ name = ["to_name"] }}
erase = "{orders}"
[[database.table]]
name = "lines"
personal = {{ text = ["text"] }}
[[database.table]]
name = "invoices"
personal = {{ name = ["name"] }}
keep = {{ columns = ["*"], until = "year_end(day) + 5 years", rule = "law" }}
[[database.table]]
name = "notes"
personal = {{ text = ["note"] }}
erase = "{notes}"
[[database.table]]
name = "mails"
identify = {{ email = ["email"] }}
"""
MODES = st.sampled_from(["delete", "blank"])


def script(rng: random.Random, people: int) -> str:
    lines, number = [SCHEMA], 0
    for who in range(1, people + 1):
        phone = f"+479{rng.randrange(10**6, 10**7)}"
        lines.append(
            f"INSERT INTO people VALUES ({who}, 'P{who} Q', 'p{who}@x.example', '{phone}');"
        )
        for _ in range(rng.randrange(3)):
            number += 1
            lines.append(f"INSERT INTO orders VALUES ({number}, {who}, 'P{who} Q');")
            for line in range(rng.randrange(3)):
                key = number * 10 + line
                lines.append(f"INSERT INTO lines VALUES ({key}, {number}, 'til P{who}');")
        for _ in range(rng.randrange(2)):
            number += 1
            day = f"{rng.randrange(2015, 2027)}-03-15"
            lines.append(f"INSERT INTO invoices VALUES ({number}, {who}, '{day}', 'P{who} Q');")
        for _ in range(rng.randrange(2)):
            number += 1
            lines.append(f"INSERT INTO notes VALUES ({number}, {who}, 'ringte');")
        for _ in range(rng.randrange(2)):
            number += 1
            lines.append(f"INSERT INTO mails VALUES ({number}, 'P{who}@X.example', x'00ff');")
    return "\n".join(lines)


def dump(path: Path) -> dict[tuple[str, int], tuple[object, ...]]:
    with sqlite3.connect(path) as db:
        rows = {
            (table, row[0]): row
            for table in TABLES
            for row in db.execute(f"SELECT *, typeof(id) FROM {table}")  # noqa: S608
        }
    db.close()
    return rows


class Broken(RuntimeError):
    """Something failed between two statements."""


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 10**6),
    people=st.integers(2, 5),
    modes=st.tuples(MODES, MODES, MODES),
    fails_at=st.integers(1, 25),
)
def test_only_what_was_approved_changes_and_a_failure_changes_nothing(
    tmp_path: Path, seed: int, people: int, modes: tuple[str, str, str], fails_at: int
):
    text = MAP.format(people=modes[0], orders=modes[1], notes=modes[2])
    opened = sources(tmp_path, text, crm=script(random.Random(seed), people))
    path = tmp_path / "crm.db"
    before = dump(path)
    source = opened.get("crm")
    found = opened.find(person(email="p1@x.example")).findings
    try:
        plan = numbered(source.actions(Label.ERASURE, found), KEY)
    except MailbotError:
        assert dump(path) == before  # no safe plan: nothing was touched
        return
    planned = {(a.table, a.key["id"]): a for a in plan}

    engine = source.write  # type: ignore[attr-defined]  # a database has one
    count = 0

    def fail(*_: object) -> None:
        nonlocal count
        count += 1
        if count == fails_at:
            raise Broken

    sa.event.listen(engine, "before_cursor_execute", fail)
    try:
        receipts = source.apply(plan, KEY)
    except Broken:
        assert dump(path) == before
    sa.event.remove(engine, "before_cursor_execute", fail)
    receipts = source.apply(plan, KEY)
    assert sorted(receipt.number for receipt in receipts) == [action.number for action in plan]

    after = dump(path)
    touched = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert touched <= {key for key, action in planned.items() if action.changes}
    for key, action in planned.items():
        if action.changes:
            assert (key not in after) == (action.do.value == "delete")
    again = source.apply(plan, KEY)
    assert {receipt.outcome for receipt in again} <= {"already"}
    left = opened.find(person(email="p1@x.example")).findings
    assert all(
        planned.get((one.table, one.key["id"])) is not None
        and planned[(one.table, one.key["id"])].do.value != "delete"
        for one in left
        if one.certainty.value == "certain"
    )
    source.close()  # type: ignore[attr-defined]  # a database has one
