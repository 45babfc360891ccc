"""What only several daemons on one PostgreSQL can show: claims, lost connections, deadlocks."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from mailbot.errors import Permanent, Transient
from mailbot.store import SqlStore, open_store
from tests.contract.test_store_contract import (
    KEY,
    Place,
    Ticking,
    a_matter,
    eventually,
    fetched,
    opened,
)
from tests.servers.postgres import fresh_database, plain, postgres

NOWHERE = Path("/nonexistent")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
def place(server: str) -> Iterator[Place]:
    made = Place(fresh_database(server), NOWHERE)
    yield made
    for store in made.opened:
        store.close()


def end_sessions_holding_locks(place: Place) -> None:
    """What a restart of the server, or a firewall, does to the connection that holds claims."""
    with psycopg.connect(plain(place.url), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d "
            "ON d.oid = l.database WHERE l.locktype = 'advisory' "
            "AND d.datname = current_database()"
        )


def test_only_one_of_two_daemons_holds_a_case(place):
    first, second = opened(place.open()), place.open()
    with first.claim_case("c1") as held:
        assert held
        with second.claim_case("c1") as also, second.claim_mailbox("support") as mailbox:
            assert not also
            assert mailbox
            with first.claim_mailbox("support") as taken:
                assert not taken
    with second.claim_case("c1") as held:
        assert held


def test_a_claim_ends_with_the_process_that_held_it(place):
    store = opened(place.open())
    child = place.child(
        "with store.claim_case('c1') as held, store.claim_mailbox('support'):\n"
        "    print('ready' if held else 'not held', flush=True); time.sleep(60)\n"
    )
    assert child.stdout.readline() == "ready\n"
    with store.claim_case("c1") as held:
        assert not held
    child.send_signal(signal.SIGKILL)
    child.communicate()

    def claimed() -> bool:
        with store.claim_case("c1") as held, store.claim_mailbox("support") as mailbox:
            if not (held and mailbox):
                raise Transient("not yet")
            return True

    assert eventually(claimed)


def test_a_commit_under_a_lost_claim_fails(place):
    store = opened(place.open())
    with store.claim_case("c1") as held, store.claim_mailbox("support"):
        assert held
        with store.begin() as tx:
            tx.put("c1", "plan", 1)
        end_sessions_holding_locks(place)
        for _ in range(2):
            with pytest.raises(Transient), store.begin() as tx:
                tx.put("c1", "plan", 2)
            with pytest.raises(Transient), store.begin() as tx:
                tx.take_in(fetched(b"one"))
        opened(store, "c2", "2026-0002")  # what was not claimed goes on
    assert store.get("c1", "plan") == 1
    with store.claim_case("c1") as held, store.begin() as tx:
        assert held
        tx.put("c1", "plan", 3)
    assert store.get("c1", "plan") == 3


def test_a_daemon_that_was_overtaken_cannot_write(place):
    first, second = opened(place.open()), place.open()
    with first.claim_case("c1") as held:
        assert held
        end_sessions_holding_locks(place)
        with second.claim_case("c1") as overtaken:
            assert overtaken
            with second.begin() as tx:
                tx.put("c1", "plan", "second")
        # The second is done and gone; the first still believes that it holds the case.
        with pytest.raises(Transient), first.begin() as tx:
            tx.put("c1", "plan", "first")
    assert first.get("c1", "plan") == "second"


def test_a_fence_stops_a_daemon_even_if_its_session_still_answers(place):
    store = opened(place.open())
    with store.claim_case("c1"):
        place.run("UPDATE fences SET fence = fence + 1")
        for _ in range(2):
            with pytest.raises(Transient), store.begin() as tx:
                tx.put("c1", "plan", 1)


def test_claiming_says_so_when_the_connection_broke(place):
    store = opened(place.open())
    with store.claim_case("c1"):
        end_sessions_holding_locks(place)
        with pytest.raises(Transient), store.claim_mailbox("support"):
            pass  # pragma: no cover
        with store.claim_mailbox("support") as held:
            assert held


def test_stores_of_two_keys_in_one_database_would_not_share_claims(place, server):
    first = opened(place.open())
    other = Place(fresh_database(server), NOWHERE)
    second = opened(other.open())
    with first.claim_case("c1") as one, second.claim_case("c1") as two:
        assert one
        assert two
    second.close()


def test_two_daemons_append_to_one_chain_and_number_from_one_counter(place):
    stores = [place.open(), place.open()]
    opened(stores[0])
    opened(stores[0], "c2", "2026-0002")

    def work(turn: int) -> str:
        def once() -> str:
            with stores[turn % 2].begin() as tx:
                # Opposite orders, to provoke what would be a deadlock if the ledger came first.
                cases = ("c1", "c2") if turn % 4 < 2 else ("c2", "c1")
                for case_id in cases:
                    tx.record(case_id, "moved", "r", {"turn": turn})
                    tx.put(case_id, f"turn/{turn}", turn)
                return tx.next_case_number(2026)

        return eventually(once)

    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(work, range(60)))
    assert sorted(numbers) == [f"2026-{n:04d}" for n in range(1, 61)]
    assert stores[1].verify_ledger().entries == 120
    assert stores[0].case("c1").version == 60


def test_entries_of_no_case_queue_for_the_end_of_the_chain(place):
    stores = [place.open(), place.open()]

    def append(turn: int) -> None:
        with stores[turn % 2].begin() as tx:
            tx.record(None, "mail-set-aside", "unreadable", {"turn": turn})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(append, range(80)))
    assert stores[0].verify_ledger().entries == 80


def test_two_daemons_that_open_a_new_store_at_once_make_one(place):
    barrier = threading.Barrier(3)

    def open_at_once(_: int) -> SqlStore:
        barrier.wait(10)
        return place.open()

    with ThreadPoolExecutor(3) as pool:
        stores = list(pool.map(open_at_once, range(3)))
    opened(stores[0])
    assert all(store.case("c1") for store in stores)


def test_a_store_goes_on_after_the_server_cut_every_connection(place):
    store = opened(place.open())

    def cut() -> None:
        with psycopg.connect(plain(place.url), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    def write() -> None:
        with store.begin() as tx:
            tx.put("c1", "plan", 1)
            cut()
            tx.record("c1", "moved", "r", {})

    cut()
    assert store.case("c1") is not None
    with pytest.raises(Transient):
        write()
    assert store.get("c1", "plan") is None
    with store.begin() as tx:
        tx.put("c1", "plan", 2)
    assert store.get("c1", "plan") == 2


def test_a_server_that_is_not_there_is_a_transient_failure():
    with pytest.raises(Transient):
        open_store("postgresql+psycopg://mailbot@127.0.0.1:1/none", NOWHERE, KEY, Ticking())


def test_a_user_without_rights_is_told_permanently(place, server):
    store = opened(place.open())
    with psycopg.connect(plain(place.url), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE looker_{os.getpid()} LOGIN".encode())
    poor = place.url.replace("mailbot@", f"looker_{os.getpid()}@")
    with pytest.raises(Permanent):
        open_store(poor, NOWHERE, KEY, Ticking())
    assert store.matter("m1") == a_matter()
