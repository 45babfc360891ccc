"""Graph and networks that misbehave: nothing is lost, nothing is sent twice, all is named.

A round of polling and sending is run once to learn its calls; then again with each fault at each
call, as the daemon would: what fails is tried again later, and what was begun is looked for first.
"""

import io
import json
import os
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog

from mailbot.clients.graph import GraphClient, Pace
from mailbot.clients.microsoft import SignIn
from mailbot.errors import MailbotError, Permanent, Transient
from mailbot.mailboxes.graph import GraphMailbox
from mailbot.mailboxes.graph_outbox import GraphOutbox
from mailbot.message import Address, Outgoing, OutgoingFile
from mailbot.ports import Fetched, MailQuery
from tests.contract.test_mailbox_contract import LONG_AGO, mail
from tests.servers.graph import Graph
from tests.servers.graph_world import client, sign_in

SUPPORT, CUSTOMER = "support@firma.test", "kunde@kunde.test"
SOAK = bool(os.environ.get("MAILBOT_SOAK"))


class Time:
    """A clock of wall and monotonic time that goes on by itself only when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 10_000.0

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.seconds - 10_000.0)


@dataclass
class Desk:
    """One mailbox with its outbox, and what a daemon would remember of them."""

    graph: Graph
    time: Time = field(default_factory=Time)
    cursors: dict[str, str] = field(default_factory=dict)
    taken: list[Fetched] = field(default_factory=list)
    begun: bool = False
    sent: bool = False
    errors: list[MailbotError] = field(default_factory=list)
    patient: bool = False  # with an answer that takes its time

    def __post_init__(self) -> None:
        self.signing: SignIn = sign_in(self.graph, monotonic=self.time)
        self.signing.token(f"{self.graph.server.base}/.default")  # it grows old from now on
        self.client = self._client()
        self.box = GraphMailbox(
            name="support", client=self.client, mark="Personvern", monotonic=self.time
        )
        self.outbox = GraphOutbox(
            self.client, self.time, monotonic=self.time, sleep=self.time.sleep, settled=60
        )

    def _client(self) -> GraphClient:
        return client(
            self.graph,
            SUPPORT,
            timeout=4.0 if self.patient else 1.0,
            sign_in=self.signing,
            monotonic=self.time,
            sleep=self.time.sleep,
        )

    def round(self, letter: Outgoing) -> bool:
        """What a daemon does in one round; False if something has to be tried again."""
        self.time.seconds += 120  # the daemon backs off; a token grows old
        try:
            for folder in ("inbox", "junkemail"):
                since = LONG_AGO
                for mails, cursor in self.box.fetch(folder, self.cursors.get(folder), since):
                    self.taken += mails
                    self.cursors[folder] = cursor
            for one in self.taken:
                self.box.mark(one.ref)
            self._send(letter)
        except Transient as error:
            self.errors.append(error)
            self.time.seconds += error.retry_after or 0
            return False
        return True

    def _send(self, letter: Outgoing) -> None:
        """As `effects.Performer` does."""
        if self.sent:
            return
        if self.begun:
            if self.outbox.find(letter.effect) is not None:
                self.sent = True
                return
            if not self.outbox.certain(letter.effect):
                raise Transient("waiting for the sent copy", 2.0)

        def begin() -> None:
            self.begun = True

        try:
            self.outbox.send(letter, begin)
        except MailbotError as error:
            if error.undone:
                self.begun = False
            raise
        self.sent = True


def letter(effect: str = "e-1", files: tuple[OutgoingFile, ...] = ()) -> Outgoing:
    return Outgoing(
        effect=effect,
        message_id=f"{effect}@firma.test",
        sender=Address(address=SUPPORT),
        to=(Address(address=CUSTOMER, name="Kunde"),),
        subject="Svar",
        text="Hei",
        in_reply_to="1@kunde.test",
        files=files,
    )


def known(number: int, **headers: str) -> bytes:
    """A mail whose Message-ID is known."""
    made = mail(f"sak {number}", X_Id=f"<{number}@kunde.test>", **headers)
    return made.replace(b"Message-ID:", b"X-Old:").replace(b"X-Id:", b"Message-ID:")


def look(box: GraphMailbox, cursor: str | None, found: list[Fetched]) -> tuple[str, str]:
    """Take what is new; the cursor, and what was complained of."""
    try:
        for mails, after in box.fetch("inbox", cursor, LONG_AGO):
            found += mails
            cursor = after
    except Transient as error:
        return cursor or "", str(error)
    return cursor or "", ""


def delivered(graph: Graph) -> list[bytes]:
    raws = [known(number) for number in range(3)]
    for raw in raws:
        graph[SUPPORT].deliver(raw)
    return raws


def a_file(octets: int) -> OutgoingFile:
    return OutgoingFile(
        name="innsyn.pdf",
        media_type="application/pdf",
        content=(bytes(range(256)) * (octets // 256 + 1))[:octets],
        plain_sha256="",
    )


SMALL, LARGE = a_file(10_000), a_file(3_300_000)  # the large one is uploaded in two pieces


def plain_round(file: OutgoingFile) -> list[tuple[str, str]]:
    """The calls of a round without a fault."""
    with Graph([SUPPORT]) as graph:
        raws = delivered(graph)
        desk = Desk(graph, patient=file is LARGE)
        assert desk.round(letter(files=(file,))), desk.errors
        assert sorted(one.raw for one in desk.taken) == sorted(raws)
        assert len(graph.sent(CUSTOMER)) == 1
        return [(call.method, call.path) for call in graph.calls]


FAULTS: dict[str, dict[str, Any]] = {
    "429": {"what": 429, "retry_after": "30"},
    "503": {"what": 503, "retry_after": "7"},
    "504": {"what": 504},
    "500": {"what": 500},
    "reset": {"what": "reset"},
    "lost": {"what": "lost"},
    "cut": {"what": "cut"},
    "silence": {"what": "silence", "seconds": 1.3},
    "lost silence": {"what": "lost silence", "seconds": 1.3},
    "401": {"what": "expire"},
    "410": {"what": 410},
}


@pytest.fixture(scope="module")
def calls() -> list[tuple[str, str]]:
    return plain_round(SMALL)


@pytest.mark.parametrize("name", list(FAULTS))
def test_each_fault_at_each_call_of_a_round(calls: list[tuple[str, str]], name: str) -> None:
    """After the fault the round is run again until it succeeds: once each, and nothing twice."""
    assert len(calls) >= 15
    # In short, every fault at every sixth call, each fault beginning at another.
    places = range(len(calls)) if SOAK else range(list(FAULTS).index(name) % 6, len(calls), 6)
    for place in places:
        _with_fault_at(place, name, calls, SMALL)


@pytest.mark.parametrize("name", ["429", "reset", "lost", "cut"] if not SOAK else list(FAULTS))
def test_each_fault_at_each_call_of_an_upload(name: str) -> None:
    calls = plain_round(LARGE)
    places = [place for place, (_, path) in enumerate(calls) if "pload" in path]
    assert len(places) == 3  # a session and two pieces
    for place in places if SOAK else places[len(name) % 3 :][:1]:
        _with_fault_at(place, name, calls, LARGE)


def _with_fault_at(place: int, name: str, calls: list[tuple[str, str]], file: OutgoingFile) -> None:
    with Graph([SUPPORT]) as graph:
        raws = delivered(graph)
        desk = Desk(graph, patient=file is LARGE)
        counted = [0]

        def here(_request: object) -> bool:
            counted[0] += 1
            return counted[0] == place + 1

        options = dict(FAULTS[name])
        graph.fault(options.pop("what"), **options)
        graph.faults[-1].matches = here
        for _ in range(8):
            if desk.round(letter(files=(file,))):
                break
        where = f"{name} at call {place}: {calls[place]}"
        assert desk.sent, (where, desk.errors)
        assert sorted({one.raw for one in desk.taken}) == sorted(raws), where
        assert len(graph.sent(CUSTOMER)) == 1, where
        drafts = [item for item in graph[SUPPORT].visible() if item.is_draft]
        assert drafts == [], where
        marked = [item for item in graph[SUPPORT].items.values() if "Personvern" in item.categories]
        assert len(marked) == 3, where
        assert len(desk.errors) <= 4, where


@pytest.mark.parametrize("retry", ["20", ""])
def test_told_to_wait_no_call_is_made_until_then(retry: str) -> None:
    with Graph([SUPPORT]) as graph:
        delivered(graph)
        desk = Desk(graph)
        graph.fault(429, "GET delta", retry_after=retry)
        with pytest.raises(Transient) as caught:
            list(desk.box.fetch("inbox", None, LONG_AGO))
        assert caught.value.retry_after == (20 if retry else None)
        before = len(graph.calls)
        with pytest.raises(Transient, match="asked us to wait") as again:
            list(desk.box.search(MailQuery(phrases=("sak",))))
        assert again.value.retry_after is not None
        assert len(graph.calls) == before
        desk.time.seconds += 21
        assert len(list(desk.box.fetch("inbox", None, LONG_AGO))[0][0]) == 3


def test_pacing_stays_below_the_limit_and_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    time = Time()
    pace = Pace(500, 15, time, time.sleep)
    began = time.seconds
    taken = 0
    while time.seconds < began + 600:
        pace.take()
        taken += 1
    print(f"\n{taken} requests in ten minutes; the limit is 10,000")
    assert 9_000 <= taken < 10_000
    structlog.reset_defaults()
    with Graph([SUPPORT]) as graph:
        desk = Desk(graph)
        out = io.StringIO()
        with redirect_stdout(out), redirect_stderr(out):
            desk.client._pace._left = -30.0  # as after a long search
            desk.box.raw(type("Ref", (), {"id": "A" * 40, "folder": "inbox"})())  # type: ignore[arg-type]
            graph.fault(429, retry_after="9")
            with pytest.raises(Transient):
                list(desk.box.fetch("inbox", None, LONG_AGO))
    said = out.getvalue()
    assert "graph-paced" in said
    assert "graph-told-to-wait" in said
    assert graph.issuer.app.secret not in said
    assert not any(token in said for token in graph.issuer.issued)


def test_never_more_than_four_calls_at_once() -> None:
    import threading

    with Graph([SUPPORT]) as graph:
        for number in range(40):
            graph[SUPPORT].deliver(mail(f"sak {number}"))
        boxes = [GraphMailbox(name="s", client=client(graph, SUPPORT)) for _ in range(3)]
        found: list[int] = []

        def work(box: GraphMailbox) -> None:
            found.append(sum(len(mails) for mails, _ in box.fetch("inbox", None, LONG_AGO)))
            found.append(len(list(box.search(MailQuery(phrases=("sak",))))))

        threads = [threading.Thread(target=work, args=(box,)) for box in boxes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert found == [40] * 6
        assert graph.most_at_once <= 4


@pytest.mark.parametrize("how", ["410", "syncStateNotFound"])
def test_a_forgotten_token_reads_again_without_double_work(how: str) -> None:
    with Graph([SUPPORT]) as graph:
        graph.resync = how
        delivered(graph)
        desk = Desk(graph)
        assert desk.round(letter())
        graph.forget_tokens()
        graph[SUPPORT].deliver(mail("etterpå"))
        before = graph.count("GET value")
        assert desk.round(letter())
        assert len(desk.taken) == 4
        assert graph.count("GET value") == before + 1


def test_pages_in_no_order_empty_or_repeated_bring_each_mail_once() -> None:
    with Graph([SUPPORT], shuffled=True) as graph:
        raws = [mail(f"nr {number}") for number in range(210)]
        for raw in raws:
            graph[SUPPORT].deliver(raw)
        desk = Desk(graph)
        assert desk.round(letter())
        assert len(desk.taken) == 210
        assert {one.raw for one in desk.taken} == set(raws)


def test_a_mail_that_the_server_stumbles_over_holds_up_no_other() -> None:
    with Graph([SUPPORT]) as graph:
        delivered(graph)
        bad = list(graph[SUPPORT].items.values())[1]
        graph.fault(500, rf"GET {bad.id}/.value", times=99)
        box = GraphMailbox(name="support", client=client(graph, SUPPORT))
        found: list[Fetched] = []
        cursor: str | None = None
        said = []
        for _ in range(4):
            cursor, complaint = look(box, cursor, found)
            said.append("does not hand over 1 mails" in complaint)
        assert (len(found), said) == (2, [True, True, False, True])
        graph.faults.clear()
        cursor, complaint = look(box, cursor, found)
        assert complaint == ""
        assert len({one.raw for one in found}) == len(found) == 3
        assert "missing" not in json.loads(cursor)


@pytest.mark.parametrize("slow", [0.0, 0.5])
def test_a_copy_that_comes_late_is_found(slow: float) -> None:
    with Graph([SUPPORT], slow_copy=slow) as graph:
        outbox = GraphOutbox(client(graph, SUPPORT), Time())
        sent = outbox.send(letter(), lambda: None)
        (raw,) = graph.sent(CUSTOMER)
        real = raw.partition(b"Message-ID: <")[2].partition(b">")[0].decode()
        assert real in sent.message_ids
        assert outbox.send(letter(), lambda: None).message_ids == (real,)  # it left already
        assert len(graph.sent(CUSTOMER)) == 1


def test_a_draft_edited_by_a_colleague_is_never_sent() -> None:
    """A try that failed leaves a draft; the next one writes its own."""
    with Graph([SUPPORT]) as graph:
        desk = Desk(graph)
        graph.fault(429, "POST send")
        assert not desk.round(letter())
        (draft,) = [item for item in graph[SUPPORT].items.values() if item.is_draft]
        draft.draft["body"] = {"contentType": "text", "content": "Noe helt annet"}
        assert desk.round(letter())
        (raw,) = graph.sent(CUSTOMER)
        assert b"Noe helt annet" not in raw


def test_a_draft_goes_to_whom_was_approved_and_to_nobody_else() -> None:
    """The answered mail names a Reply-To and copies of its own."""
    with Graph([SUPPORT]) as graph:
        graph[SUPPORT].deliver(known(1, Reply_To="annen@annen.test"))
        original = graph.server.answering

        def adding(request: Any) -> Any:
            """Takes no recipients with createReply, as Graph is said to do now and then."""
            from dataclasses import replace

            if request.path.endswith("/createReply"):
                document = json.loads(request.body)
                for name in ("toRecipients", "ccRecipients", "bccRecipients", "replyTo"):
                    document["message"].pop(name)
                request = replace(request, body=json.dumps(document).encode())
            return original(request)

        graph.server.answering = adding
        outbox = GraphOutbox(client(graph, SUPPORT), Time())
        outbox.send(letter(), lambda: None)
        ((people, _raw),) = graph.outside
        assert people == [CUSTOMER]


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (403, "ErrorAccessDenied", "Application Mail.ReadWrite"),
        (507, "ErrorQuotaExceeded", "make room"),
        (400, "ErrorInvalidRequest", "400 ErrorInvalidRequest"),
        (404, "ErrorInvalidUser", "no such mailbox"),
    ],
)
def test_refusals_are_permanent_and_name_their_remedy(status: int, code: str, says: str) -> None:
    with Graph([SUPPORT]) as graph:
        desk = Desk(graph)
        graph.fault(status, code=code)
        with pytest.raises(Permanent, match=says):
            desk.box.check()


def test_a_refusal_to_send_names_the_grant() -> None:
    with Graph([SUPPORT]) as graph:
        desk = Desk(graph)
        graph.fault(403, "POST send", code="ErrorAccessDenied")
        with pytest.raises(Permanent, match=r"Application Mail\.Send") as caught:
            desk.outbox.send(letter(), lambda: None)
        assert caught.value.undone


def test_a_token_that_is_never_taken_is_no_matter_of_age() -> None:
    with Graph([SUPPORT]) as graph:
        desk = Desk(graph)
        graph.fault(401, times=99, code="InvalidAuthenticationToken")
        with pytest.raises(Permanent, match="not accepted"):
            desk.box.check()


def test_links_to_other_servers_are_not_followed() -> None:
    with Graph([SUPPORT]) as graph:
        desk = Desk(graph)
        with pytest.raises(Permanent, match="another server"):
            desk.client.next_link({"@odata.nextLink": "https://localhost:1/v1.0/x"})
        cursor = json.dumps({"version": 1, "link": "https://evil.test/v1.0/x"})
        with pytest.raises(MailbotError):
            list(desk.box.fetch("inbox", cursor, LONG_AGO))


def test_a_mailbox_in_a_cloud_that_cannot_purge_says_so() -> None:
    """Its metadata lack permanentDelete; mail goes to Recoverable Items, not promised gone."""
    with Graph([SUPPORT]) as graph:
        delivered(graph)
        desk = Desk(graph)
        desk.box._purges = False
        desk.box.client.base = graph.base
        (mails, _), *_rest = desk.box.fetch("inbox", None, LONG_AGO)
        desk.box.delete(mails[0].ref, purge=True)
        assert graph.count("POST permanentDelete") == 0
        recoverable = graph[SUPPORT].known["recoverableitemsdeletions"]
        assert len(graph[SUPPORT].in_folder(recoverable)) == 1
        assert any("cannot purge" in line for line in desk.box.check())
