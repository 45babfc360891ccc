"""What every store promises, on SQLite and on a real PostgreSQL."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, select, text
from sqlalchemy.exc import DBAPIError

from mailbot import ledger
from mailbot.case import Case, Label, Matter, State
from mailbot.errors import ConfigError, Permanent, Stale, Tampered, Transient
from mailbot.ports import Effect, Fetched, KnownMessage, MailRef, Store, Token, Tx
from mailbot.store import SqlStore, SqlTx, open_store
from mailbot.store.schema import metadata
from tests.servers.postgres import fresh_database, postgres

ROOT = Path(__file__).parents[2]
KEY = bytes(range(32))
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MARKER = "Kvæfjord-Marker-7719"
NOTHING: Mapping[str, object] = MappingProxyType({})


class Ticking:
    """A clock that moves on by a second each time it is asked."""

    def __init__(self) -> None:
        self._now = START
        self._guard = threading.Lock()

    def now(self) -> datetime:
        with self._guard:
            self._now += timedelta(seconds=1)
            return self._now


@dataclass
class Place:
    """Where a store lies, and how to get at it past mailbot."""

    url: str
    state: Path
    opened: list[SqlStore] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return "postgres" if self.url else "sqlite"

    def open(self, key: bytes = KEY, *, read_only: bool = False) -> SqlStore:
        store = open_store(self.url, self.state, key, Ticking(), read_only=read_only)
        self.opened.append(store)
        return store

    def past_mailbot(self, work: Callable[[Connection], object]) -> None:
        engine = create_engine(self.url or f"sqlite:///{self.state}/mailbot.db")
        with engine.begin() as connection:
            work(connection)
        engine.dispose()

    def run(self, statement: str, **values: object) -> None:
        self.past_mailbot(lambda connection: connection.execute(text(statement), values))

    def child(self, body: str) -> "subprocess.Popen[str]":
        """Another process with this store open as `store`; it prints `ready` when told to."""
        script = (
            "import sys, time\n"
            "from pathlib import Path\n"
            "from tests.contract.test_store_contract import *\n"
            f"store = open_store({self.url!r}, Path({str(self.state)!r}), KEY, Ticking())\n{body}"
        )
        child = subprocess.Popen(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        return child


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    url = ""
    if request.param == "postgres":
        url = fresh_database(request.getfixturevalue("server"))
    made = Place(url, tmp_path / "state")
    yield made
    for store in made.opened:
        store.close()


@pytest.fixture
def store(place: Place) -> SqlStore:
    return place.open()


def fetched(raw: bytes, name: str = "1", folder: str = "INBOX", at: datetime = START) -> Fetched:
    return Fetched(ref=MailRef(mailbox="support", folder=folder, id=name), raw=raw, arrived=at)


def a_case(name: str = "c1", number: str = "2026-0001") -> Case:
    return Case(id=name, number=number, mailbox="support", received=START, language="nb")


def a_matter(name: str = "m1", case_id: str = "c1") -> Matter:
    return Matter(
        id=name,
        case_id=case_id,
        right=Label.ERASURE,
        state=State.OPENED,
        received=START,
        last_day=date(2026, 4, 2),
        due=START,
        flags=("triage",),
    )


def an_effect(name: str = "e1", **changes: Any) -> Effect:
    effect = Effect(
        id=name,
        case_id="c1",
        matter_id="m1",
        kind="letter",
        plan_version=1,
        payload={"to": MARKER},
    )
    return replace(effect, **changes)


def opened(store: SqlStore, name: str = "c1", number: str = "2026-0001") -> SqlStore:
    """A store with one case and one matter."""
    with store.begin() as tx:
        tx.open_case(a_case(name, number), f"{name}@example.org")
        tx.add_matter(a_matter(f"m{name[1:]}", name))
    return store


def token_hash(name: str = "token") -> str:
    return sha256(name.encode()).hexdigest()


def a_token(approver: str = "kari@example.org") -> Token:
    return Token(case_id="c1", matter_id="m1", plan_version=1, approver=approver, state="live")


def test_it_is_what_the_port_asks_for(store):
    port: Store = store
    with port.begin() as tx:
        written: Tx = tx
        written.set_cursor("support", "INBOX", "1")
    assert port.cursor("support", "INBOX") == "1"


# Mail


def test_a_mail_and_its_cursor_are_one_transaction(store):
    def interrupted() -> None:
        with store.begin() as tx:
            tx.take_in(fetched(b"one"))
            tx.set_cursor("support", "INBOX", "7")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interrupted()
    assert store.new_mails() == []
    assert store.cursor("support", "INBOX") is None

    with store.begin() as tx:
        mail_id = tx.take_in(fetched(b"one"))
        tx.set_cursor("support", "INBOX", "7")
        tx.set_cursor("support", "Junk", "2")
    assert store.raw(mail_id) == b"one"
    assert (store.cursor("support", "INBOX"), store.cursor("support", "Junk")) == ("7", "2")
    with store.begin() as tx:
        tx.set_cursor("support", "INBOX", "8")
    assert store.cursor("support", "INBOX") == "8"


def test_the_same_bytes_are_taken_in_once_and_found_where_they_lie_now(store):
    with store.begin() as tx:
        mail_id = tx.take_in(fetched(b"one", "5:1"))
        assert tx.take_in(fetched(b"one", "6:9", "Archive")) is None
    assert [mail.id for mail in store.new_mails()] == [mail_id]
    assert store.mail(mail_id).ref == MailRef(mailbox="support", folder="Archive", id="6:9")

    with store.begin() as tx:
        tx.settle_mail(mail_id, "left", "ordinary-mail")
    with store.begin() as tx:
        assert tx.take_in(fetched(b"one", "7:1")) is None
    assert store.new_mails() == []


def test_the_same_bytes_in_another_mailbox_are_another_mail(store):
    other = Fetched(ref=MailRef(mailbox="sales", folder="INBOX", id="1"), raw=b"x", arrived=START)
    with store.begin() as tx:
        assert tx.take_in(fetched(b"x")) != tx.take_in(other)
    assert len(store.new_mails()) == 2
    assert [mail.ref.mailbox for mail in store.new_mails("sales")] == ["sales"]


def test_new_mails_come_oldest_first(store):
    with store.begin() as tx:
        for hours in (2, 0, 1):
            tx.take_in(fetched(b"%d" % hours, str(hours), at=START + timedelta(hours=hours)))
    assert [mail.ref.id for mail in store.new_mails("support")] == ["0", "1", "2"]


def test_a_mail_that_is_left_alone_is_forgotten_at_once(store):
    with store.begin() as tx:
        mail_id = tx.take_in(fetched(b"private"))
    with store.begin() as tx:
        tx.settle_mail(mail_id, "left", "ordinary-mail")
    assert store.raw(mail_id) is None
    assert [mail.reason for mail in store.mails(None, "left")] == ["ordinary-mail"]
    with pytest.raises(Stale), store.begin() as tx:
        tx.settle_mail(mail_id, "done", "again")


def test_many_are_taken_in_and_left_as_one_is(store):
    mails = [fetched(b"%d" % number, str(number)) for number in range(7)]
    with store.begin() as tx:
        tx.take_in(mails[2])
        new = tx.take_in_all([*mails, mails[5]])
    assert [mail.ref.id for mail in new] == ["0", "1", "3", "4", "5", "6"]
    assert {mail.id for mail in store.new_mails()} > {mail.id for mail in new}
    ids = [mail.id for mail in new]
    assert list(store.raws(ids, 10_000).values()) == [b"0", b"1", b"3", b"4", b"5", b"6"]
    assert list(store.raws(ids, 80).values()) == [b"0", b"1"]  # sealed, each has 30 octets
    assert list(store.raws(ids[3:], 0).values()) == [b"4"]
    with store.begin() as tx:
        assert tx.take_in_all([replace(mails[0], ref=replace(mails[0].ref, id="9"))]) == []
        tx.leave_all({ids[0]: "ordinary-mail", ids[1]: "report", ids[2]: "ordinary-mail"})
    assert store.mail(ids[0]).ref.id == "9"
    assert sorted(mail.reason for mail in store.mails(None, "left")) == [
        "ordinary-mail", "ordinary-mail", "report"
    ]  # fmt: skip
    assert store.raws(ids[:3], 1000) == {}
    with store.reading() as connection:
        keys = set(connection.scalars(select(metadata.tables["keys"].c.id)))
    assert not keys & {f"mail:{one}" for one in ids[:3]}


def test_of_many_none_is_left_if_one_was_settled_meanwhile(store):
    with store.begin() as tx:
        new = tx.take_in_all([fetched(b"one", "1"), fetched(b"two", "2")])
    with store.begin() as tx:
        tx.settle_mail(new[0].id, "set-aside", "odd")
    with pytest.raises(Stale), store.begin() as tx:
        tx.leave_all({mail.id: "ordinary-mail" for mail in new})
    assert store.raw(new[0].id) == b"one"
    assert store.raw(new[1].id) == b"two"
    with store.begin() as tx:
        tx.leave_all({})


def test_a_mail_left_alone_can_be_taken_in_again_when_a_person_asks(store):
    with store.begin() as tx:
        mail_id = tx.take_in(fetched(b"one"))
        tx.settle_mail(mail_id, "left", "ordinary-mail")
    with store.begin() as tx:
        assert tx.take_in(fetched(b"one"), again=True) == mail_id
        assert tx.take_in(fetched(b"one"), again=True) is None
    assert [mail.id for mail in store.new_mails()] == [mail_id]
    assert store.raw(mail_id) == b"one"


def test_why_a_mail_was_taken_in_is_told_while_it_is_new(store):
    with store.begin() as tx:
        mail_id = tx.take_in(fetched(b"a"))
    with store.begin() as tx:
        assert tx.take_in(fetched(b"a"), again=True, why="marked") is None
    assert [mail.reason for mail in store.new_mails()] == ["marked"]
    assert store.mail_at(MailRef(mailbox="support", folder="INBOX", id="1")).id == mail_id
    assert store.mail_id("support", b"a") == mail_id
    with store.begin() as tx:
        tx.settle_mail(mail_id, "left", "ordinary-mail")
    with store.begin() as tx:
        assert tx.take_in(fetched(b"a", "2"), again=True, why="marked") == mail_id
    assert store.mail(mail_id).reason == "marked"
    assert store.raw(mail_id) == b"a"
    assert store.mail_at(MailRef(mailbox="support", folder="INBOX", id="1")) is None


def test_a_mail_of_a_case_is_kept_under_the_key_of_the_case(store):
    opened(store)
    with store.begin() as tx:
        mail_id = tx.take_in(fetched(b"my request"))
        tx.settle_mail(mail_id, "done", "opened-case", "c1")
    assert store.raw(mail_id) == b"my request"
    assert [mail.id for mail in store.mails("c1")] == [mail_id]
    with store.reading() as connection:
        assert set(connection.scalars(select(metadata.tables["keys"].c.id))) == {"store", "case:c1"}
    with store.begin() as tx:
        tx.change_matter(a_matter(), replace(a_matter(), state=State.CLOSED))
        tx.close_case("c1", START)
        tx.destroy_case_key("c1")
    assert store.raw(mail_id) is None


def test_a_mail_that_was_set_aside_keeps_its_bytes_until_it_is_settled(store):
    with store.begin() as tx:
        mail_id = tx.take_in(fetched(b"odd"))
        tx.settle_mail(mail_id, "set-aside", "unreadable")
    assert store.raw(mail_id) == b"odd"
    assert store.new_mails() == []
    with store.begin() as tx:
        tx.settle_mail(mail_id, "new", "retried")
    assert [mail.id for mail in store.new_mails()] == [mail_id]
    with store.begin() as tx:
        tx.settle_mail(mail_id, "done", "own-mail")
    assert store.raw(mail_id) is None  # done, and of no case: nothing would ever purge it


def test_two_at_once_take_a_mail_in_once(store):
    def take(_: int) -> str | None:
        try:
            with store.begin() as tx:
                return tx.take_in(fetched(b"same"))
        except Stale:
            return None

    with ThreadPoolExecutor(4) as pool:
        taken = [mail_id for mail_id in pool.map(take, range(4)) if mail_id]
    assert len(taken) == 1


# Cases and matters


def test_a_case_is_found_by_every_handle(store):
    opened(store)
    case = a_case()
    assert store.case("c1") == case
    assert store.case_by_number("2026-0001") == case
    assert store.open_case_of("support", " C1@Example.ORG ") == case
    assert store.open_case_of("sales", "c1@example.org") is None
    assert store.open_case_of("support", "c2@example.org") is None
    assert store.case("\ud800") is None
    assert store.case_by_number("2026\0") is None


def test_the_subject_of_a_case_may_become_known_later(store):
    opened(store)
    with store.begin() as tx:
        tx.set_subject("c1", "new@example.org")
    assert store.open_case_of("support", "new@example.org").id == "c1"
    found = store.open_cases_of("support", ("fail c1@example.org", "new@example.org"))
    assert {name: case.id for name, case in found.items()} == {"new@example.org": "c1"}
    assert store.open_cases_of("support", ()) == {}
    assert store.open_case_of("support", "c1@example.org") is None


def test_cases_are_numbered_without_gaps_or_doubles(store):
    def number(turn: int) -> str:
        try:
            with store.begin() as tx:
                taken = tx.next_case_number(2026)
                if turn % 3 == 0:
                    raise ZeroDivisionError
                return taken
        except ZeroDivisionError:
            return ""

    with ThreadPoolExecutor(4) as pool:
        numbers = sorted(filter(None, pool.map(number, range(30))))
    assert numbers == [f"2026-{n:04d}" for n in range(1, 21)]
    with store.begin() as tx:
        assert tx.next_case_number(2027) == "2027-0001"


def test_the_newest_case_comes_first(store):
    opened(store)
    opened(store, "c2", "2026-0002")
    assert [case.id for case in store.cases()] == ["c2", "c1"]


def test_a_closed_case_is_no_longer_open(store):
    opened(store)
    with pytest.raises(Permanent), store.begin() as tx:
        tx.close_case("c1", START)
    with store.begin() as tx:
        tx.change_matter(a_matter(), replace(a_matter(), state=State.CLOSED, due=None))
        tx.close_case("c1", START)
    assert store.case("c1").closed == START
    assert store.open_case_of("support", "c1@example.org") is None
    with pytest.raises(Stale), store.begin() as tx:
        tx.close_case("c1", START)


def test_matters_keep_their_order_and_every_field(store):
    opened(store)
    second = replace(
        a_matter("m0"), right=Label.ACCESS, marketing=True, plan_version=3, note="n", due=None
    )
    with store.begin() as tx:
        tx.add_matter(second)
    assert list(store.matters("c1")) == [a_matter(), second]
    assert store.matter("m0") == second
    assert store.matter("none") is None


def test_a_matter_changes_only_from_what_was_read(store):
    opened(store)
    was = a_matter()
    with store.begin() as tx:
        tx.change_matter(was, replace(was, state=State.CLASSIFIED, note="words"))
    for stale in (was, replace(was, state=State.CLASSIFIED), replace(was, note="words")):
        with pytest.raises(Stale), store.begin() as tx:
            tx.change_matter(stale, replace(was, state=State.CLOSED))
    assert store.matter("m1").state is State.CLASSIFIED


def test_of_many_who_change_a_matter_at_once_one_succeeds(store):
    opened(store)

    def change(turn: int) -> int:
        try:
            with store.begin() as tx:
                tx.change_matter(a_matter(), replace(a_matter(), plan_version=turn))
        except Stale:
            return 0
        return turn

    with ThreadPoolExecutor(4) as pool:
        done = [turn for turn in pool.map(change, range(1, 13)) if turn]
    assert len(done) == 1
    assert store.matter("m1").plan_version == done[0]


def test_what_is_due_comes_earliest_first(store):
    opened(store)
    with store.begin() as tx:
        tx.add_matter(replace(a_matter("m2"), due=START - timedelta(days=1)))
        tx.add_matter(replace(a_matter("m3"), due=START + timedelta(microseconds=1)))
        tx.add_matter(replace(a_matter("m4"), due=None))
    assert [matter.id for matter in store.due_matters(START)] == ["m2", "m1"]
    assert store.next_due() == START - timedelta(days=1)


def test_nothing_is_due_in_an_empty_store(store):
    assert store.next_due() is None
    assert list(store.due_matters(START)) == []


# With a transaction's defaults every second of these is lost, however few there are.
EACH = 200 if os.environ.get("MAILBOT_SOAK") else 50


def test_no_increment_of_four_threads_is_lost(store):
    opened(store)

    def increment(_: int) -> None:
        done = 0
        while done < EACH:
            try:
                with store.begin() as tx:
                    matter = store.matter("m1")
                    assert matter is not None
                    new = replace(matter, plan_version=matter.plan_version + 1)
                    tx.change_matter(matter, new)
                done += 1
            except Stale:
                continue

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(increment, range(4)))
    assert store.matter("m1").plan_version == 4 * EACH
    assert store.case("c1").version == 4 * EACH


# Documents, effects, tokens, messages


def test_documents_are_replaced_by_name(store):
    opened(store)
    with store.begin() as tx:
        tx.put("c1", "plan/1", {"n": 1, "float": 1.0, "odd": "\ud83d \0", "list": [None, True]})
        tx.put("c1", "subject", None)
    assert store.get("c1", "plan/1") == {
        "n": 1,
        "float": 1.0,
        "odd": "\ud83d \0",
        "list": [None, True],
    }
    assert store.get("c1", "subject") is None
    with store.begin() as tx:
        tx.put("c1", "plan/1", [])
    assert store.get("c1", "plan/1") == []
    assert store.get("c1", "none") is None
    assert store.documents("c1") == ["plan/1", "subject"]


def test_a_document_that_json_cannot_hold_is_refused_without_being_quoted(store):
    opened(store)
    for document in (float("nan"), {1: "x"}, object(), datetime(2026, 1, 1)):
        with pytest.raises(Permanent), store.begin() as tx:
            tx.put("c1", "plan/1", {"secret": document})


def test_a_case_key_is_its_own_and_stays_the_same(place, store):
    opened(store)
    opened(store, "c2", "2026-0002")
    key = store.case_key("c1")
    assert len(key) == 32
    assert key != store.case_key("c2")
    store.close()
    assert place.open().case_key("c1") == key


def test_effects_keep_their_order_and_payload(store):
    opened(store)
    with store.begin() as tx:
        tx.intend(an_effect("e2"))
        tx.intend(an_effect("e1", plan_version=2))
        tx.intend(an_effect("e2", payload={"to": "somebody else"}))
    assert [effect.id for effect in store.effects("m1")] == ["e2", "e1"]
    assert [effect.id for effect in store.effects("m1", 2)] == ["e1"]
    kept = store.effect("e2")
    assert kept.payload == {"to": MARKER}
    assert kept.intended_at > START
    assert (kept.status, kept.begun_at, kept.receipt) == ("intended", None, None)
    assert store.effect("none\0") is None


def test_an_effect_goes_from_intent_to_receipt(store):
    opened(store)
    with store.begin() as tx:
        tx.intend(an_effect())
        tx.change_effect("e1", "begun")
    assert store.effect("e1").begun_at is not None
    assert [effect.status for effect in store.open_effects()] == ["begun"]
    with store.begin() as tx:
        tx.change_effect("e1", "done", {"ids": ["a"]})
    assert store.effect("e1").receipt == {"ids": ["a"]}
    assert list(store.open_effects()) == []


@pytest.mark.parametrize(
    ("way", "refused"),
    [
        ([], "done"),
        (["begun"], "begun"),
        (["begun"], "cancelled"),
        (["begun", "done"], "intended"),
        (["begun", "done"], "begun"),
        (["cancelled"], "begun"),
        (["begun", "unknown"], "begun"),
    ],
)
def test_an_effect_that_may_have_happened_is_never_begun_anew(store, way, refused):
    opened(store)
    with store.begin() as tx:
        tx.intend(an_effect())
        for status in way:
            tx.change_effect("e1", status)
    with pytest.raises(Stale), store.begin() as tx:
        tx.change_effect("e1", refused)
    assert store.effect("e1").status == (way[-1] if way else "intended")


@pytest.mark.parametrize("kind", ["mark", "file"])
def test_an_effect_that_is_harmless_twice_needs_no_beginning(store, kind):
    opened(store)
    with store.begin() as tx:
        tx.intend(an_effect(kind=kind))
        tx.change_effect("e1", "done", {})
    assert store.effect("e1").status == "done"


def test_an_effect_may_be_tried_again_after_a_failure(store):
    opened(store)
    with store.begin() as tx:
        tx.intend(an_effect())
        for status in ("begun", "failed", "intended", "begun", "unknown", "intended"):
            tx.change_effect("e1", status)
    assert store.effect("e1").begun_at is None


def test_of_many_who_use_a_token_at_once_one_succeeds(store):
    opened(store)
    with store.begin() as tx:
        tx.issue_token(token_hash(), a_token())
    assert store.token(token_hash()) == a_token()

    def use(_: int) -> bool:
        with store.begin() as tx:
            return tx.use_token(token_hash())

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(use, range(8))) == 1
    assert store.token(token_hash()).state == "used"


def test_a_void_or_unknown_token_cannot_be_used(store):
    opened(store)
    with store.begin() as tx:
        tx.issue_token(token_hash("a"), a_token())
        tx.issue_token(token_hash("b"), a_token("ola@example.org"))
        assert tx.use_token(token_hash("a"))
        tx.void_tokens("m1")
    assert [store.token(token_hash(name)).state for name in "ab"] == ["used", "void"]
    with store.begin() as tx:
        assert not tx.use_token(token_hash("a"))
        assert not tx.use_token(token_hash("b"))
        assert not tx.use_token(token_hash("c"))
    assert store.token(token_hash("c")) is None


def test_a_token_itself_is_never_stored(store):
    opened(store)
    with pytest.raises(Permanent), store.begin() as tx:
        tx.issue_token("5vZ8-the-token-itself", a_token())


def test_messages_are_known_by_their_id(store):
    opened(store)
    question = KnownMessage(
        message_id="<q1@example.org>", case_id="c1", matter_id="m1", plan_version=1, kind="question"
    )
    request = replace(question, message_id="r1@example.org", matter_id="", kind="request")
    with store.begin() as tx:
        for message in (question, request, request):
            tx.know_message(message)
    asked = ["none@example.org", "r1@example.org", "q1@example.org", "\ud800\0"]
    assert list(store.known_messages(asked)) == [
        request,
        replace(question, message_id="q1@example.org"),
    ]
    assert list(store.known_messages([])) == []
    assert list(store.messages("c1")) == [question, request]


UNKNOWN: list[Callable[[SqlTx], object]] = [
    lambda tx: tx.settle_mail("none", "left", "x"),
    lambda tx: tx.settle_mail("none", "lost", "x"),
    lambda tx: tx.add_matter(a_matter("m9", "none")),
    lambda tx: tx.change_matter(a_matter("none"), a_matter("none")),
    lambda tx: tx.change_matter(a_matter(), a_matter("m2")),
    lambda tx: tx.close_case("none", START),
    lambda tx: tx.set_subject("none", None),
    lambda tx: tx.put("none", "plan", {}),
    lambda tx: tx.intend(an_effect(case_id="none")),
    lambda tx: tx.intend(an_effect(matter_id="none")),
    lambda tx: tx.intend(an_effect(status="begun")),
    lambda tx: tx.change_effect("none", "begun"),
    lambda tx: tx.change_effect("none", "lost"),
    lambda tx: tx.issue_token(token_hash(), replace(a_token(), matter_id="none")),
    lambda tx: tx.issue_token(token_hash(), replace(a_token(), state="lost")),
    lambda tx: tx.void_tokens("none"),
    lambda tx: tx.know_message(
        KnownMessage(message_id="a", case_id="none", matter_id="", plan_version=1, kind="x")
    ),
    lambda tx: tx.know_message(
        KnownMessage(message_id="a", case_id="c1", matter_id="none", plan_version=1, kind="x")
    ),
    lambda tx: tx.record("none", "event", "reason", {}),
    lambda tx: tx.record(None, "event\0", "reason", {}),
    lambda tx: tx.destroy_case_key("none"),
    lambda tx: tx.destroy_case_key("c1"),  # not closed
    lambda tx: tx.take_in(fetched(b"x", at=datetime(2026, 1, 1))),  # no zone
]


@pytest.mark.parametrize("write", UNKNOWN)
def test_a_write_that_fits_nothing_raises(store, write):
    opened(store)
    with pytest.raises(Permanent), store.begin() as tx:
        write(tx)


def test_a_read_of_an_unknown_id_says_so(store):
    assert store.mail("none") is None
    assert store.raw("none") is None
    for read in (lambda: store.get("none", "plan"), lambda: store.case_key("none")):
        with pytest.raises(Permanent):
            read()


def test_what_is_there_already_is_not_written_over(store):
    opened(store)
    with pytest.raises(Stale), store.begin() as tx:
        tx.open_case(a_case("c1", "2026-0009"), None)
    with pytest.raises(Stale), store.begin() as tx:
        tx.open_case(a_case("c9", "2026-0001"), None)
    with pytest.raises(Stale), store.begin() as tx:
        tx.add_matter(a_matter())


# Transactions


def test_a_transaction_that_raises_leaves_nothing(store):
    opened(store)

    def interrupted() -> None:
        with store.begin() as tx:
            tx.change_matter(a_matter(), replace(a_matter(), state=State.CLOSED))
            tx.record("c1", "moved", "closed", {"x": 1})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interrupted()
    assert store.matter("m1").state is State.OPENED
    assert list(store.ledger()) == []
    assert store.case("c1").version == 0


def test_a_failed_write_that_is_swallowed_still_undoes_the_rest(store):
    opened(store)

    def careless() -> None:
        with store.begin() as tx:
            tx.put("c1", "first", 1)
            with suppress(Stale):
                tx.add_matter(a_matter())

    with pytest.raises(Permanent):
        careless()
    assert store.get("c1", "first") is None


def test_a_reader_sees_a_transaction_of_its_own_thread_only(store):
    opened(store)
    with store.begin() as tx:
        tx.put("c1", "plan", 1)
        assert store.get("c1", "plan") == 1
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(store.get, "c1", "plan").result(10) is None
    assert store.get("c1", "plan") == 1


def test_a_transaction_within_a_transaction_is_refused(store):
    with store.begin(), pytest.raises(Permanent), store.begin():
        pass  # pragma: no cover


def test_a_transaction_that_is_over_cannot_be_written_in(store):
    with store.begin() as tx:
        pass
    with pytest.raises(Permanent):
        tx.set_cursor("support", "INBOX", "1")


def test_each_change_of_a_case_raises_its_version(store):
    opened(store)
    assert store.case("c1").version == 0
    with store.begin() as tx:
        tx.put("c1", "a", 1)
        tx.put("c1", "b", 1)
    assert store.case("c1").version == 1


def test_a_process_killed_within_a_transaction_leaves_the_store_whole(place, store):
    opened(store)
    store.close()
    child = place.child(
        "with store.begin() as tx:\n"
        "    tx.put('c1', 'kept', 1); tx.record('c1', 'e', 'r', {})\n"
        "with store.begin() as tx:\n"
        "    tx.put('c1', 'lost', 1); tx.record('c1', 'e', 'r', {})\n"
        "    print('ready', flush=True); time.sleep(60)\n"
    )
    assert child.stdout.readline() == "ready\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.communicate()
    again = eventually(place.open)
    assert (again.get("c1", "kept"), again.get("c1", "lost")) == (1, None)
    assert again.verify_ledger().ok
    assert len(list(again.ledger())) == 1
    with eventually(again.begin) as tx:
        tx.put("c1", "lost", 2)


def eventually(action):
    """The server needs a moment to notice that a process is dead."""
    give_up = time.monotonic() + 10
    while True:
        try:
            return action()
        except Transient:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.05)


# Claims


def test_a_case_is_claimed_once(store):
    opened(store)
    with store.claim_case("c1") as first, store.claim_case("c1") as second:
        assert (first, second) == (True, False)
        with store.claim_case("c2") as other, store.claim_mailbox("c1") as mailbox:
            assert other
            assert mailbox
        with store.begin() as tx:
            tx.put("c1", "plan", 1)
    with store.claim_case("c1") as again:
        assert again


def test_threads_claim_a_case_one_at_a_time(store):
    opened(store)
    inside, most = [0], [0]

    def work(_: int) -> int:
        with store.claim_case("c1") as held:
            if held:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0.005)
                inside[0] -= 1
            return int(held)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(20))) >= 1
    assert most == [1]


# Secrets


def test_no_plain_text_reaches_the_disk(place, store):
    secret = MARKER.encode()
    with store.begin() as tx:
        tx.open_case(replace(a_case(), language="zz-" + MARKER), f"{MARKER}@example.org")
        tx.add_matter(a_matter())
        for n, status in enumerate(("left", "done", "set-aside")):
            mail_id = tx.take_in(fetched(secret * 50 + b"%d" % n, str(n)))
            tx.settle_mail(mail_id, status, "why", "c1" if status == "done" else None)
        tx.take_in(fetched(secret))
        tx.put("c1", "plan", {MARKER: [MARKER]})
        tx.intend(an_effect())
        tx.change_effect("e1", "begun")
        tx.change_effect("e1", "done", {"id": MARKER})
        tx.issue_token(token_hash(), a_token(f"{MARKER}@example.org"))
        tx.know_message(
            KnownMessage(message_id=MARKER, case_id="c1", matter_id="", plan_version=0, kind="x")
        )
        tx.record("c1", "moved", "why", {"who": MARKER})
        tx.record(None, "started", "why", {"who": MARKER})
    assert store.effect("e1").receipt == {"id": MARKER}
    wanted = [secret, MARKER.casefold().encode(), MARKER.encode("utf-16-le"), secret.hex().encode()]
    looked = 0
    for path in on_disk(place):
        try:
            data = path.read_bytes().lower()
        except FileNotFoundError:
            continue  # the server removes files of its own while we look
        looked += 1
        assert not [text for text in wanted if text.lower() in data], path.name
    assert looked


def on_disk(place: Place) -> list[Path]:
    folder = place.state
    if place.kind == "postgres":
        place.past_mailbot(lambda connection: connection.execute(text("SELECT 1")))
        engine = create_engine(place.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("CHECKPOINT"))
            folder = Path(connection.scalar(text("SHOW data_directory")))
        engine.dispose()
        if not os.access(folder, os.R_OK):
            pytest.skip("the server's files cannot be read by this user")
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return files


def test_a_destroyed_key_makes_the_case_unreadable_but_not_the_chain(place, store):
    opened(store)
    with store.begin() as tx:
        tx.put("c1", "plan", {"a": 1})
        tx.intend(an_effect())
        tx.issue_token(token_hash(), a_token())
        tx.know_message(
            KnownMessage(message_id="a", case_id="c1", matter_id="", plan_version=0, kind="x")
        )
        tx.record("c1", "moved", "why", {"who": MARKER})
        tx.change_matter(a_matter(), replace(a_matter(), state=State.CLOSED, due=None))
        tx.close_case("c1", START)
    with pytest.raises(Permanent):
        store.destroy_case_key("c1")  # an effect is still open
    with store.begin() as tx:
        tx.change_effect("e1", "cancelled")
    store.destroy_case_key("c1")

    for read in (lambda: store.get("c1", "plan"), lambda: store.case_key("c1")):
        with pytest.raises(Permanent, match="destroyed"):
            read()
    assert store.effect("e1").payload == {}
    assert store.token(token_hash()) is None
    assert list(store.known_messages(["a"])) == []
    assert store.case("c1").language == ""
    assert [(entry.event, facts) for entry, facts in store.ledger("c1")] == [
        ("moved", None),
        ("key-destroyed", {}),
    ]
    assert store.verify_ledger().ok
    with pytest.raises(Permanent), store.begin() as tx:
        tx.record("c1", "moved", "why", {"who": MARKER})
    store.close()
    assert place.open().verify_ledger().ok


def test_a_wrong_master_key_is_told_in_one_sentence(place, store):
    opened(store)
    store.close()
    with pytest.raises(ConfigError) as told:
        place.open(bytes(32))
    assert str(told.value).startswith("store.key: is not the master key")
    assert "\n" not in str(told.value)
    assert place.open().case("c1")


def test_the_master_key_can_be_changed(place, store):
    opened(store)
    with store.begin() as tx:
        tx.put("c1", "plan", 1)
        mail_id = tx.take_in(fetched(b"one"))
    store.change_master_key(bytes(32))
    assert store.get("c1", "plan") == 1
    store.close()
    with pytest.raises(ConfigError):
        place.open()
    again = place.open(bytes(32))
    assert (again.get("c1", "plan"), again.raw(mail_id)) == (1, b"one")
    assert again.open_case_of("support", "c1@example.org") is not None
    assert again.verify_ledger().ok


def test_encrypted_documents_cannot_be_exchanged(place, store):
    opened(store)
    with store.begin() as tx:
        tx.put("c1", "a", 1)
        tx.put("c1", "b", 2)
    store.close()
    place.run("UPDATE documents SET sealed = (SELECT sealed FROM documents WHERE name = 'a')")
    again = place.open()
    assert again.get("c1", "a") == 1
    with pytest.raises(Tampered):
        again.get("c1", "b")


# The ledger


def with_entries(store: SqlStore, count: int = 5) -> SqlStore:
    opened(store)
    for n in range(count):
        with store.begin() as tx:
            tx.record("c1" if n % 2 else None, "moved", f"reason-{n}", {"n": n})
    return store


def test_the_chain_tells_what_happened_in_order(store):
    with_entries(store)
    entries = list(store.ledger())
    assert [entry.seq for entry, _ in entries] == [1, 2, 3, 4, 5]
    assert [facts for _, facts in entries] == [{"n": n} for n in range(5)]
    assert entries[0][0].prev == ledger.GENESIS
    assert entries[0][0].utc.endswith("Z")
    assert len(entries[0][0].utc) == 27
    assert [entry.seq for entry, _ in store.ledger("c1")] == [2, 4]
    assert store.ledger_head() == (5, entries[-1][0].hash)
    assert store.verify_ledger({3: entries[2][0].hash}).entries == 5


def test_threads_append_to_one_chain(store):
    opened(store)

    def append(turn: int) -> None:
        with store.begin() as tx:
            tx.record("c1", "moved", f"r{turn}", {"turn": turn})
            tx.record(None, "moved", f"r{turn}", {"turn": turn})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(append, range(40)))
    assert store.verify_ledger().entries == 80


def test_a_long_chain_is_read_whole_while_it_grows(store):
    opened(store)
    with store.begin() as tx:
        for n in range(1203):
            tx.record(None, "moved", "r", {"n": n})
    reading = store.ledger()
    next(reading)
    with store.begin() as tx:
        tx.record(None, "moved", "r", {"n": 1203})
    assert len(list(reading)) == 1203
    assert store.verify_ledger().entries == 1204


TAMPERINGS = {
    "prev": "UPDATE ledger SET prev = hash WHERE seq = 3",
    "utc": "UPDATE ledger SET utc = '2020-01-01T00:00:00.000000Z' WHERE seq = 3",
    "case_id": "UPDATE ledger SET case_id = 'c2' WHERE seq = 3",
    "event": "UPDATE ledger SET event = 'approved' WHERE seq = 3",
    "reason": "UPDATE ledger SET reason = 'other' WHERE seq = 3",
    "facts_sha256": "UPDATE ledger SET facts_sha256 = hash WHERE seq = 3",
    "hash": "UPDATE ledger SET hash = prev WHERE seq = 3",
    "facts": "UPDATE ledger SET facts = (SELECT facts FROM ledger WHERE seq = 1) WHERE seq = 3",
    "seq": "UPDATE ledger SET seq = 99 WHERE seq = 3",
    "deleted": "DELETE FROM ledger WHERE seq = 3",
    "first": "DELETE FROM ledger WHERE seq <= 2",
    "tail": "DELETE FROM ledger WHERE seq >= 3",
    "all": "DELETE FROM ledger",
    "head": "UPDATE meta SET value = '2 ' || value WHERE name = 'ledger_head'",
    "no head": "DELETE FROM meta WHERE name = 'ledger_head'",
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_tampering_is_found_and_its_place_named(place, store, what):
    with_entries(store)
    store.close()
    place.run(TAMPERINGS[what])
    found = place.open().verify_ledger()
    assert not found.ok
    if what not in ("first", "all", "head", "no head"):
        assert found.bad_seq == 3
        assert found.entries == 2


def test_every_column_of_the_ledger_is_tampered_with_above():
    assert {column.name for column in metadata.tables["ledger"].columns} <= set(TAMPERINGS)


def test_a_chain_written_anew_without_the_key_is_found(place, store):
    with_entries(store)
    anchor = store.ledger_head()
    last, _ = list(store.ledger())[-1]
    store.close()
    forged = replace(last, reason="harmless", hash="")
    forged = replace(forged, hash=ledger.entry_hash(forged))
    place.run(
        "UPDATE ledger SET reason = :reason, hash = :hash WHERE seq = 5",
        reason=forged.reason,
        hash=forged.hash,
    )
    again = place.open()
    assert again.verify_ledger().why == "anchor"
    assert again.verify_ledger(dict([anchor])).why == "anchor"


def test_entries_added_by_somebody_else_are_found(place, store):
    with_entries(store)
    _, head = store.ledger_head()
    store.close()
    extra = ledger.next_entry(
        5,
        head,
        utc="2026-03-02T08:00:00.000000Z",
        case_id="",
        event="approved",
        reason="x",
        facts_sha256=sha256(b"").hexdigest(),
    )
    empty = "''" if place.url else "x''"
    place.run(
        "INSERT INTO ledger (seq, prev, utc, case_id, event, reason, facts_sha256, hash, facts) "
        f"VALUES (6, :prev, :utc, '', 'approved', 'x', :facts, :hash, {empty})",
        prev=extra.prev,
        utc=extra.utc,
        facts=extra.facts_sha256,
        hash=extra.hash,
    )
    found = place.open().verify_ledger()
    assert (found.bad_seq, found.why) == (6, "head")


def test_a_cut_tail_stays_visible_after_new_entries(place, store):
    with_entries(store)
    store.close()
    place.run("DELETE FROM ledger WHERE seq = 5")
    again = place.open()
    with again.begin() as tx:
        tx.record(None, "moved", "later", NOTHING)
    found = again.verify_ledger()
    assert (found.bad_seq, found.why) == (5, "gap")


def test_nothing_is_written_on_top_of_a_forged_head(place, store):
    with_entries(store)
    store.close()
    place.run("UPDATE meta SET value = '2 abc def' WHERE name = 'ledger_head'")
    again = place.open()

    def write() -> None:
        with again.begin() as tx:
            tx.put("c1", "plan", 1)
            tx.record("c1", "moved", "later", NOTHING)

    with pytest.raises(Tampered):
        write()
    assert again.get("c1", "plan") is None


# Opening


def test_a_store_may_be_looked_at_while_the_daemon_runs(place, store):
    with_entries(store)
    looking = place.open(read_only=True)
    assert looking.case("c1").number == "2026-0001"
    assert looking.verify_ledger().ok
    with store.begin() as tx:
        tx.put("c1", "plan", 1)
    assert looking.get("c1", "plan") == 1
    with pytest.raises(Permanent), looking.begin():
        pass  # pragma: no cover


def test_reading_only_makes_nothing(place):
    with pytest.raises(Permanent):
        place.open(read_only=True)
    assert not place.state.exists()


def test_a_store_of_a_newer_mailbot_is_left_alone(place, store):
    store.close()
    place.run("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Permanent, match="newer"):
        place.open()


def test_a_damaged_note_of_the_key_is_told(place, store):
    store.close()
    place.run("DELETE FROM keys WHERE id = 'store'")
    with pytest.raises(Tampered):
        place.open()


def test_no_error_of_the_database_quotes_a_value(place, store):
    opened(store)
    store.close()
    place.run("DROP TABLE documents")
    again = place.open()
    with pytest.raises(Permanent) as told, again.begin() as tx:
        tx.put("c1", MARKER, {"who": MARKER})
    assert MARKER not in str(told.value)
    assert told.value.__cause__ is None
    assert told.value.__suppress_context__
    assert not isinstance(told.value, DBAPIError)


def test_closing_twice_is_harmless(store):
    store.close()
    store.close()


def test_documents_are_found_by_the_beginning_of_their_name_and_dropped(store):
    with store.begin() as tx:
        for number in ("1", "2"):
            tx.open_case(a_case(f"c{number}", f"2026-000{number}"), None)
            tx.put(f"c{number}", "lesson/a", {"n": number})
            tx.put(f"c{number}", "Lesson/b", 0)
            tx.put(f"c{number}", "lesson%/c", 0)
    assert [(case, name) for case, name, _ in store.found("lesson/")] == [
        ("c1", "lesson/a"),
        ("c2", "lesson/a"),
    ]
    with store.begin() as tx:
        tx.drop("c1", "lesson/a")
        tx.drop("c1", "no such document")
    assert list(store.found("lesson/")) == [("c2", "lesson/a", {"n": "2"})]
    with store.begin() as tx:
        tx.close_case("c2", START)
    store.destroy_case_key("c2")
    assert list(store.found("lesson/")) == []


def test_notes_are_kept_apart_from_what_the_store_itself_notes(place):
    store = place.open()
    assert store.noted("ledger_head") is None
    with store.begin() as tx:
        tx.note("ledger_head", "one")
        tx.note("ledger_head", "two")
    store.close()
    again = place.open()
    assert again.noted("ledger_head") == "two"
    assert again.verify_ledger().ok


def test_a_blind_text_is_the_same_for_the_same_store_only(place, tmp_path):
    store = place.open()
    other = open_store("", tmp_path / "other", KEY, store._clock)
    assert store.blind("Kari@Example.no ") == store.blind("kari@example.no")
    assert store.blind("a") != store.blind("b")
    assert store.blind("a") != other.blind("a")
    assert "kari" not in store.blind("kari@example.no")
    other.close()
