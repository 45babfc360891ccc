"""An Exchange Server that errs: nothing is lost, nothing is sent twice, no mail is quoted."""

import logging
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailbot.clients.ews import EwsClient
from mailbot.errors import MailbotError, Permanent, Transient
from mailbot.mailboxes.ews import EwsMailbox
from mailbot.mailboxes.ews_outbox import EwsOutbox
from mailbot.ports import MailQuery
from tests.contract.ews_world import EwsWorld, client
from tests.contract.test_outbox_contract import letter
from tests.servers import ews
from tests.servers.ews import PASSWORD, Ews

SUPPORT, CUSTOMER = "support@firma.test", "kunde@kunde.test"
# `make soak` tries every call of the round; the short form every seventh, another for each fault.
_STEP = 1 if os.environ.get("MAILBOT_SOAK") else 7
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
MAIL = b"From: kunde@kunde.test\r\nSubject: Slett\r\nMessage-ID: <%d@kunde.test>\r\n\r\nHei\r\n"


class RunningClock:
    """A clock that tests may set on."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def server() -> Iterator[Ews]:
    if why := ews.missing():
        pytest.skip(why)
    yield from ews.running()


class Round:
    """A poll and a letter, as the daemon does them: what is written down survives each failure."""

    def __init__(self, server: Ews) -> None:
        self.client = client(server, SUPPORT)
        self.mailbox = EwsMailbox(name="support", client=self.client, mark="Personvern")
        self.clock = RunningClock()
        self.outbox = EwsOutbox(self.client, self.clock, sleep=lambda _: None)
        self.cursor: str | None = None
        self.taken: list[bytes] = []
        self.begun = False
        self.sent = False

    def go(self) -> None:
        for batch, after in self.mailbox.fetch("inbox", self.cursor, LONG_AGO):
            for one in batch:
                self.mailbox.mark(one.ref)
                if one.raw not in self.taken:  # the store knows a mail by its bytes
                    self.taken.append(one.raw)
            self.cursor = after
        self.send()

    def tried(self) -> MailbotError | None:
        """A round, and what it failed with."""
        try:
            self.go()
        except MailbotError as error:
            return error
        return None

    def send(self) -> None:
        if self.sent:
            return
        if self.begun:
            if self.outbox.find("letter-1") is not None:
                self.sent = True
                return
            assert self.outbox.certain("letter-1"), "a person would be asked"
        try:
            self.outbox.send(letter("letter-1"), self._begin)
            self.sent = True
        except MailbotError as error:
            self.begun = self.begun and not error.undone
            raise

    def _begin(self) -> None:
        self.begun = True


FAULTS = {
    "busy": ews.busy,
    "unavailable": ews.unavailable,
    "broken": ews.broken,
    "half": ews.half,
    "lost": ews.lost,
    "forbidden": ews.forbidden,
}


@pytest.mark.parametrize("name", list(FAULTS))
def test_fault_at_each_call_loses_nothing_and_doubles_nothing(server: Ews, name: str) -> None:
    at, met = list(FAULTS).index(name) % _STEP, 0
    while True:
        server.store.boxes.clear()
        world, customer = EwsWorld(server, SUPPORT), EwsWorld(server, CUSTOMER)
        for number in range(3):
            world.deliver(MAIL % number)
        turn = Round(server)
        server.faults = [lambda _: None] * at + [FAULTS[name]]
        error = turn.tried()
        if error is not None:
            met += 1
            assert isinstance(error, Permanent) == (name == "forbidden")
            assert "kunde" not in str(error)
            turn.clock.ahead += timedelta(minutes=5)
            turn.go()
        assert sorted(turn.taken) == [MAIL % number for number in range(3)], f"call {at}"
        assert len(customer.mails()) == 1, f"call {at}"
        assert turn.sent
        assert world.mails("Kladd") == []
        assert world.marked() == 3
        if server.faults:
            break
        at += _STEP
    print(f"\n{name}: {met} rounds failed at a call of theirs and went on")
    assert at > 20


def test_the_wait_that_a_server_asks_for_is_handed_on(server: Ews) -> None:
    EwsWorld(server, SUPPORT)
    server.fail(ews.unavailable)
    with pytest.raises(Transient) as caught:
        client(server, SUPPORT).call("x", lambda account: account.inbox)
    assert (caught.value.retry_after or 0) >= 7


def test_a_call_that_hangs_ends_by_the_watchdog_and_the_next_works(server: Ews) -> None:
    world = EwsWorld(server, SUPPORT)
    world.deliver(MAIL % 1)
    box = EwsMailbox(name="support", client=client(server, SUPPORT, watchdog=0.5))
    server.fail(ews.slow(2.0))
    began = time.monotonic()
    with pytest.raises(Transient):
        list(box.fetch("inbox", None, LONG_AGO))
    assert time.monotonic() - began < 1.9
    patient = EwsMailbox(name="support", client=client(server, SUPPORT))
    assert len(list(patient.fetch("inbox", None, LONG_AGO))) == 1


def test_a_mail_that_is_not_handed_over_holds_up_no_other(server: Ews) -> None:
    world = EwsWorld(server, SUPPORT)
    for number in range(3):
        world.deliver(MAIL % number)
    bad = next(iter(world.box.items.values()))
    bad.corrupt = True
    turn = Round(server)
    turn.sent = True
    assert isinstance(turn.tried(), Transient)
    assert isinstance(turn.tried(), Transient)  # told at the first, the second, the fourth try
    assert turn.taken == [MAIL % 1, MAIL % 2]
    found = turn.mailbox.search(MailQuery(phrases=("Slett",)))
    with pytest.raises(Transient):  # a search that could not read all is not complete
        list(found)
    bad.corrupt = False
    assert turn.tried() is None
    assert turn.taken == [MAIL % 1, MAIL % 2, MAIL % 0]


def test_sign_in_and_access_faults_are_named_and_no_secret_is_shown(server: Ews) -> None:
    EwsWorld(server, SUPPORT)
    wrong = client(server, SUPPORT, password=lambda: "hemmelig-feil")
    with pytest.raises(Permanent, match=r"mailbox\.ews\.password") as caught:
        wrong.call("x", lambda account: account.inbox)
    assert "hemmelig" not in str(caught.value)
    server.denied.add("annen@firma.test")
    with pytest.raises(Permanent, match="ApplicationImpersonation"):
        client(server, "annen@firma.test").call("x", lambda account: account.inbox)
    elsewhere = server.endpoint.replace("localhost", "127.0.0.1")
    stranger = client(server, SUPPORT, ca_file=None, endpoint=elsewhere)
    with pytest.raises(Permanent, match=r"mailbox\.ews\.ca_file"):
        stranger.call("x", lambda account: account.inbox)
    astray = client(server, SUPPORT, endpoint=server.endpoint.replace("EWS", "ows"))
    with pytest.raises(Permanent, match=r"mailbox\.ews\.endpoint"):
        astray.call("x", lambda account: account.inbox)


def test_exchange_online_is_sent_to_graph() -> None:
    with pytest.raises(Permanent, match='"graph"'):
        EwsClient(
            name="support",
            address=SUPPORT,
            endpoint="https://outlook.office365.com/EWS/Exchange.asmx",
            user="x",
            password=lambda: "x",
        )


def test_what_the_library_would_log_stays_out_of_the_log(
    server: Ews, caplog: pytest.LogCaptureFixture
) -> None:
    world = EwsWorld(server, SUPPORT)
    world.deliver(MAIL % 1)
    caplog.set_level(logging.DEBUG)
    turn = Round(server)
    server.fail(ews.broken, ews.half)
    for _ in range(3):
        try:
            turn.go()
            break
        except Transient:
            continue
    assert turn.taken
    assert "kunde" not in caplog.text
    assert PASSWORD not in caplog.text


def test_a_missing_watched_folder_is_named(server: Ews, tmp_path: Path) -> None:
    world = EwsWorld(server, SUPPORT)
    with pytest.raises(Permanent, match="Finnes ikke"):
        list(world.open(watch=("Finnes ikke",)).fetch("Finnes ikke", None, LONG_AGO))
