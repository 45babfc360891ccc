"""What every outbox promises: a Maildir, SMTP to Postfix and to a server that errs, Graph."""

import contextlib
import email
import email.policy
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from mailbot.clients.smtp import SmtpOutbox
from mailbot.errors import MailbotError, Permanent, Transient
from mailbot.mailboxes.ews_outbox import EwsOutbox
from mailbot.mailboxes.graph_outbox import GraphOutbox
from mailbot.mailboxes.imap import ImapMailbox
from mailbot.mailboxes.maildir import MaildirOutbox
from mailbot.message import Address, Outgoing, OutgoingFile, Sent
from mailbot.ports import Outbox
from tests.contract.ews_world import EwsWorld
from tests.contract.ews_world import client as ews_client
from tests.servers import ews
from tests.servers import mail as servers
from tests.servers.ews import Ews
from tests.servers.graph import Graph
from tests.servers.graph_world import client
from tests.servers.mail import MailServers
from tests.servers.smtpd import HANG_UP, SILENCE, TAKE_AND_HANG_UP, Smtpd, until

SUPPORT, CUSTOMER, APPROVER = "support@firma.test", "kunde@kunde.test", "kari@firma.test"
NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
REQUEST = (
    b"From: kunde@kunde.test\r\nReply-To: annen@annen.test\r\nTo: support@firma.test\r\n"
    b"Cc: hele-firmaet@firma.test\r\nSubject: Krav\r\nMessage-ID: <request@kunde.test>\r\n"
    b"References: <first@kunde.test>\r\n\r\nSlett meg\r\n"
)


class StoppedClock:
    def now(self) -> datetime:
        return NOW


@dataclass(frozen=True)
class Post:
    """An outbox, and what it put into the customer's hands."""

    outbox: Outbox
    received: Callable[[], list[bytes]]
    exchange: bool = False  # writes the mail itself: date, sender's name, one body of two


@pytest.fixture(scope="module")
def mail_servers() -> Iterator[MailServers]:
    if why := servers.missing():
        pytest.skip(why)
    with MailServers() as running:
        yield running


@pytest.fixture(scope="module")
def exchange() -> Iterator[Ews]:
    if why := ews.missing():
        pytest.skip(why)
    with Ews() as running:
        yield running


@pytest.fixture(
    params=["maildir", "smtp", "replacing", "graph", "graph-thread", "graph-keeping", "ews"]
)
def post(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Post]:
    if request.param == "ews":
        server: Ews = request.getfixturevalue("exchange")
        inbox = EwsWorld(server, CUSTOMER)
        there = len(inbox.mails())
        outbox = EwsOutbox(ews_client(server, SUPPORT), StoppedClock(), sleep=lambda _: None)
        yield Post(outbox, lambda: inbox.mails()[there:])
        return
    if request.param.startswith("graph"):
        with Graph([SUPPORT], keeps_ids=request.param == "graph-keeping") as graph:
            if request.param == "graph-thread":
                graph[SUPPORT].deliver(REQUEST)
            graph_outbox = GraphOutbox(client(graph, SUPPORT), StoppedClock())
            yield Post(graph_outbox, lambda: graph.sent(CUSTOMER), exchange=True)
        return
    if request.param == "maildir":
        folder = tmp_path / "outbox"
        yield Post(
            MaildirOutbox(folder, StoppedClock()),
            lambda: [path.read_bytes() for path in sorted((folder / "new").glob("*"))],
        )
        return
    running: MailServers = request.getfixturevalue("mail_servers")
    before = len(running.mailbox_of(CUSTOMER))

    def received() -> list[bytes]:
        until(lambda: len(running.mailbox_of(CUSTOMER)) > before, 5)
        return running.mailbox_of(CUSTOMER)[before:]

    port = running.smtp_port
    if request.param == "replacing":
        port = running.replacing_smtp(naming=False).port
    with opened(running, port) as outbox:
        yield Post(outbox, received)


@contextlib.contextmanager
def opened(
    running: MailServers,
    port: int,
    *,
    implicit_tls: bool = False,
    user: str = SUPPORT,
    password: str = "",
    ca_file: Path | None = None,
    timeout: float = 5.0,
) -> Iterator[SmtpOutbox]:
    mailbox = ImapMailbox(
        name="support",
        address=SUPPORT,
        host="localhost",
        port=running.imap_port,
        security="tls",
        user=SUPPORT,
        password=lambda: running.users[SUPPORT],
        ca_file=running.ca_file,
    )
    yield SmtpOutbox(
        host="localhost",
        port=port,
        security="tls" if implicit_tls else "starttls",
        user=user,
        password=lambda: password or running.users[SUPPORT],
        sender=SUPPORT,
        mailbox=mailbox,
        clock=StoppedClock(),
        ca_file=ca_file or running.ca_file,
        timeout=timeout,
        answer_timeout=timeout,
    )
    mailbox.close()


def letter(effect: str, **changes: object) -> Outgoing:
    plain = Outgoing(
        effect=effect,
        message_id=f"{effect}@firma.test",
        sender=Address(address=SUPPORT, name="Støtte, Firma AS"),
        to=(Address(address=CUSTOMER, name="Kåre Æsøy"),),
        subject="Svar på kravet ditt om sletting",
        text="Hei Kåre,\n\nvi har slettet alt.\n.\nFrom oss\n",
        in_reply_to="request@kunde.test",
        references=("first@kunde.test", "request@kunde.test"),
        headers={"Auto-Submitted": "auto-generated"},
    )
    return replace(plain, **changes)  # type: ignore[arg-type] # each test gives a field of its own


def parsed(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)


def found(outbox: Outbox, effect: str) -> Sent | None:
    """The receipt, as soon as the witness is there."""
    until(lambda: outbox.find(effect) is not None, 5)
    return outbox.find(effect)


# --- what arrives -----------------------------------------------------------------------------


def test_a_letter_arrives_in_its_thread(post: Post, request: pytest.FixtureRequest) -> None:
    effect = f"thread-{request.node.callspec.id}"
    begun: list[bool] = []
    sent = post.outbox.send(letter(effect), lambda: begun.append(True))
    (raw,) = post.received()
    got = parsed(raw)
    assert begun == [True]
    assert got["In-Reply-To"] == "<request@kunde.test>"
    assert got["References"].split() == ["<first@kunde.test>", "<request@kunde.test>"]
    assert got["X-Mailbot-Effect"] == effect
    assert got["X-Auto-Response-Suppress"] == "DR, RN, NRN, OOF, AutoReply"
    # Graph cannot send it; what it can, X-Auto-Response-Suppress, does the same at Exchange.
    assert got["Auto-Submitted"] == (None if post.exchange else "auto-generated")
    assert got["Subject"] == "Svar på kravet ditt om sletting"
    assert got["From"].addresses[0].addr_spec == SUPPORT
    if not post.exchange:
        assert got["From"].addresses[0].display_name == "Støtte, Firma AS"
        assert got["Date"].datetime == NOW
    assert [one.addr_spec for one in got["To"].addresses] == [CUSTOMER]
    assert got["Cc"] is None
    assert got["Bcc"] is None
    assert got.get_content().replace("\r\n", "\n").rstrip() == letter(effect).text.rstrip()
    assert sent.effect == effect
    assert sent.at == NOW
    assert sent.message_ids[0] == f"{effect}@firma.test"


def test_every_message_id_is_found_again(post: Post, request: pytest.FixtureRequest) -> None:
    effect = f"again-{request.node.callspec.id}"
    assert post.outbox.find(effect) is None
    sent = post.outbox.send(letter(effect), lambda: None)
    (raw,) = post.received()
    seen = parsed(raw)["Message-ID"].strip("<>")
    again = found(post.outbox, effect)
    assert again is not None
    assert seen in (*sent.message_ids, *again.message_ids)
    assert post.outbox.find(effect + "x") is None
    assert post.outbox.find(effect[:-1]) is None


def test_text_html_and_files(post: Post, request: pytest.FixtureRequest) -> None:
    effect = f"files-{request.node.callspec.id}"
    content = bytes(range(256)) * 2_000
    files = (
        OutgoingFile(
            name="innsyn æøå.pdf", media_type="application/pdf", content=content, plain_sha256=""
        ),
        OutgoingFile(name="data.csv", media_type="text/csv", content=b"a;b\r\n", plain_sha256=""),
    )
    html = "<p>Hei <b>Kåre</b>, vi har slettet alt.</p>"
    mail = letter(effect, html=html, files=files)
    post.outbox.send(mail, lambda: None)
    got = parsed(post.received()[0])
    text, html = got.get_body(("plain",)), got.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "slettet alt" in text.get_content()
    assert "<b>Kåre</b>" in html.get_content()
    received = {part.get_filename(): part.get_content() for part in got.iter_attachments()}
    assert received["innsyn æøå.pdf"] == content
    assert received["data.csv"].replace("\r\n", "\n") == "a;b\n"
    assert not got.defects


@pytest.mark.parametrize(
    "subject",
    [
        "Svar\r\nBcc: ondsinnet@annen.test\r\n\r\nHei",
        "=?utf-8?q?x=0D=0ABcc=3A_x=40y.test?=",
        "lang " * 300,
        "ø" * 400,
        "uten mellomrom" * 200,
        "",
        "\0\x1b[31m",
    ],
)
def test_a_hostile_subject_stays_a_subject(
    post: Post, request: pytest.FixtureRequest, subject: str
) -> None:
    effect = f"subject-{abs(hash(request.node.callspec.id))}"
    post.outbox.send(letter(effect, subject=subject), lambda: None)
    raw = post.received()[0]
    got = parsed(raw)
    assert got["Bcc"] is None
    assert got["X-Mailbot-Effect"] == effect
    assert max(len(line) for line in raw.splitlines()) <= 998
    wanted = " ".join("".join(s if s.isprintable() else " " for s in subject).split())
    assert " ".join((got["Subject"] or "").split()) == wanted


@pytest.mark.parametrize(
    "changes",
    [
        {"to": (Address(address="kunde@kunde.test\r\nRCPT TO:<x@y.test>"),)},
        {"to": (Address(address="kunde@kunde.test>, <x@y.test"),)},
        {"to": (Address(address="a@b.test,c@d.test"),)},
        {"to": (Address(address=""),)},
        {"to": ()},
        {"message_id": "x@y>\r\nBcc: a@b"},
        {"effect": "a\r\nb"},
        {"headers": {"X-Ok\r\nBcc": "x"}},
        {"headers": {"X-Ok": "a\r\nBcc: x@y.test"}},
        {"headers": {"To": "x@y.test"}},
        {"headers": {"X-Mailbot-Effect": "other"}},
    ],
)
def test_what_cannot_be_written_is_refused_before_it_begins(
    post: Post, changes: dict[str, object]
) -> None:
    begun: list[bool] = []
    mail = replace(letter("refused"), **changes)  # type: ignore[arg-type] # fields by name
    with pytest.raises(Permanent):
        post.outbox.send(mail, lambda: begun.append(True))
    assert begun == []


def test_nothing_is_sent_if_begun_cannot_be_written_down(post: Post) -> None:
    def fails() -> None:
        raise Transient("the store is full")

    with pytest.raises(Transient, match="store"):
        post.outbox.send(letter("unbegun"), fails)
    assert post.outbox.find("unbegun") is None


def test_a_long_thread_keeps_its_ends(post: Post, request: pytest.FixtureRequest) -> None:
    ids = tuple(f"{number}-{'x' * 300}@kunde.test" for number in range(60))
    effect = f"long-{request.node.callspec.id}"
    mail = letter(effect, references=(*ids, "bad id>", "bad\r\nid"), in_reply_to=ids[-1])
    post.outbox.send(mail, lambda: None)
    got = parsed(post.received()[0])["References"].split()
    assert got[0] == f"<{ids[0]}>"
    assert got[-1] == f"<{ids[-1]}>"
    assert set(got) <= {f"<{one}>" for one in ids}


# --- the Maildir alone ------------------------------------------------------------------------


def test_a_mail_taken_from_the_outbox_is_still_known(tmp_path: Path) -> None:
    outbox = MaildirOutbox(tmp_path, StoppedClock())
    assert outbox.certain("taken")
    outbox.send(letter("taken"), lambda: None)
    (path,) = (tmp_path / "new").iterdir()
    path.unlink()
    assert MaildirOutbox(tmp_path, StoppedClock()).find("taken") is not None


def test_a_crash_in_the_outbox_leaves_no_doubt(tmp_path: Path) -> None:
    outbox = MaildirOutbox(tmp_path, StoppedClock())
    outbox.send(letter("crash"), lambda: None)
    (path,) = (tmp_path / "new").iterdir()
    path.rename(tmp_path / "tmp" / path.name)  # as it stood just before the mail appeared
    assert outbox.find("crash") is None
    outbox.send(letter("crash"), lambda: None)
    assert len(list((tmp_path / "new").iterdir())) == 1
    assert outbox.find("crash") is not None


# --- SMTP alone -------------------------------------------------------------------------------


def test_the_witness_is_in_no_header(mail_servers: MailServers) -> None:
    with opened(mail_servers, mail_servers.smtp_port) as outbox:
        assert not outbox.certain("witness")
        outbox.send(letter("witness"), lambda: None)
        assert found(outbox, "witness") is not None
    copies = [raw for raw in mail_servers.mailbox_of(SUPPORT) if b"Effect: witness" in raw]
    assert len(copies) == 1
    got = parsed(copies[0])
    assert SUPPORT not in str(got["To"])
    assert got["Cc"] is None


def test_a_message_id_named_in_the_answer_is_known_at_once(mail_servers: MailServers) -> None:
    server = mail_servers.replacing_smtp(naming=True)
    with opened(mail_servers, server.port) as outbox:
        sent = outbox.send(letter("named"), lambda: None)
    real = parsed(server.taken[0])["Message-ID"].strip("<>")
    assert sent.message_ids == ("named@firma.test", real)
    assert server.recipients == [[CUSTOMER, SUPPORT]]


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # the server does not count TLS from the start
def test_tls_from_the_first_octet(mail_servers: MailServers) -> None:
    server = mail_servers.replacing_smtp(implicit_tls=True)
    with opened(mail_servers, server.port, implicit_tls=True) as outbox:
        outbox.check()
        assert len(outbox.send(letter("tls"), lambda: None).message_ids) == 2


def test_somebody_elses_header_is_no_witness(mail_servers: MailServers) -> None:
    forged = (
        b"From: ondsinnet@annen.test\r\nTo: support@firma.test\r\nSubject: x\r\n"
        b"Message-ID: <forged@annen.test>\r\nX-Mailbot-Effect: forged\r\n\r\nx\r\n"
    )
    mail_servers.deliver(SUPPORT, forged)
    with opened(mail_servers, mail_servers.smtp_port) as outbox:
        assert outbox.find("forged") is None


@pytest.fixture
def faulty(mail_servers: MailServers) -> Smtpd:
    return mail_servers.faulty_smtp()


@pytest.mark.parametrize("stage", ["MAIL", "RCPT"])
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("451 4.3.0 try later", Transient),
        ("432 4.3.2 concurrent connections", Transient),
        ("421 4.4.2 bye", Transient),
        ("550 5.1.1 <kunde@kunde.test> no such user", Permanent),
        ("554 5.7.1 denied", Permanent),
        (HANG_UP, Transient),
        (SILENCE, Transient),
    ],
)
def test_faults_before_it_begins(
    mail_servers: MailServers, faulty: Smtpd, stage: str, answer: str, kind: type[MailbotError]
) -> None:
    begun: list[bool] = []
    faulty.fault(stage, answer)
    with (
        opened(mail_servers, faulty.port, timeout=1.0) as outbox,
        pytest.raises(kind) as caught,
    ):
        outbox.send(letter("before"), lambda: begun.append(True))
    assert begun == []
    assert faulty.taken == []
    assert "kunde" not in str(caught.value)
    if answer[0] == "5":
        assert answer[:9] in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "kind", "undone"),
    [
        ("451 4.3.0 greylisted", Transient, True),
        ("452 4.3.1 full", Transient, True),
        ("552 5.3.4 too big", Permanent, True),
        ("554 5.7.1 spam <kunde@kunde.test>", Permanent, True),
        (HANG_UP, Transient, False),
        (TAKE_AND_HANG_UP, Transient, False),
        (SILENCE, Transient, False),
    ],
)
def test_faults_after_it_began(
    mail_servers: MailServers, faulty: Smtpd, answer: str, kind: type[MailbotError], undone: bool
) -> None:
    begun: list[bool] = []
    effect = f"after-{answer.replace(' ', '-').replace('<', '').replace('>', '')}"
    faulty.fault("DATA", answer)
    with opened(mail_servers, faulty.port, timeout=1.0) as outbox:
        with pytest.raises(kind) as caught:
            outbox.send(letter(effect), lambda: begun.append(True))
        assert begun == [True]
        assert caught.value.undone is undone
        assert "kunde" not in str(caught.value)
        left = found(outbox, effect) if answer == TAKE_AND_HANG_UP else outbox.find(effect)
        assert (left is not None) == (answer == TAKE_AND_HANG_UP)


def test_a_refused_witness_stops_no_letter(mail_servers: MailServers, faulty: Smtpd) -> None:
    faulty.fault("RCPT", "")  # none for the customer
    faulty.fault("RCPT", "550 5.7.1 not to yourself")
    with opened(mail_servers, faulty.port) as outbox:
        sent = outbox.send(letter("unwitnessed"), lambda: None)
    assert sent.message_ids == ("unwitnessed@firma.test",)
    assert faulty.recipients == [[CUSTOMER]]


def test_a_mail_larger_than_the_server_takes_is_not_begun(mail_servers: MailServers) -> None:
    begun: list[bool] = []
    file = OutgoingFile(
        name="stor.zip", media_type="application/zip", content=b"x" * 30_000_000, plain_sha256=""
    )
    with (
        opened(mail_servers, mail_servers.smtp_port) as outbox,
        pytest.raises(Permanent, match="larger"),
    ):
        outbox.send(letter("large", files=(file,)), lambda: begun.append(True))
    assert begun == []


def test_sign_in_and_certificate_faults_are_named(mail_servers: MailServers) -> None:
    port = mail_servers.smtp_port
    with opened(mail_servers, port, password="hemmelig-feil") as outbox:
        with pytest.raises(Permanent, match=r"mailbox\.smtp\.password") as caught:
            outbox.send(letter("x"), lambda: None)
        assert "hemmelig" not in str(caught.value)
    other = mail_servers.dovecot.folder / "certs" / "server.pem"
    with (
        opened(mail_servers, port, ca_file=other) as outbox,
        pytest.raises(Permanent, match="certificate"),
    ):
        outbox.send(letter("x"), lambda: None)
    with opened(mail_servers, 9) as outbox, pytest.raises(Transient):
        outbox.send(letter("x"), lambda: None)


def test_a_password_never_goes_out_in_the_clear(mail_servers: MailServers) -> None:
    """Somebody between us and the server hides STARTTLS."""
    said: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            line, _ = listener.accept()
            with line, line.makefile("rb") as lines:
                line.sendall(b"220 x ESMTP\r\n")
                for command in lines:
                    said.append(command)
                    line.sendall(b"250-x\r\n250 AUTH PLAIN LOGIN\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        with (
            opened(mail_servers, port) as outbox,
            pytest.raises(Permanent, match="STARTTLS"),
        ):
            outbox.send(letter("x"), lambda: None)
        thread.join(5)
    assert not any(command.upper().startswith((b"AUTH", b"MAIL")) for command in said)
