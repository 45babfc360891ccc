"""Odd schemas and rows that move: exactly the approved rows change, or nothing does."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mailbot.case import Label
from mailbot.errors import MailbotError, Permanent, Stale
from mailbot.plan import Do
from mailbot.record import Certainty
from tests.estate.shop import OLA, PEOPLE, Shop, did, signed
from tests.servers.databases import NewUrl
from tests.servers.postgres import fresh_database

# Keys that are no plain numbers.


def test_keys_of_octets_join_their_children(new_url: NewUrl) -> None:
    url = new_url()
    octets = {"sq": "BLOB", "po": "bytea", "my": "varbinary(16)"}[url[:2]]
    one, two = ("x'00ff10'", "x'00ff11'") if octets != "bytea" else (r"'\x00ff10'", r"'\x00ff11'")
    shop = Shop(
        url,
        PEOPLE + '[[database.table]]\nname = "orders"\n',
        f"CREATE TABLE people (id {octets} PRIMARY KEY, name text, email text)",
        f"CREATE TABLE orders (id {octets} PRIMARY KEY,"
        f" person {octets} REFERENCES people (id) ON DELETE CASCADE)",
        # not in the map, and reached by the database itself
        f"CREATE TABLE sessions (id integer PRIMARY KEY,"
        f" person {octets} REFERENCES people (id) ON DELETE CASCADE)",
        f"INSERT INTO people VALUES ({one}, 'Ola Li', 'ola@x.no'), ({two}, 'Kari', 'kari@x.no')",
        f"INSERT INTO orders VALUES ({one}, {one}), ({two}, {two})",
        f"INSERT INTO sessions VALUES (1, {one}), (2, {two})",
    )
    actions = shop.plan()
    assert did(actions) == [("orders", "delete"), ("people", "delete"), ("sessions", "delete")]
    assert shop.apply(actions) == ["done"] * 3
    assert shop.rows("SELECT id FROM sessions") == [(2,)]
    assert len(shop.rows("SELECT id FROM orders")) == 1


def test_a_key_with_an_empty_column_still_names_one_row(tmp_path: Path) -> None:
    """SQLite alone lets a primary key be NULL: two such rows are two records."""
    (tmp_path / "data.db").touch()
    shop = Shop(
        f"sqlite:///{tmp_path / 'data.db'}",
        PEOPLE,
        "CREATE TABLE people (id text PRIMARY KEY, name text, email text)",
        "INSERT INTO people VALUES (NULL, 'Kari Vik', 'kari@x.no'), (NULL, 'Ola Li', 'ola@x.no'),"
        " (NULL, 'Ola A. Li', 'ola@x.no')",
    )
    actions = shop.plan()
    assert did(actions) == [("people", "delete")] * 2
    assert shop.apply(actions) == ["done"] * 2
    assert shop.apply(actions) == ["already"] * 2
    assert shop.rows("SELECT email FROM people") == [("kari@x.no",)]


# Rows without a key.

MARKS = """
[[database.table]]
name = "marks"
identify = { email = ["email"] }
volatile = ["seen"]
"""


def test_a_row_without_a_key_goes_whatever_its_columns_hold(new_url: NewUrl) -> None:
    url = new_url()
    kinds, more = {
        "sq": ("ratio real, seen text, doc text", ""),
        "po": ("ratio real, seen text, doc json, spot point, page xml", ", '(1,2)', '<a/>'"),
        "my": (
            "ratio float, seen text, doc json, spot point, long_ time, many set('b','a'),"
            " mood enum('glad','sur'), born year, bits bit(5), num double, small tinyint(1)",
            ", point(1, 2), '36:00:00', 'a,b', 'sur', 1980, b'10010', 1e-20, 3",
        ),
    }[url[:2]]
    shop = Shop(
        url,
        MARKS,
        f"CREATE TABLE marks (email varchar(80), {kinds})",
        f"INSERT INTO marks VALUES ('ola@x.no', 0.1, 'a', '{{\"b\": 1.50}}'{more})",
        f"INSERT INTO marks VALUES ('kari@x.no', 0.1, 'a', '{{\"b\": 1.50}}'{more})",
    )
    actions = shop.plan()
    shop.run("UPDATE marks SET seen = 'later' WHERE email = 'ola@x.no'")
    assert shop.apply(actions) == ["done"]
    assert shop.rows("SELECT email FROM marks") == [("kari@x.no",)]
    assert shop.apply(actions) == ["already"]


def test_rows_that_differ_only_where_no_server_compares_are_told_apart_or_left(
    postgresql: str,
) -> None:
    shop = Shop(
        fresh_database(postgresql),
        MARKS.replace('volatile = ["seen"]', ""),
        "CREATE TABLE marks (email text, doc json)",
        """INSERT INTO marks VALUES ('ola@x.no', '{"a": 1}'), ('ola@x.no', '{"a": 2}')""",
    )
    actions = shop.plan()
    assert did(actions) == [("marks", "delete")] * 2
    with pytest.raises(Permanent):
        shop.apply(actions)
    assert len(shop.rows("SELECT doc::text FROM marks")) == 2


def test_old_octets_in_a_text_column_name_their_row(tmp_path: Any) -> None:
    path = tmp_path / "old.db"
    path.touch()
    shop = Shop(
        f"sqlite:///{path}",
        MARKS,
        "CREATE TABLE marks (email text, seen text, town text)",
        "INSERT INTO marks VALUES ('ola@x.no', 'a', CAST(x'54726f6d73f8' AS text))",
        "INSERT INTO marks VALUES ('kari@x.no', 'a', CAST(x'54726f6d73f8' AS text))",
    )
    assert shop.apply(shop.plan()) == ["done"]
    assert shop.rows("SELECT email FROM marks") == [("kari@x.no",)]


# What the database would do on the side.


def test_tables_of_another_schema_that_go_along_are_named(postgresql: str) -> None:
    shop = Shop(
        fresh_database(postgresql),
        PEOPLE,
        "CREATE TABLE people (id integer PRIMARY KEY, name text, email text)",
        "CREATE SCHEMA audit",
        "CREATE TABLE audit.visits (id integer PRIMARY KEY,"
        " person integer REFERENCES people (id) ON DELETE CASCADE)",
        "INSERT INTO people VALUES (1, 'Ola Li', 'ola@x.no'), (2, 'Kari Vik', 'kari@x.no')",
        "INSERT INTO audit.visits VALUES (10, 1), (20, 2)",
    )
    actions = shop.plan()
    assert did(actions) == [("audit.visits", "delete"), ("people", "delete")]
    shop.run("INSERT INTO audit.visits VALUES (11, 1)")
    with pytest.raises(Stale):
        shop.apply(actions)
    assert shop.rows("SELECT id FROM audit.visits") == [(10,), (11,), (20,)]
    assert shop.apply(shop.plan()) == ["done"] * 3
    assert shop.rows("SELECT id FROM audit.visits") == [(20,)]


def test_the_partitions_of_a_table_are_that_table(postgresql: str) -> None:
    shop = Shop(
        fresh_database(postgresql),
        PEOPLE + '[[database.table]]\nname = "orders"\n',
        "CREATE TABLE people (id integer PRIMARY KEY, name text, email text)",
        "CREATE TABLE orders (id integer, year integer, person integer REFERENCES people (id)"
        " ON DELETE CASCADE, PRIMARY KEY (id, year)) PARTITION BY LIST (year)",
        "CREATE TABLE orders_2025 PARTITION OF orders FOR VALUES IN (2025)",
        "CREATE TABLE orders_2026 PARTITION OF orders FOR VALUES IN (2026)",
        "INSERT INTO people VALUES (1, 'Ola Li', 'ola@x.no'), (2, 'Kari Vik', 'kari@x.no')",
        "INSERT INTO orders VALUES (10, 2025, 1), (11, 2026, 1), (12, 2026, 2)",
    )
    actions = shop.plan()
    assert did(actions) == [("orders", "delete"), ("orders", "delete"), ("people", "delete")]
    assert shop.apply(actions) == ["done"] * 3
    assert shop.rows("SELECT id FROM orders") == [(12,)]
    assert not [w for w in shop.source.check() if "orders_2025" in w]


@pytest.mark.parametrize("rule", ["ON UPDATE CASCADE", "ON UPDATE SET NULL", ""])
def test_emptying_what_others_refer_to_changes_nobody_else(new_url: NewUrl, rule: str) -> None:
    shop = Shop(
        new_url(),
        PEOPLE.replace("identify", 'erase = "blank"\nidentify'),
        "CREATE TABLE people (id integer PRIMARY KEY, name text,"
        " email varchar(80) NOT NULL UNIQUE)",
        "CREATE TABLE logins (id integer PRIMARY KEY,"
        f" email varchar(80) REFERENCES people (email) {rule})",
        "INSERT INTO people VALUES (1, 'Ola Li', 'ola@x.no'), (2, 'Kari Vik', 'kari@x.no')",
        "INSERT INTO logins VALUES (1, 'kari@x.no')",
    )
    unhindered = shop.plan()
    assert did(unhindered) == [("people", "blank")]
    shop.run("INSERT INTO logins VALUES (2, 'ola@x.no')")
    hindered = shop.plan()
    assert did(hindered) == [("people", "manual")]
    before = shop.rows("SELECT * FROM people"), shop.rows("SELECT * FROM logins")
    with pytest.raises((Stale, Permanent)):
        shop.apply(unhindered)
    assert (shop.rows("SELECT * FROM people"), shop.rows("SELECT * FROM logins")) == before


def test_what_belongs_by_the_maps_word_alone_is_not_left_behind(new_url: NewUrl) -> None:
    """An old schema without foreign keys: an order that came after the question."""
    shop = Shop(
        new_url(),
        PEOPLE
        + """
        [[database.table]]
        name = "orders"
        join = [{ columns = ["person"], table = "people", to = ["id"] }]
        [[database.table]]
        name = "bills"
        keep = { columns = ["*"], until = "day + 5 years", rule = "law" }
        join = [{ columns = ["person"], table = "people", to = ["id"] }]
        [[database.table]]
        name = "marks"
        erase = "blank"
        personal = { text = ["text"] }
        join = [{ columns = ["person"], table = "people", to = ["id"] }]
        [retention]
        law = { law = "§ 1", reason = { nb = "Plikt" } }
        """,
        "CREATE TABLE people (id integer PRIMARY KEY, name text, email text)",
        "CREATE TABLE orders (id integer PRIMARY KEY, person integer, street text)",
        "CREATE TABLE bills (id integer PRIMARY KEY, person integer, day text)",
        "CREATE TABLE marks (person integer, text text)",
        "INSERT INTO people VALUES (1, 'Ola Li', 'ola@x.no'), (2, 'Kari Vik', 'kari@x.no')",
        "INSERT INTO orders VALUES (10, 1, 'Gata 1'), (20, 2, 'Gata 2')",
        "INSERT INTO bills VALUES (10, 1, '2026-01-01')",
        "INSERT INTO marks VALUES (1, 'Ola')",
    )
    actions = shop.plan()
    shop.run("INSERT INTO orders VALUES (11, 1, 'Gata 1')")
    with pytest.raises(Stale):
        shop.apply(actions)
    assert len(shop.rows("SELECT id FROM people")) == 2
    again = shop.apply(shop.plan())
    assert sorted(again) == ["already", "done", "done", "done", "done"]
    assert shop.rows("SELECT id FROM orders") == [(20,)]
    assert shop.rows("SELECT id FROM bills") == [(10,)]
    assert shop.rows("SELECT person, text FROM marks") == [(1, None)]


# Values that do not read back as they were written.


def test_emptied_columns_of_any_kind_are_emptied_once(postgresql: str) -> None:
    shop = Shop(
        fresh_database(postgresql),
        PEOPLE
        + """
        personal = { rest = ["owes","rate","ratio","born","met","rises","tag","likes","pad"] }
        keep = { columns = ["email"], until = "until", rule = "law" }
        [retention]
        law = { law = "§ 1", reason = { nb = "Plikt" } }
        """,
        "CREATE TABLE people (id integer PRIMARY KEY, name text, email text, until date,"
        " owes numeric(12,2) NOT NULL, rate numeric(20,10) NOT NULL, ratio double precision"
        " NOT NULL, born timestamptz NOT NULL, met timestamp NOT NULL, rises time NOT NULL,"
        " tag uuid NOT NULL, likes jsonb NOT NULL, pad char(8) NOT NULL)",
        "INSERT INTO people VALUES (1, 'Ola Li', 'ola@x.no', '2090-01-01', 12.5, 0.1, 0.5,"
        " '1980-01-01 12:00+01', '2020-01-01', '06:00', '00000000-0000-4000-8000-0000000000ab',"
        " '{\"b\": [1], \"a\": 2}', 'abc')",
    )
    actions = shop.plan()
    assert did(actions) == [("people", "keep")]
    assert shop.apply(actions) == ["done"]
    assert shop.apply(actions) == ["already"]
    (again,) = shop.plan()
    assert (again.do, again.after) == (Do.KEEP, {})


def test_a_right_that_has_been_set_is_not_set_again(postgresql: str) -> None:
    shop = Shop(
        fresh_database(postgresql),
        PEOPLE + 'set = { objection = { stopped = "2026-01-02T03:04:05", level = "1.50" } }',
        "CREATE TABLE people (id integer PRIMARY KEY, name text, email text,"
        " stopped timestamptz, level numeric(8,3))",
        "INSERT INTO people VALUES (1, 'Ola Li', 'ola@x.no', NULL, NULL)",
    )
    assert shop.apply(shop.plan(Label.OBJECTION)) == ["done"]
    assert shop.plan(Label.OBJECTION) == []


def test_the_fingerprint_of_a_row_is_the_same_for_every_session(postgresql: str) -> None:
    """Reader and writer are two users, whose time zone, dates and floats may be set apart."""
    url = fresh_database(postgresql)
    shop = Shop(
        url,
        PEOPLE,
        "CREATE TYPE mood AS ENUM ('glad', 'sur')",
        "CREATE TABLE people (id integer PRIMARY KEY, name text, email text, at timestamptz,"
        " day date, n numeric, f double precision, r real, b bytea, a text[], ts timestamptz[],"
        " m mood, j jsonb, o json, i interval, ip inet, rng tstzrange, u uuid, bits bit(4),"
        " pt point, v tsvector, ts2 timestamp, cash money, days daterange)",
        "INSERT INTO people VALUES (1, 'Ola Li', 'ola@x.no', '2026-07-01 12:00+02', '2026-07-01',"
        " 1.00, 'NaN', 0.1, '\\x00ff', '{b,a}', '{2026-07-01 12:00+02}', 'sur',"
        " '{\"b\": 1.50, \"a\": null}', '{\"b\": 1.50, \"a\": null}', '1 day 02:00', '10.0.0.1',"
        " '[2026-07-01 12:00+02,)', '00000000-0000-4000-8000-0000000000ab', B'1010', '(1,2)',"
        " 'a cat', '2026-07-01 12:00', '12.50', '[2026-07-01,2026-08-01)')",
    )
    actions = shop.plan()
    name = sa.make_url(url).database
    shop.run(
        f"ALTER DATABASE \"{name}\" SET timezone = 'America/Caracas'",
        f"ALTER DATABASE \"{name}\" SET datestyle = 'German'",
        f"ALTER DATABASE \"{name}\" SET intervalstyle = 'sql_standard'",
        f'ALTER DATABASE "{name}" SET extra_float_digits = 0',
        f"ALTER DATABASE \"{name}\" SET bytea_output = 'escape'",
    )
    shop.source = shop.open()
    assert shop.plan()[0].fingerprint == actions[0].fingerprint
    assert shop.apply(actions) == ["done"]


def test_a_number_that_only_looks_different_is_the_same_and_one_that_is_not_is_not(
    new_url: NewUrl,
) -> None:
    shop = Shop(
        new_url(),
        PEOPLE,
        "CREATE TABLE people (id integer PRIMARY KEY, name text, email text, n numeric(10,2))",
        "INSERT INTO people VALUES (1, 'Ola Li', 'ola@x.no', 1.5)",
    )
    actions = shop.plan()
    shop.run("UPDATE people SET n = 1.50")
    shop.source = shop.open()
    assert shop.plan()[0].fingerprint == actions[0].fingerprint
    shop.run("UPDATE people SET n = 1.51")
    with pytest.raises(Stale):
        shop.apply(actions)


def test_days_beyond_the_calendar_do_not_hide_a_table(postgresql: str) -> None:
    """'infinity' is how many schemas write "still valid"; Python's calendar ends in 9999."""
    shop = Shop(
        fresh_database(postgresql),
        PEOPLE,
        "CREATE TABLE people (id integer PRIMARY KEY, name text, email text,"
        " valid timestamptz, until date, since timestamp)",
        "INSERT INTO people VALUES (1, 'Ola Li', 'ola@x.no', 'infinity', 'infinity', '-infinity'),"
        " (2, 'Ola Li', 'OLA@x.no', '12026-01-01', '12026-01-01', '0044-03-15 BC')",
    )
    result = shop.source.find(OLA)
    assert len(result.findings) == 2
    assert result.not_searched == ()
    assert shop.apply(signed(shop.source.actions(Label.ERASURE, result.findings))) == ["done"] * 2


def test_an_odd_moment_keeps_its_record_and_no_other_is_lost(tmp_path: Any) -> None:
    path = tmp_path / "odd.db"
    path.touch()
    shop = Shop(
        f"sqlite:///{path}",
        """
        [[database.table]]
        name = "bills"
        identify = { email = ["email"] }
        keep = { columns = ["*"], until = "year_end(day) + 5 years", rule = "law" }
        [retention]
        law = { law = "§ 1", reason = { nb = "Plikt" } }
        """,
        "CREATE TABLE bills (id integer PRIMARY KEY, email text, day)",
        "INSERT INTO bills VALUES (1, 'ola@x.no', 1709200000000.5), (2, 'ola@x.no', 9e999),"
        " (3, 'ola@x.no', '9999-12-31'), (4, 'ola@x.no', NULL), (5, 'ola@x.no', '2019-13-45'),"
        " (6, 'ola@x.no', 'soon'), (7, 'ola@x.no', -1e300), (8, 'ola@x.no', '2012-01-31'),"
        " (9, 'ola@x.no', '2031-01-31'), (10, 'ola@x.no', x'00ff')",
    )
    result = shop.source.find(OLA)
    assert result.not_searched == ()
    kept = {action.key["id"]: (action.do.value, action.until) for action in shop.plan()}
    assert len(kept) == 10
    assert kept.pop(8) == ("delete", None)
    day = kept.pop(9)[1]
    assert day is not None
    assert day.year == 2036
    assert set(kept.values()) == {("keep", None)}


def test_rights_that_acting_needs_are_checked_beforehand(postgresql: str) -> None:
    """A row is locked before it goes, and PostgreSQL wants UPDATE for that."""
    url = fresh_database(postgresql)
    shop = Shop(
        url,
        PEOPLE,
        "CREATE TABLE people (id integer PRIMARY KEY, name text, email text)",
        "INSERT INTO people VALUES (1, 'Ola Li', 'ola@x.no')",
        "DROP ROLE IF EXISTS half",
        "CREATE ROLE half LOGIN",
        "GRANT SELECT, DELETE ON people TO half",
    )
    shop.url = sa.make_url(url).set(username="half").render_as_string(hide_password=False)
    shop.source = shop.open()
    with pytest.raises(MailbotError, match="may not UPDATE"):
        shop.source.check()
    shop.run("GRANT UPDATE (id) ON people TO half")
    assert shop.source.check() == []
    assert shop.apply(shop.plan()) == ["done"]
    shop.run("DROP OWNED BY half", "DROP ROLE half")


def test_whose_row_it_is_does_not_follow_from_whom_it_names(new_url: NewUrl) -> None:
    """Namesakes, a shared address, a recycled number, a number written as another's text."""
    shop = Shop(
        new_url(),
        """
        [own]
        default_region = "NO"
        [[database.table]]
        name = "people"
        is = "person"
        identify = { email = ["email"], name = ["name"], phone = ["phone"] }
        [[database.table]]
        name = "notes"
        read = { text = "text" }
        """,
        "CREATE TABLE people (id integer PRIMARY KEY, name text, email text, phone text)",
        "CREATE TABLE notes (id integer PRIMARY KEY, text text,"
        " person integer REFERENCES people (id))",
        "INSERT INTO people VALUES (1, 'Ola Li', ' OLA@X.no ', '+47 912 00 001'),"
        " (2, 'Ola Li', 'ola.li@y.no', '912 00 002'), (3, 'Per Å', 'per@x.no', '912 00 001'),"
        " (4, 'Ola Li', NULL, NULL), (5, NULL, 'post@x.no', '91200001')",
        "INSERT INTO notes VALUES (1, 'ring ola@x.no', 2), (2, 'ring ola@x.no', NULL),"
        " (3, 'ola@x.no', 1), (4, 'mail@ola@x.no.evil.example', NULL)",
    )
    certain = [(f.table, f.key["id"]) for f in shop.find() if f.certainty is Certainty.CERTAIN]
    assert sorted(certain) == [("notes", 2), ("notes", 3), ("people", 1)]
