"""What is peculiar to MySQL and MariaDB: collations, modes, types, databases as schemas."""

import pymysql
import pytest
import sqlalchemy as sa

from mailbot.case import Label
from mailbot.errors import Stale, Transient
from mailbot.plan import Do
from mailbot.sources.engines import read_engine, translated, write_engine
from tests.estate.shop import OLA, PEOPLE, Shop, did, signed
from tests.servers.mariadb import fresh_database

SOUND = "CREATE TABLE people (id integer PRIMARY KEY, name text, email text)"
OLA_AND_KARI = "INSERT INTO people VALUES (1, 'Ola Li', 'ola@x.no'), (2, 'Kari Vik', 'kari@x.no')"


def test_a_slow_statement_is_given_up(mariadb: str) -> None:
    engine = read_engine(sa.make_url(mariadb), 1, "slow")
    with (
        pytest.raises(Transient, match="longer than its time limit"),
        translated("slow", "reading"),
        engine.connect() as connection,
    ):
        connection.execute(sa.text("SELECT SLEEP(20)"))
    engine.dispose()


def test_a_locked_record_is_for_later(mariadb: str) -> None:
    shop = Shop(fresh_database(mariadb), PEOPLE, SOUND, OLA_AND_KARI)
    actions = shop.plan()
    write = shop.source.write
    assert write is not None

    @sa.event.listens_for(write, "begin")
    def _impatient(connection: sa.Connection) -> None:
        connection.exec_driver_sql("SET SESSION innodb_lock_wait_timeout = 1")

    with shop.engine.begin() as holder:
        holder.exec_driver_sql("SELECT * FROM people WHERE id = 1 FOR UPDATE")
        with pytest.raises(Transient, match="somebody else holds a lock"):
            shop.apply(actions)
    assert shop.apply(actions) == ["done"]


def test_a_transaction_for_reading_changes_nothing_whatever_the_statement(mariadb: str) -> None:
    url = fresh_database(mariadb)
    shop = Shop(url, PEOPLE, SOUND, OLA_AND_KARI)
    engine = read_engine(sa.make_url(url), 5, "shop")
    for statement in ("DELETE FROM people", "DROP TABLE people", "TRUNCATE people"):
        with pytest.raises(sa.exc.SQLAlchemyError), engine.connect() as connection:
            connection.exec_driver_sql(statement)
    assert len(shop.rows("SELECT * FROM people")) == 2
    engine.dispose()


@pytest.mark.parametrize("charset", ["utf8mb4", "latin1"])
def test_references_go_by_the_collation_of_the_database(mariadb: str, charset: str) -> None:
    """A foreign key from OLÉ to olé holds there, and a deletion would reach it."""
    shop = Shop(
        fresh_database(mariadb, charset),
        PEOPLE + '[[database.table]]\nname = "orders"\n',
        "CREATE TABLE people (id varchar(20) PRIMARY KEY, name text, email text)",
        "CREATE TABLE orders (nr integer PRIMARY KEY, person varchar(20) REFERENCES people (id))",
        "CREATE TABLE visits (nr integer PRIMARY KEY,"
        " person varchar(20) REFERENCES people (id) ON DELETE CASCADE)",
        "INSERT INTO people VALUES ('olé', 'Ola Li', 'Ola@X.no'), ('kåre', 'Kåre', 'k@x.no')",
        "INSERT INTO orders VALUES (1, 'OLÉ'), (2, 'Kåre'), (3, 'Olé')",
        "INSERT INTO visits VALUES (1, 'OLE'), (2, 'KÅRE')",
    )
    actions = shop.plan()
    assert did(actions) == [
        ("orders", "delete"), ("orders", "delete"), ("people", "delete"), ("visits", "delete"),
    ]  # fmt: skip
    assert shop.apply(actions) == ["done"] * 4
    assert shop.rows("SELECT nr FROM orders") == [(2,)]
    assert shop.rows("SELECT nr FROM visits") == [(2,)]


def test_rows_without_a_key_that_differ_in_case_or_spaces_are_two_rows(mariadb: str) -> None:
    shop = Shop(
        fresh_database(mariadb),
        """
        [[database.table]]
        name = "marks"
        identify = { email = ["email"] }
        """,
        "CREATE TABLE marks (email varchar(80), word varchar(20))",
        "INSERT INTO marks VALUES ('ola@x.no', 'abc'), ('OLA@x.no', 'abc'), ('ola@x.no', 'Abc'),"
        " ('ola@x.no', 'abc '), ('kari@x.no', 'abc')",
    )
    one, *rest = sorted(shop.plan(), key=lambda a: repr(a.key))
    assert shop.apply([one]) == ["done"]
    left = shop.rows("SELECT email, word FROM marks")
    assert len(left) == 4
    assert (one.before["email"], one.before["word"]) not in left
    assert shop.apply(rest) == ["done"] * 3
    assert shop.rows("SELECT email FROM marks") == [("kari@x.no",)]


def test_modes_of_the_server_change_nothing(mariadb: str) -> None:
    """ANSI quotes, backslashes that escape nothing, and values cut to fit, set for all sessions."""
    root = sa.make_url(mariadb)
    connection = pymysql.connect(
        host=root.host, port=root.port or 0, user=root.username, password=root.password or ""
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@global.sql_mode")
        (usual,) = cursor.fetchone() or ("",)
        cursor.execute("SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'")
    try:
        shop = Shop(
            fresh_database(mariadb),
            PEOPLE
            + 'volatile = []\nset = { objection = { note = "reservert mot alt" } }\n'
            + 'read = { note = "text" }\n',
            'CREATE TABLE people ("id" integer PRIMARY KEY, name text, email text,'
            ' note varchar(9), "order" text)',
            "INSERT INTO people VALUES (1, 'Ola Li', 'ola@x.no', 'a\\b''c\"d', 'x\\'),"
            " (2, 'Kari Vik', 'kari@x.no', NULL, NULL)",
        )
        actions = shop.plan()
        assert shop.find()[0].row["note"] == "a\\b'c\"d"
        assert shop.plan(Label.OBJECTION)[0].after == {"note": "reservert"}
        assert shop.apply(actions) == ["done"]
        assert shop.rows("SELECT id FROM people") == [(2,)]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET GLOBAL sql_mode = %s", (usual,))
        connection.close()


def test_a_word_too_long_for_its_column_is_refused_not_cut(mariadb: str) -> None:
    url = fresh_database(mariadb)
    shop = Shop(url, PEOPLE, "CREATE TABLE t (word varchar(3))")
    engine = write_engine(sa.make_url(url), 5, "shop")
    with pytest.raises(sa.exc.SQLAlchemyError), engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES ('abcd')")
    assert shop.rows("SELECT * FROM t") == []
    engine.dispose()


KINDS = (
    "owes decimal(12,2) NOT NULL, ratio double NOT NULL, rate float NOT NULL,"
    " born datetime(3) NOT NULL, day date NOT NULL, rises time NOT NULL, year_ year NOT NULL,"
    " yes tinyint(1) NOT NULL, bits bit(4) NOT NULL, doc json NOT NULL, oct varbinary(9) NOT NULL,"
    " big blob NOT NULL, mood enum('glad','sur'), many set('b','a'), uid uuid NOT NULL,"
    " pad char(8) NOT NULL, changed timestamp NOT NULL DEFAULT current_timestamp()"
)
VALUES = (
    "12.5, 0.1, 0.1, '1980-01-01 12:00:00.123', '1980-01-01', '36:00:00', 1980, 3, b'1010',"
    " '{\"b\": 1.50}', x'00ff', x'00ff', 'sur', 'a,b', '00000000-0000-4000-8000-0000000000ab',"
    " 'abc', '2026-07-01 12:00:00'"
)
PERSONAL = (
    'personal = { rest = ["owes","ratio","rate","born","day","rises","year_","yes","bits","doc",'
    '"oct","big","mood","many","uid","pad"] }\n'
)


def test_the_fingerprint_of_a_row_is_the_same_for_every_session(mariadb: str) -> None:
    shop = Shop(
        fresh_database(mariadb),
        PEOPLE,
        f"CREATE TABLE people (id integer PRIMARY KEY, name text, email text, {KINDS})",
        f"INSERT INTO people VALUES (1, 'Ola Li', 'ola@x.no', {VALUES})",
    )
    actions = shop.plan()
    connection = pymysql.connect(
        host="127.0.0.1", port=sa.make_url(mariadb).port or 0, user="mailbot", password="pw"
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET GLOBAL time_zone = '-04:00'")
        shop.source = shop.open()
        assert shop.plan()[0].fingerprint == actions[0].fingerprint
        assert shop.apply(actions) == ["done"]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET GLOBAL time_zone = 'SYSTEM'")
        connection.close()


def test_a_change_too_small_to_see_is_a_change(mariadb: str) -> None:
    shop = Shop(
        fresh_database(mariadb),
        PEOPLE,
        "CREATE TABLE people (id integer PRIMARY KEY, name text, email text, n double, t time)",
        "INSERT INTO people VALUES (1, 'Ola Li', 'ola@x.no', 1e-20, '49:00:00')",
    )
    for change in ("n = 2e-20", "t = '25:00:00'"):
        actions = shop.plan()
        shop.run(f"UPDATE people SET {change}")
        with pytest.raises(Stale):
            shop.apply(actions)


def test_emptied_columns_of_any_kind_are_emptied_once(mariadb: str) -> None:
    shop = Shop(
        fresh_database(mariadb),
        PEOPLE + PERSONAL + 'volatile = ["changed"]\n'
        'keep = { columns = ["email"], until = "until", rule = "law" }\n'
        '[retention]\nlaw = { law = "§ 1", reason = { nb = "Plikt" } }\n',
        f"CREATE TABLE people (id integer PRIMARY KEY, name text, email text, until date, {KINDS})",
        f"INSERT INTO people VALUES (1, 'Ola Li', 'ola@x.no', '2090-01-01', {VALUES})",
    )
    actions = shop.plan()
    assert did(actions) == [("people", "keep")]
    assert len(actions[0].after) == 17
    assert shop.apply(actions) == ["done"]
    assert shop.apply(actions) == ["already"]
    (again,) = shop.plan()
    assert (again.do, again.after) == (Do.KEEP, {})


def test_another_database_of_the_server_is_a_schema(mariadb: str) -> None:
    here, there = fresh_database(mariadb), fresh_database(mariadb)
    name = sa.make_url(there).database
    shop = Shop(
        here,
        f"""
        [[database.table]]
        name = "{name}.folk"
        is = "person"
        identify = {{ email = ["epost"] }}
        [[database.table]]
        name = "brev"
        """,
        f"CREATE TABLE {name}.folk (land char(4), nr smallint, epost varchar(80),"
        " PRIMARY KEY (land, nr))",
        "CREATE TABLE brev (id uuid PRIMARY KEY, land char(4), nr smallint,"
        f" FOREIGN KEY (land, nr) REFERENCES {name}.folk (land, nr))",
        f"INSERT INTO {name}.folk VALUES ('NO', 1, 'Ola@x.no'), ('NO', 2, 'kari@x.no')",
        "INSERT INTO brev VALUES ('00000000-0000-4000-8000-0000000000AB', 'NO', 1),"
        " ('00000000-0000-4000-8000-0000000000AC', 'NO', 2)",
    )
    assert shop.source.check() == []
    found = shop.find(OLA)
    assert [f.table for f in found] == ["brev", f"{name}.folk"]
    assert shop.apply(signed(shop.source.actions(Label.ERASURE, found))) == ["done", "done"]
    assert shop.rows(f"SELECT nr FROM {name}.folk") == shop.rows("SELECT nr FROM brev") == [(2,)]
