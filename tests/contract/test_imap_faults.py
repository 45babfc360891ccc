"""IMAP servers and networks that misbehave: nothing is lost, nothing comes twice, all is named."""

import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from mailbot.errors import MailbotError, Permanent, Transient
from mailbot.ports import Mailbox, MailQuery
from tests.contract.test_mailbox_contract import LONG_AGO, fetch, mail
from tests.contract.worlds import ImapWorld
from tests.servers import dovecot
from tests.servers.dovecot import Dovecot
from tests.servers.imap_proxy import HangUp, ImapProxy

USER = "support@firma.test"


@pytest.fixture
def world() -> Iterator[ImapWorld]:
    if why := dovecot.missing():
        pytest.skip(why)
    with Dovecot() as running:
        yield ImapWorld(running, USER)


@pytest.fixture
def proxy(world: ImapWorld) -> Iterator[ImapProxy]:
    with ImapProxy(world.server.imap_port, world.server.certificates) as running:
        yield running


@pytest.fixture
def box(world: ImapWorld, proxy: ImapProxy) -> Iterator[Mailbox]:
    opened = world.open(port=proxy.port, timeout=2.0)
    yield opened
    opened.close()


def numbers(found: list[bytes]) -> list[int]:
    return [int(m[1]) for raw in found if (m := re.search(rb"Subject: nr (\d+)", raw))]


def fetch_all(box: Mailbox, cursor: str | None) -> tuple[list[int], str, list[str]]:
    """The numbers of the mails, the cursor, and what was complained of."""
    found: list[bytes] = []
    complaints: list[str] = []
    try:
        for batch, after in box.fetch("inbox", cursor, LONG_AGO):
            found += [one.raw for one in batch]
            cursor = after
    except Transient as error:
        complaints.append(str(error))
    return numbers(found), cursor or "", complaints


def test_a_mail_that_is_listed_and_not_handed_over_is_not_lost(
    world: ImapWorld, proxy: ImapProxy, box: Mailbox
) -> None:
    for number in range(1, 4):
        world.deliver(mail(f"nr {number}"))

    def forgets(answer: bytes) -> bytes | None:
        return None if b"UID 2 BODY[] {" in answer else answer

    proxy.rewrite = forgets
    found, cursor, complaints = fetch_all(box, None)
    assert found == [1, 3]
    assert len(complaints) == 1
    world.deliver(mail("nr 4"))
    found, cursor, _ = fetch_all(box, cursor)
    assert found == [4]
    proxy.rewrite = lambda answer: answer
    found, cursor, complaints = fetch_all(box, cursor)
    assert (found, complaints) == ([2], [])
    assert fetch_all(box, cursor) == ([], cursor, [])


def test_a_mail_without_date_and_size_is_not_lost(
    world: ImapWorld, proxy: ImapProxy, box: Mailbox
) -> None:
    for number in range(1, 4):
        world.deliver(mail(f"nr {number}"))
    proxy.rewrite = lambda answer: (
        None if b"INTERNALDATE" in answer and b"UID 1 " in answer else answer
    )
    found, cursor, complaints = fetch_all(box, None)
    assert (found, len(complaints)) == ([2, 3], 1)
    proxy.rewrite = lambda answer: answer
    assert fetch_all(box, cursor)[0] == [1]


def test_a_missing_mail_that_is_deleted_is_forgotten(
    world: ImapWorld, proxy: ImapProxy, box: Mailbox
) -> None:
    world.deliver(mail("nr 1"))
    world.deliver(mail("nr 2"))
    proxy.rewrite = lambda answer: None if b"UID 1 BODY[] {" in answer else answer
    _, cursor, _ = fetch_all(box, None)
    world.remove_first()
    found, cursor, complaints = fetch_all(box, cursor)
    assert (found, complaints) == ([], [])
    assert "missing" not in cursor


def test_complaints_grow_rare(world: ImapWorld, proxy: ImapProxy, box: Mailbox) -> None:
    world.deliver(mail("nr 1"))
    proxy.rewrite = lambda answer: None if b"BODY[] {" in answer else answer
    cursor: str | None = None
    told = 0
    for _ in range(16):
        _, cursor, complaints = fetch_all(box, cursor)
        told += len(complaints)
    assert told == 5  # the 1st, 2nd, 4th, 8th and 16th time


def test_placeholders_are_never_taken_for_mail(world: ImapWorld, box: Mailbox) -> None:
    placeholder = (
        b"From: support@firma.test\r\nSubject: Retrieval using the IMAP4 protocol failed for the "
        b"following message: 7\r\n\r\nThe server couldn't retrieve the following message.\r\n"
    )
    quoting = (
        b"Received: from mail.kunde.test by mx.firma.test; Sun, 22 Nov 2026 12:00:00 +0000\r\n"
        b"From: kunde@kunde.test\r\nX-Subject: nr 5\r\n"
        b"Subject: Retrieval using the IMAP4 protocol failed for the following message: 7\r\n"
        b"\r\nSlett meg. Retrieval using the IMAP4 protocol failed\r\n"
    )
    world.deliver(placeholder)
    world.deliver(quoting)
    found, _, complaints = fetch_all(box, None)
    assert (found, len(complaints)) == ([5], 1)


@pytest.mark.parametrize("after", [1, 2, 4, 8, 11])
def test_a_line_cut_in_the_middle_of_a_fetch(
    world: ImapWorld, proxy: ImapProxy, box: Mailbox, after: int
) -> None:
    for number in range(1, 11):
        world.deliver(mail(f"nr {number}", text="x" * 5_000))
    left = [after]

    def cuts(answer: bytes) -> bytes | None:
        if b"FETCH (" in answer:
            left[0] -= 1
            if left[0] < 0:
                raise HangUp
        return answer

    proxy.rewrite = cuts
    cursor: str | None = None
    seen: list[int] = []
    for _ in range(3):
        found, cursor, complaints = fetch_all(box, cursor)
        seen += found
        proxy.rewrite = lambda answer: answer
        if not complaints:
            break
        cursor = cursor or None
    assert sorted(seen) == list(range(1, 11))


def test_half_a_literal(world: ImapWorld, proxy: ImapProxy, box: Mailbox) -> None:
    world.deliver(mail("nr 1", text="x" * 50_000))

    def half(answer: bytes) -> bytes | None:
        return answer[: len(answer) // 2] if b"BODY[]" in answer else answer

    proxy.rewrite = half
    started = time.monotonic()
    assert fetch_all(box, None)[2]
    assert time.monotonic() - started < 5
    proxy.rewrite = lambda answer: answer
    assert fetch_all(box, None)[0] == [1]


def _instead(proxy: ImapProxy, command: bytes, text: bytes) -> None:
    """Answer the next such command with this text and its own tag."""

    def rewrite(answer: bytes) -> bytes | None:
        tagged = re.match(rb"([A-Z]{4}\d+) (OK|NO|BAD) (?i:" + command + rb")", answer)
        return tagged[1] + b" " + text + b"\r\n" if tagged else answer

    proxy.rewrite = rewrite


def test_throttling_is_waited_out(world: ImapWorld, proxy: ImapProxy, box: Mailbox) -> None:
    fetch(box, None)
    _instead(
        proxy, b"(search|fetch)", b"BAD Request is throttled. Suggested Backoff Time: 92000 ms"
    )
    _instead(
        proxy,
        b"search",
        b"BAD Request is throttled. Suggested Backoff Time: 92000 milliseconds",
    )
    world.deliver(mail("nr 1"))
    with pytest.raises(Transient) as caught:
        fetch(box, None)
    assert caught.value.retry_after == 92.0


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b"NO [AUTHENTICATIONFAILED] no such user ola@kunde.test", Permanent),
        (b"NO [UNAVAILABLE] Temporary authentication failure", Transient),
        (b"NO [INUSE] too many", Transient),
        (b"NO [LIMIT] connections", Transient),
        (b"BAD User is authenticated but not connected.", Transient),
        (b"NO LOGIN failed.", Permanent),
        (b"NO [EXPIRED] old", Permanent),
    ],
)
def test_refused_sign_ins(
    world: ImapWorld, proxy: ImapProxy, box: Mailbox, text: bytes, kind: type[MailbotError]
) -> None:
    _instead(proxy, rb"(\[CAPABILITY[^\]]*\] )?logged in", text)
    with pytest.raises(kind) as caught:
        box.check()
    assert "ola@" not in str(caught.value)
    assert "pw-support" not in str(caught.value)
    proxy.rewrite = lambda answer: answer
    box.check()


def test_a_line_lost_while_nobody_spoke_costs_nothing(world: ImapWorld, proxy: ImapProxy) -> None:
    """Servers hang up on the silent: the next piece of work just connects anew."""
    now = [0.0]
    box = world.open(port=proxy.port, timeout=2.0, monotonic=lambda: now[0])
    world.deliver(mail("nr 1"))
    (found,), _ = fetch(box, None)
    assert box.raw(found.ref)
    proxy.cut_all()
    now[0] += 600
    assert box.raw(found.ref) == found.raw
    assert fetch(box, None)[0][0].raw == found.raw
    box.close()


def test_a_server_that_falls_silent_is_left_in_time(
    world: ImapWorld, proxy: ImapProxy, box: Mailbox
) -> None:
    fetch(box, None)
    proxy.rewrite = lambda answer: None
    started = time.monotonic()
    with pytest.raises(Transient):
        fetch(box, None)
    assert time.monotonic() - started < 4


def test_a_cut_line_ends_a_wait_at_once(world: ImapWorld, proxy: ImapProxy, box: Mailbox) -> None:
    fetch(box, None)
    fetch(box, None, "junkemail")
    threading.Timer(0.3, proxy.cut_all).start()
    started = time.monotonic()
    with pytest.raises(Transient):
        box.wait(10)
    assert time.monotonic() - started < 3
    world.deliver(mail("nr 1"))
    assert len(fetch(box, None)[0]) == 1


def test_a_charset_that_the_server_does_not_know(
    world: ImapWorld, proxy: ImapProxy, box: Mailbox
) -> None:
    """As Exchange answers: only US-ASCII can be searched."""
    world.deliver(mail("nr 1", text="hilsen Bjørn Nordmann"))
    world.deliver(mail("nr 2", text="hilsen Bjarne Nordmann"))
    world.deliver(mail("nr 3", text="æ ø å og ßß"))

    refusals: list[bytes] = []

    def ascii_only(answer: bytes) -> bytes | None:
        asked = b"".join(proxy.commands).rpartition(b"UID SEARCH")[2]
        tagged = re.match(rb"([A-Z]{4}\d+) OK Search", answer)
        if tagged and b"CHARSET" in asked:
            refusals.append(tagged[1])
            return (
                tagged[1]
                + b" NO [BADCHARSET (US-ASCII)] The specified charset is not supported.\r\n"
            )
        return answer

    proxy.rewrite = ascii_only
    found = [one.raw for one in box.search(MailQuery(phrases=("bjørn nordmann",)))]
    assert numbers(found) == [1]
    found = [one.raw for one in box.search(MailQuery(phrases=("ßß",)))]
    assert numbers(found) == [3]
    assert len(refusals) == 1, "it is asked once, and remembered"


def test_enable_is_never_sent(world: ImapWorld, proxy: ImapProxy, box: Mailbox) -> None:
    world.deliver(mail("nr 1"))
    (found,), _ = fetch(box, None)
    box.mark(found.ref)
    list(box.search(MailQuery(phrases=("hei",))))
    box.delete(found.ref, purge=True)
    said = b"".join(proxy.commands).upper()
    assert b"ENABLE" not in said
    assert b"BODY[" not in said  # only ever PEEK
    assert b"UID EXPUNGE" in said
    assert not re.search(rb"\d EXPUNGE", said)


def test_a_huge_mail_is_delivered_in_part(world: ImapWorld, proxy: ImapProxy, box: Mailbox) -> None:
    """The size is made up here; what is asked for is what counts."""
    world.deliver(mail("nr 1", text="x" * 1_000))
    proxy.rewrite = lambda answer: re.sub(rb"RFC822\.SIZE \d+", b"RFC822.SIZE 99000000", answer)
    assert fetch_all(box, None)[0] == [1]
    assert b"BODY.PEEK[]<0.60000001>" in b"".join(proxy.commands)


@pytest.mark.parametrize("greeting", [b"", b"garbage\r\n", b"* BYE busy\r\n", b"\0" * 100])
def test_what_is_no_imap_server(world: ImapWorld, greeting: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                line, _ = listener.accept()
                line.sendall(greeting)
                line.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        box = world.open(port=listener.getsockname()[1], timeout=1.0, security="starttls")
        with pytest.raises(MailbotError):
            list(box.fetch("inbox", None, datetime.now(UTC)))
        thread.join(3)
