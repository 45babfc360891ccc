"""The store on SQLite: the folder, the lock, the migrations, what is left on the disk."""

import os
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from mailbot.case import Case
from mailbot.errors import ConfigError, Permanent, Transient
from mailbot.ports import Fetched, MailRef
from mailbot.store import SqlStore, open_store, schema

ROOT = Path(__file__).parents[2]
KEY = bytes(range(32))
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Stopped:
    def now(self) -> datetime:
        return START


@pytest.fixture
def state(tmp_path):
    return tmp_path / "var" / "state"


@pytest.fixture
def store(state):
    made = open_store("", state, KEY, Stopped())
    yield made
    made.close()


def a_mail(raw: bytes, name: str = "1") -> Fetched:
    return Fetched(ref=MailRef(mailbox="support", folder="INBOX", id=name), raw=raw, arrived=START)


def test_nobody_else_can_read_the_store(state, store):
    with store.begin() as tx:
        tx.take_in(a_mail(b"x"))
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in state.iterdir()}
    assert {"mailbot.db", "mailbot.db-wal", "mailbot.lock"} <= modes.keys()
    assert set(modes.values()) == {0o600}


def test_a_store_that_others_could_read_is_closed_to_them(state, store):
    store.close()
    (state / "mailbot.db").chmod(0o644)
    open_store("", state, KEY, Stopped()).close()
    assert stat.S_IMODE((state / "mailbot.db").stat().st_mode) == 0o600


def test_a_second_process_is_refused_in_one_sentence(state, store):
    script = (
        "import sys; from pathlib import Path; from datetime import *\n"
        "from mailbot.errors import MailbotError\n"
        "from mailbot.store import open_store\n"
        "try: open_store('', Path( sys.argv[1]), bytes(range(32)), None)\n"
        "except MailbotError as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(state)],
        capture_output=True, text=True, timeout=60, check=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout == (
        f"Transient Another mailbot (process {os.getpid()}) is using this state folder; "
        "stop it first, or give this one a state folder of its own.\n"
    )


def test_the_lock_ends_when_the_store_is_closed_or_could_not_be_opened(state, store):
    store.close()
    with pytest.raises(ConfigError):
        open_store("", state, bytes(32), Stopped())
    open_store("", state, KEY, Stopped()).close()


@pytest.mark.parametrize("url", ["sqlite:///x.db", "mysql://db/x", "not a url", "nonsense://x"])
def test_another_kind_of_store_is_refused_without_quoting_its_password(url, state):
    with pytest.raises(ConfigError) as told:
        open_store(url, state, KEY, Stopped())
    assert url not in str(told.value)
    assert not state.exists()


def test_a_state_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Permanent):
        open_store("", tmp_path / "file" / "state", KEY, Stopped())


def test_a_file_that_is_no_database_is_told(state):
    state.mkdir(parents=True)
    (state / "mailbot.db").write_bytes(b"something else entirely" * 100)
    with pytest.raises(Permanent):
        open_store("", state, KEY, Stopped())


def test_the_database_is_set_up_to_lose_nothing_and_to_forget(store):
    with store.reading() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


def test_the_migrations_make_exactly_the_tables_of_the_schema(state, store):
    engine = create_engine(f"sqlite:///{state}/mailbot.db")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    engine.dispose()


def test_alembic_is_not_imported_to_open_a_store_of_the_newest_version(state, store):
    store.close()
    script = (
        "import sys; from pathlib import Path; from mailbot.store import open_store\n"
        "open_store('', Path( sys.argv[1]), bytes(range(32)), None).close()\n"
        "assert 'alembic' not in sys.modules"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(state)],
        check=True, timeout=60, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def kept_bytes(state: Path, table: str, column: str) -> list[bytes]:
    connection = sqlite3.connect(state / "mailbot.db")
    found = [row[0] for row in connection.execute(f"SELECT {column} FROM {table}")]
    connection.close()
    return found


def bytes_on_disk(state: Path) -> bytes:
    return b"".join(path.read_bytes() for path in state.iterdir())


def test_the_key_and_the_bytes_of_a_mail_left_alone_are_gone_from_the_disk(state, store):
    with store.begin() as tx:
        mail_id = tx.take_in(a_mail(b"private" * 5000))
    (sealed,) = kept_bytes(state, "raws", "sealed")
    (wrapped,) = [
        key for key in kept_bytes(state, "keys", "wrapped") if key not in kept_store_key(state)
    ]
    assert wrapped in bytes_on_disk(state)
    with store.begin() as tx:
        tx.settle_mail(mail_id, "left", "ordinary-mail")
    left = bytes_on_disk(state)
    assert wrapped not in left
    assert not [
        sealed[at : at + 64] for at in range(0, 30_000, 500) if sealed[at : at + 64] in left
    ]


def kept_store_key(state: Path) -> list[bytes]:
    connection = sqlite3.connect(state / "mailbot.db")
    found = connection.execute("SELECT wrapped FROM keys WHERE id = 'store'").fetchone()
    connection.close()
    return list(found)


def test_a_reader_in_the_way_only_delays_the_forgetting(state, store):
    with store.begin() as tx:
        mail_id = tx.take_in(a_mail(b"private"))
    (wrapped,) = [
        key for key in kept_bytes(state, "keys", "wrapped") if key not in kept_store_key(state)
    ]
    reader = sqlite3.connect(state / "mailbot.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM keys").fetchone()
    with store.begin() as tx:
        tx.settle_mail(mail_id, "left", "ordinary-mail")
    reader.close()
    with store.begin() as tx:
        tx.set_cursor("support", "INBOX", "1")
    assert wrapped not in bytes_on_disk(state)


def test_errors_of_the_callers_own_block_are_left_as_they_are(store):
    def fail() -> None:
        with store.begin():
            raise sqlite3.OperationalError("another database")

    with pytest.raises(sqlite3.OperationalError, match="another database"):
        fail()


def test_a_writer_that_another_process_keeps_waiting_fails_as_transient(state):
    store = open_store("", state, KEY, Stopped(), busy_seconds=0.05)
    other = sqlite3.connect(state / "mailbot.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Transient), store.begin():
        pass  # pragma: no cover
    other.close()
    with store.begin() as tx:
        tx.set_cursor("support", "INBOX", "1")
    store.close()


def test_times_are_kept_to_the_microsecond_and_in_utc(store):
    received = datetime(2026, 3, 2, 8, 0, 0, 1, tzinfo=UTC) + timedelta(hours=2)
    with store.begin() as tx:
        tx.open_case(Case(id="c", number="n", mailbox="m", received=received, language="nb"), None)
    assert store.case("c").received == received


def test_many_threads_read_and_write_at_once(store: SqlStore):
    def work(name: str) -> None:
        for n in range(40):
            with store.begin() as tx:
                tx.set_cursor("support", name, str(n))
            assert store.cursor("support", name) == str(n)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, "abcdefgh"))
