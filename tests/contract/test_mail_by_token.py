"""IMAP and SMTP signed in by an app's token (XOAUTH2): what only tokens bring with them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailbot.clients.microsoft import SignIn
from mailbot.clients.smtp import SmtpOutbox
from mailbot.errors import Permanent, Transient
from mailbot.mailboxes.imap import ImapMailbox
from tests.contract.test_graph_faults import Time
from tests.contract.test_mailbox_contract import LONG_AGO, mail
from tests.contract.test_outbox_contract import CUSTOMER, SUPPORT, StoppedClock, letter
from tests.contract.worlds import EXCHANGE
from tests.servers import dovecot
from tests.servers.dovecot import Dovecot
from tests.servers.graph import Graph
from tests.servers.graph_world import sign_in
from tests.servers.smtpd import Smtpd


@pytest.fixture(scope="module")
def graph() -> Iterator[Graph]:
    with Graph() as running:
        yield running


@pytest.fixture(scope="module")
def server(graph: Graph) -> Iterator[Dovecot]:
    if why := dovecot.missing():
        pytest.skip(why)
    with Dovecot(token_key=graph.issuer.public_key) as running:
        yield running


def imap(server: Dovecot, signing: SignIn, time: Time) -> ImapMailbox:
    return ImapMailbox(
        name="support",
        address=SUPPORT,
        host="localhost",
        port=server.imap_port,
        security="tls",
        user=SUPPORT,
        authority=signing,
        scope=EXCHANGE,
        ca_file=server.ca_file,
        monotonic=time,
    )


def test_a_connection_is_made_anew_before_its_token_ends(graph: Graph, server: Dovecot) -> None:
    time = Time()
    box = imap(server, sign_in(graph, monotonic=time), time)
    server.deliver(SUPPORT, mail("en"))
    graph.issuer.lifetime = 900
    before = len(graph.issuer.issued)
    (mails, cursor), *_rest = box.fetch("inbox", None, LONG_AGO)
    assert len(mails) == 1
    first = box._watching._client
    list(box.fetch("inbox", cursor, LONG_AGO))
    assert box._watching._client is first
    time.seconds += 600
    list(box.fetch("inbox", cursor, LONG_AGO))
    assert box._watching._client is first
    time.seconds += 150  # three minutes before the end
    list(box.fetch("inbox", cursor, LONG_AGO))
    assert box._watching._client is not first
    assert len(graph.issuer.issued) >= before + 1
    box.close()


def test_a_token_of_somebody_else_is_refused_with_what_to_do(server: Dovecot) -> None:
    """The issuer of another tenant: its tokens are not ours, however fresh."""
    import jwt

    time = Time()
    with Graph() as other:
        signing = sign_in(other, monotonic=time)
        other.issuer.token = lambda audience: jwt.encode(  # type: ignore[method-assign]
            {"sub": "x", "appid": "y", "aud": audience}, "0" * 64, "HS256"
        )
        box = imap(server, signing, time)
        with pytest.raises(Permanent, match=r"IMAP\.AccessAsApp") as caught:
            box.check()
        assert "eyJ" not in str(caught.value)
        signing.token(EXCHANGE)
        time.seconds += 3_000  # old enough to have expired
        with pytest.raises(Transient, match="expired"):
            box.check()


@pytest.fixture
def smtp(graph: Graph, server: Dovecot) -> Iterator[Smtpd]:
    with Smtpd({}, server.certificates, server.lmtp_port, replacing=True, naming=True) as running:
        running.accept(
            lambda user, token: (
                user == SUPPORT and graph.issuer.valid(token, "https://outlook.office365.com")
            )
        )
        yield running


def outbox(smtp: Smtpd, signing: SignIn, user: str = SUPPORT) -> SmtpOutbox:
    return SmtpOutbox(
        host="localhost",
        port=smtp.port,
        security="starttls",
        user=user,
        authority=signing,
        scope=EXCHANGE,
        sender=SUPPORT,
        mailbox=None,
        clock=StoppedClock(),
        ca_file=Path(smtp.ca_file),
    )


def test_a_letter_leaves_by_token_and_once(graph: Graph, smtp: Smtpd, server: Dovecot) -> None:
    graph.issuer.lifetime = 3600
    sent = outbox(smtp, sign_in(graph)).send(letter("by-token"), lambda: None)
    assert len(sent.message_ids) == 2  # ours, and the one that the server gave it
    assert smtp.recipients == [[CUSTOMER, SUPPORT]]
    # Exchange files what it sends under Sent Items by itself; mailbot adds no second copy.
    assert server.mailbox_of(SUPPORT, "Sent") == []


def test_a_mailbox_that_the_app_may_not_send_for(graph: Graph, smtp: Smtpd) -> None:
    time = Time()
    signing = sign_in(graph, monotonic=time)
    begun: list[bool] = []
    with pytest.raises(Permanent, match=r"SMTP\.SendAsApp"):
        outbox(smtp, signing, "annen@firma.test").send(letter("no"), lambda: begun.append(True))
    signing.token(EXCHANGE)
    graph.issuer.revoke_all()
    time.seconds += 1_800
    with pytest.raises(Transient, match="expired"):
        outbox(smtp, signing).send(letter("old"), lambda: begun.append(True))
    outbox(smtp, signing).send(letter("new"), lambda: begun.append(True))
    assert begun == [True]
