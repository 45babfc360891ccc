"""Something fails in the middle of execution, on the real servers: nothing is half-done.

A trigger, a foreign key, a lock, a full disk and a lost connection.
"""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from mailbot.case import Label
from mailbot.datamap import DataMap
from mailbot.errors import Permanent, Stale, Transient
from mailbot.plan import Action
from mailbot.ports import Source
from mailbot.sources import open_sources
from mailbot.steps.propose import numbered
from tests.estate.small import person
from tests.servers import databases
from tests.stories.register import MAP, METADATA, build, changed

KEY = bytes(range(32))
KARI = "kari.vik@fjord.example"
THEIRS = {("kontakter", 1), ("ordrer", 1), ("ordrelinjer", 1), ("nyhetsbrev", 1)}


class Bench:
    """One database, the plan of an erasure, and hands to break things with."""

    def __init__(self, kind: str, url: str) -> None:
        import tomllib

        self.kind, self.url = kind, url
        self.engine = sa.create_engine(url)
        text = MAP.format(url=url).replace(
            "backup_days = 30", "backup_days = 30\nstatement_timeout_s = 2"
        )
        datamap = DataMap.model_validate(tomllib.loads(text))
        sources = open_sources(
            datamap, {}, lambda *_: None, lambda address: address, lambda: date(2026, 11, 29)
        )
        self.source: Source = sources.get("crm")
        found = sources.find(person(email=KARI)).findings
        self.plan: tuple[Action, ...] = numbered(self.source.actions(Label.ERASURE, found), KEY)
        self.before = self.dump()

    def dump(self) -> dict[str, dict[int, tuple[object, ...]]]:
        with self.engine.connect() as db:
            return {
                name: {row[0]: tuple(row) for row in db.execute(sa.select(table))}
                for name, table in METADATA.tables.items()
            }

    def run(self, *statements: str) -> None:
        with self.engine.begin() as db:
            for one in statements:
                db.exec_driver_sql(one)

    def raising(self, table: str, what: str, code: str = "") -> Callable[[], None]:
        """A trigger that fails when a row of a table goes; returns what removes it."""
        if self.kind == "postgresql":
            using = f" USING ERRCODE = '{code}'" if code else ""
            body = what or f"RAISE EXCEPTION 'no'{using}"
            self.run(
                "CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS"
                f" $$ BEGIN {body}; RETURN OLD; END $$",
                f"CREATE TRIGGER fails BEFORE DELETE ON {table} FOR EACH ROW"
                " EXECUTE FUNCTION fails()",
            )
            return lambda: self.run(f"DROP TRIGGER fails ON {table}", "DROP FUNCTION fails()")
        if self.kind == "mariadb":
            number = f", MYSQL_ERRNO = {code}" if code else ""
            self.run(
                f"CREATE TRIGGER fails BEFORE DELETE ON {table} FOR EACH ROW"
                f" SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'{number}"
            )
        else:
            self.run(
                f"CREATE TRIGGER fails BEFORE DELETE ON {table} BEGIN"
                " SELECT RAISE(ABORT, 'no'); END"
            )
        return lambda: self.run("DROP TRIGGER fails")


@pytest.fixture(scope="module", params=databases.ENGINES)
def new_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Callable[[], str]]]:
    with databases.engine(request.param, tmp_path_factory.mktemp("db")) as new:
        yield request.param, new


@pytest.fixture
def bench(new_url: tuple[str, Callable[[], str]], tmp_path: Path) -> Iterator[Bench]:
    kind, new = new_url
    url = new()
    build(url)
    made = Bench(kind, url)
    yield made
    made.engine.dispose()


def goes_on(bench: Bench) -> None:
    """After the fault is mended the same plan is carried out, and a second time changes nothing."""
    receipts = bench.source.apply(bench.plan, KEY)
    assert {receipt.number for receipt in receipts} == {action.number for action in bench.plan}
    assert changed(bench.before, bench.dump()) == THEIRS
    after = bench.dump()
    again = bench.source.apply(bench.plan, KEY)
    assert {receipt.outcome for receipt in again} == {"already"}
    assert bench.dump() == after


@pytest.mark.parametrize("table", ["ordrelinjer", "ordrer", "nyhetsbrev"])
def test_a_trigger_that_fails_leaves_everything_as_it_was(bench: Bench, table: str):
    mend = bench.raising(table, "")
    with pytest.raises((Permanent, Transient)):
        bench.source.apply(bench.plan, KEY)
    assert bench.dump() == bench.before
    mend()
    goes_on(bench)


def test_a_full_disk_may_pass_and_leaves_everything_as_it_was(bench: Bench):
    if bench.kind == "sqlite":
        # The file may not grow any more, and a trigger needs room.
        bench.run(
            "CREATE TABLE fyll (b BLOB)",
            "CREATE TRIGGER fails BEFORE DELETE ON ordrer BEGIN"
            " INSERT INTO fyll VALUES (zeroblob(900000)); END",
        )
        engine = bench.source.write  # type: ignore[attr-defined]  # a database has one
        engine.dispose()
        bound = lambda connection, _: connection.execute("PRAGMA max_page_count = 1")  # noqa: E731
        sa.event.listen(engine, "connect", bound)
    else:
        mend = bench.raising("ordrer", "", "53100" if bench.kind == "postgresql" else "1021")
    with pytest.raises(Transient):
        bench.source.apply(bench.plan, KEY)
    assert bench.dump() == bench.before
    if bench.kind == "sqlite":
        sa.event.remove(engine, "connect", bound)
        engine.dispose()
        bench.run("DROP TRIGGER fails")
    else:
        mend()
    goes_on(bench)


def test_a_foreign_key_that_came_since_is_not_broken(bench: Bench):
    bench.run(
        "CREATE TABLE klager (id integer PRIMARY KEY, ordre_id integer REFERENCES ordrer (id))"
        if bench.kind != "mariadb"
        else "CREATE TABLE klager (id int PRIMARY KEY, ordre_id int, FOREIGN KEY (ordre_id)"
        " REFERENCES ordrer (id))",
        "INSERT INTO klager VALUES (1, 1)",
    )
    with pytest.raises((Stale, Permanent)):
        bench.source.apply(bench.plan, KEY)
    assert bench.dump() == bench.before
    bench.run("DROP TABLE klager")
    goes_on(bench)


def test_a_lock_that_somebody_holds_is_waited_for_and_then_given_up(bench: Bench):
    if bench.kind == "sqlite":
        holder = sa.create_engine(bench.url).connect()
        holder.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        holder = bench.engine.connect()
        holder.begin()
        holder.exec_driver_sql("SELECT id FROM ordrer WHERE id = 1 FOR UPDATE")
    with pytest.raises(Transient):
        bench.source.apply(bench.plan, KEY)
    holder.rollback()
    holder.close()
    assert bench.dump() == bench.before
    goes_on(bench)


def test_a_connection_lost_in_the_middle_leaves_everything_as_it_was(bench: Bench):
    if bench.kind != "postgresql":
        # Where a trigger cannot end its own session: the connection is ended between statements.
        source = bench.source
        engine = source.write  # type: ignore[attr-defined]  # a database has one
        seen = 0

        def lose(connection, cursor, statement, *_):  # noqa: ANN001, ANN002, ANN202
            nonlocal seen
            seen += statement.lstrip().upper().startswith(("DELETE", "UPDATE"))
            if seen == 2:
                connection.connection.dbapi_connection.close()

        sa.event.listen(engine, "before_cursor_execute", lose)
        with pytest.raises((Transient, Permanent)):
            source.apply(bench.plan, KEY)
        sa.event.remove(engine, "before_cursor_execute", lose)
    else:
        mend = bench.raising("ordrer", "PERFORM pg_terminate_backend(pg_backend_pid())")
        with pytest.raises(Transient):
            bench.source.apply(bench.plan, KEY)
        mend()
    assert bench.dump() == bench.before
    goes_on(bench)
