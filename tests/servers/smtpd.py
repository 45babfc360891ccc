"""A submission server of our own, with faults on request, that hands mail on by LMTP.

It can do what no well-behaved server does on demand: answer any code at any stage, hang up before
or after it took a mail, fall silent, and replace every Message-ID as Microsoft's does.
"""

import asyncio
import base64
import re
import smtplib
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from email.utils import make_msgid
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers.certs import Certificates
from tests.servers.process import Started, free_ports

STAGES = ("EHLO", "MAIL", "RCPT", "DATA")
HANG_UP = "hang up"  # the connection is lost before the mail is taken
TAKE_AND_HANG_UP = "take and hang up"  # the mail is taken, the answer is lost
SILENCE = "silence"  # no answer for a long time

_MESSAGE_ID = re.compile(rb"^Message-ID:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*\r?\n", re.I | re.M)


class Handler:
    """Takes mail, or does the fault that a test asked for."""

    def __init__(self, lmtp_port: int, replacing: bool, naming: bool) -> None:
        self._lmtp_port = lmtp_port
        self._replacing = replacing
        self._naming = naming
        self._faults: dict[str, list[str]] = {stage: [] for stage in STAGES}
        self.taken: list[bytes] = []
        self.recipients: list[list[str]] = []
        self.released = threading.Event()  # ends every silence

    def fault(self, stage: str, what: str) -> None:
        """What comes when this stage is reached next: an answer, a fault, or "" for neither."""
        self._faults[stage].append(what)

    async def _faulty(self, server: SMTP, stage: str) -> str | None:
        what = self._faults[stage].pop(0) if self._faults[stage] else None
        if what == SILENCE:
            await asyncio.get_running_loop().run_in_executor(None, self.released.wait, 30)
            return "421 4.4.2 too late"
        if what == HANG_UP:
            _cut(server)
            return "421 4.4.2 gone"
        return what

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802
        """SASL XOAUTH2 with a token that `accepts` likes."""
        said = args[1] if len(args) > 1 else (await server.challenge_auth(""))
        text = base64.b64decode(said).decode() if isinstance(said, str) else ""
        user, _sep, rest = text.removeprefix("user=").partition("\1auth=Bearer ")
        if self.accepts(user, rest.removesuffix("\1\1")):
            return AuthResult(success=True)
        await server.challenge_auth('{"status":"401"}')
        return AuthResult(success=False, handled=False)

    def accepts(self, user: str, token: str) -> bool:
        """Whether a token opens a mailbox; replaced by tests that sign in by token."""
        return False

    async def handle_MAIL(  # noqa: N802 (the library calls its handlers by these names)
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        if answer := await self._faulty(server, "MAIL"):
            return answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 (as above)
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        if answer := await self._faulty(server, "RCPT"):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 (as above)
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        answer = await self._faulty(server, "DATA")
        if answer and answer != TAKE_AND_HANG_UP:
            return answer
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        new = make_msgid(domain="EURP000.PROD.OUTLOOK.test")
        if self._replacing:
            raw = _MESSAGE_ID.sub(f"Message-ID: {new}\r\n".encode(), raw, count=1)
        self.taken.append(raw)
        self.recipients.append(list(envelope.rcpt_tos))
        hand_on = asyncio.get_running_loop().run_in_executor(None, self._hand_on, envelope, raw)
        refused = await hand_on
        if answer == TAKE_AND_HANG_UP:
            _cut(server)
        if refused:
            return refused
        return f"250 2.0.0 OK {new} [Hostname=EURP000]" if self._naming else "250 2.0.0 queued"

    def _hand_on(self, envelope: Envelope, raw: bytes) -> str:
        # One by one: LMTP answers for each recipient (RFC 2033 § 4.2), smtplib reads one answer.
        for recipient in envelope.rcpt_tos:
            try:
                with smtplib.LMTP("127.0.0.1", self._lmtp_port, timeout=10) as client:
                    client.sendmail(envelope.mail_from or "", [recipient], raw)
            except smtplib.SMTPRecipientsRefused as error:
                code, text = next(iter(error.recipients.values()))
                return f"{code} {text.decode(errors='replace')}"
        return ""


class _Controller(Controller):
    """aiosmtpd's thread, with a server that requires STARTTLS and a sign-in."""

    def __init__(self, handler: Handler, users: Mapping[str, str], **options: Any) -> None:
        self._users = users
        super().__init__(handler, **options)

    def _sign_in(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        known = isinstance(data, LoginPassword) and (
            self._users.get(data.login.decode(errors="replace"))
            == data.password.decode(errors="replace")
        )
        return AuthResult(success=known, handled=False)

    def factory(self) -> SMTP:
        """One server object per connection. Tokens are longer than a line of SMTP may be."""
        SMTP.line_length_limit = 12_288
        SMTP.command_size_limit = 12_288
        return SMTP(self.handler, authenticator=self._sign_in, **self.SMTP_kwargs)


class Smtpd(Started):
    """A running submission server. replacing: every Message-ID; naming: it in the 250 answer."""

    def __init__(
        self,
        users: Mapping[str, str],
        certificates: Certificates,
        lmtp_port: int,
        *,
        replacing: bool = False,
        naming: bool = False,
        implicit_tls: bool = False,
    ) -> None:
        self._handler = Handler(lmtp_port, replacing, naming)
        self.ca_file = certificates.ca_file
        (self.port,) = free_ports(1)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.chain, certificates.key)
        secured: dict[str, Any] = (
            {"ssl_context": context, "auth_require_tls": False}
            if implicit_tls
            else {"tls_context": context, "require_starttls": True, "auth_require_tls": True}
        )
        self._controller = _Controller(
            self._handler,
            users,
            hostname="127.0.0.1",
            port=self.port,
            server_hostname="smtp.firma.test",
            auth_required=True,
            enable_SMTPUTF8=True,
            **secured,
        )
        self._controller.start()

    def accept(self, accepts: Callable[[str, str], bool]) -> None:
        """By which user and token one may sign in."""
        self._handler.accepts = accepts  # type: ignore[method-assign] # a server's only setting

    @property
    def taken(self) -> list[bytes]:
        """Every mail taken, as handed on."""
        return self._handler.taken

    @property
    def recipients(self) -> list[list[str]]:
        """The envelope recipients of every mail taken."""
        return self._handler.recipients

    def fault(self, stage: str, what: str) -> None:
        """What comes when MAIL, RCPT or DATA is reached next: an answer, a fault, or ""."""
        self._handler.fault(stage, what)

    def stop(self) -> None:
        """End the server."""
        self._handler.released.set()
        self._controller.stop()


def _cut(server: SMTP) -> None:
    if isinstance(server.transport, asyncio.WriteTransport):
        server.transport.abort()


def until(condition: Any, seconds: float = 10.0) -> bool:
    """Wait for something that another process does; False if it did not happen in time."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if condition():
            return True
        time.sleep(0.02)
    return False
