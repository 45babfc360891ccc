"""Sending by SMTP submission (RFC 6409), step by step, so that it is always known what happened.

The envelope carries the mailbox's own address as a further recipient: the copy that arrives there
is the witness by which a mail is found again after a crash, under whatever Message-ID the server
gave it.
"""

import contextlib
import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

from mailbot.clients import decode, tls
from mailbot.clients.microsoft import SignIn
from mailbot.clients.mime import EFFECT_HEADER, ascii_address, build
from mailbot.errors import MailbotError, Permanent, Transient
from mailbot.message import Outgoing, Sent
from mailbot.ports import Clock, Mailbox, MailQuery

_ENHANCED = re.compile(rb"\s*([245]\.\d{1,3}\.\d{1,3})\b")
_NAMED_ID = re.compile(rb"<([^<>\s@]{1,400}@[^<>\s@]{1,255})>")
_CHUNK = 65_536
_BARE_NEWLINE = re.compile(rb"(?<!\r)\n|\r(?!\n)")


class SmtpOutbox:
    """Sends as `sender` through a submission server that demands a sign-in over TLS.

    authority, scope: issue tokens for XOAUTH2, instead of a password. Nothing is put into Sent:
    Exchange does so itself.

    security: "starttls" or "tls" (RFC 8314); there is no sending in the clear. password: asked at
    each sign-in. mailbox: the sender's own, for `find()`; without it nothing is ever found again.
    timeout: seconds that any single answer may take; answer_timeout: the same for the answer to
    the whole mail, for which servers need long (RFC 5321 § 4.5.3.2.6): giving up early would leave
    it unknown whether the mail left.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        security: Literal["starttls", "tls"],
        user: str,
        password: Callable[[], str] = str,
        authority: SignIn | None = None,
        scope: str = "",
        sender: str,
        mailbox: Mailbox | None,
        clock: Clock,
        ca_file: Path | None = None,
        timeout: float = 60.0,
        answer_timeout: float = 300.0,
    ) -> None:
        self._host = host
        self._port = port
        self._security = security
        self._user = user
        self._password = password
        self._authority = authority
        self._scope = scope
        self._sender = sender
        self._mailbox = mailbox
        self._clock = clock
        self._ca_file = ca_file
        self._timeout = timeout
        self._answer_timeout = answer_timeout

    def certain(self, effect: str) -> bool:
        """False: the witness may be late, or a person may have deleted it."""
        return False

    def check(self) -> None:
        """Connect and sign in, sending nothing. Raises Transient or Permanent."""
        with self._translated(), self._signed_in():
            return

    def send(self, mail: Outgoing, begun: Callable[[], None]) -> Sent:
        """Send one mail; `begun()` is called before the line that hands it over.

        Before `begun()`, Transient and Permanent mean: surely not sent. After it, an error whose
        `undone` is true means the same (the server refused); any other leaves it unknown: ask
        `find()` later.
        """
        now = self._clock.now()
        raw = build(mail, now)
        recipients = [ascii_address(address.address) for address in mail.to]
        with self._translated(), self._signed_in() as client:
            self._envelope(client, recipients, raw)
            _hand_over(client, raw, begun)
            answer = self._last_answer(client)
        named = [found.decode("ascii", "replace") for found in _NAMED_ID.findall(answer)]
        ids = dict.fromkeys((mail.message_id, *named[:1]))
        return Sent(effect=mail.effect, message_ids=tuple(ids), at=now)

    def find(self, effect: str) -> Sent | None:
        """The receipt of a mail by its witness (or a Sent copy), with every Message-ID observed.

        Only copies from our own address count: the header alone could be written by anybody who
        has had a mail of ours.
        """
        if self._mailbox is None:
            return None
        ids: dict[str, None] = {}
        earliest: datetime | None = None
        for copy in self._mailbox.search(MailQuery(header=(EFFECT_HEADER.lower(), effect))):
            head = decode.head(copy.raw)
            senders = {address.address.lower() for address in head.addresses("from")}
            if senders != {self._sender.lower()}:
                continue
            ids.update(dict.fromkeys(head.ids("message-id")))
            earliest = min(copy.arrived, earliest or copy.arrived)
        return Sent(effect=effect, message_ids=tuple(ids), at=earliest) if earliest else None

    def _envelope(self, client: smtplib.SMTP, recipients: list[str], raw: bytes) -> None:
        """MAIL and RCPT (RFC 5321 § 3.3): nothing is sent by these."""
        sender = ascii_address(self._sender)
        options = [f"size={len(raw)}"] if client.has_extn("size") else []
        limit = client.esmtp_features.get("size", "")
        if limit.isdigit() and 0 < int(limit) < len(raw):
            raise Permanent(
                f"{self._name}: the mail is larger than the server takes ({limit} octets); "
                "send a smaller access package or deliver it by hand"
            )
        if not all(address.isascii() for address in (sender, *recipients)) or not raw.isascii():
            if not client.has_extn("smtputf8"):
                raise Permanent(
                    f"{self._name}: an address needs SMTPUTF8 (RFC 6531), which the server lacks; "
                    "answer this person another way"
                )
            options += ["SMTPUTF8", "BODY=8BITMIME"]
        self._accepted(client.mail(sender, options), "the sender address")
        for number, recipient in enumerate(recipients, 1):
            self._accepted(client.rcpt(recipient), f"recipient {number}")
        if sender.lower() not in {recipient.lower() for recipient in recipients}:
            # The witness. A server that refuses it still sends the mail: then a Sent copy, if the
            # server keeps one, is all that `find()` can go by.
            client.rcpt(sender)

    def _last_answer(self, client: smtplib.SMTP) -> bytes:
        """The server's answer to the whole mail; an error of its own says that it was not taken."""
        if client.sock is not None:
            client.sock.settimeout(max(self._timeout, self._answer_timeout))
        code, text = client.getreply()
        if code != 250:
            error = self._refused(code, text, "the mail")
            error.undone = 400 <= code < 600
            raise error
        return text

    def _accepted(self, answer: tuple[int, bytes], what: str) -> None:
        code, text = answer
        if code not in (250, 251, 252):
            raise self._refused(code, text, what)

    def _refused(self, code: int, text: bytes | str, what: str) -> MailbotError:
        """The server's text names addresses and is left out; its codes say enough."""
        octets = text.encode("utf-8", "replace") if isinstance(text, str) else text
        enhanced = _ENHANCED.match(octets)
        said = f"{code} {enhanced[1].decode()}" if enhanced else str(code)
        message = f"{self._name}: the server refused {what} with {said}"
        if 500 <= code < 600:
            return Permanent(f"{message}; see RFC 3463 for the code, correct the cause and retry")
        return Transient(message)

    @property
    def _name(self) -> str:
        return f"smtp {self._host}:{self._port}"

    @contextlib.contextmanager
    def _signed_in(self) -> Iterator[smtplib.SMTP]:
        context = tls.context(self._ca_file)
        client = (
            smtplib.SMTP_SSL(self._host, self._port, timeout=self._timeout, context=context)
            if self._security == "tls"
            else smtplib.SMTP(self._host, self._port, timeout=self._timeout)
        )
        try:
            client.ehlo_or_helo_if_needed()
            if self._security == "starttls":
                if not client.has_extn("starttls"):
                    raise Permanent(f"{self._name}: no STARTTLS; use port 465 with security = tls")
                client.starttls(context=context)
                client.ehlo()
            self._sign_in(client)
            yield client
            with contextlib.suppress(OSError, smtplib.SMTPException):
                client.quit()  # the mail is sent; a lost goodbye changes nothing
        finally:
            client.close()

    def _sign_in(self, client: smtplib.SMTP) -> None:
        if self._authority is not None:
            self._sign_in_by_token(client, self._authority)
            return
        try:
            client.login(self._user, self._password())
        except smtplib.SMTPAuthenticationError as error:
            if error.smtp_code < 500:
                raise self._refused(error.smtp_code, error.smtp_error, "the sign-in") from None
            raise Permanent(
                f"{self._name}: sign-in refused with {error.smtp_code}; check mailbox.smtp.user "
                "and the credential that mailbox.smtp.password names"
            ) from None
        except smtplib.SMTPNotSupportedError as error:
            raise Permanent(
                f"{self._name}: the server offers no sign-in by password here; check the port and "
                "mailbox.smtp.security"
            ) from error

    def _sign_in_by_token(self, client: smtplib.SMTP, authority: SignIn) -> None:
        """SASL XOAUTH2. An app's token names no user: the mailbox is the one named beside it."""
        token = authority.token(self._scope)

        def answer(challenge: bytes | None = None) -> str:
            # A refusal comes as a challenge with the reason, to be answered with nothing.
            return "" if challenge else f"user={self._user}\1auth=Bearer {token}\1\1"

        try:
            client.auth("XOAUTH2", answer)
        except smtplib.SMTPAuthenticationError as error:
            if error.smtp_code < 500:
                raise self._refused(error.smtp_code, error.smtp_error, "the sign-in") from None
            if authority.refused(self._scope):
                raise Transient(f"{self._name}: the token has expired", 0.0) from None
            raise Permanent(
                f"{self._name}: sign-in by OAuth refused with {error.smtp_code}; the app needs the "
                "permission SMTP.SendAsApp with admin consent, and SMTP AUTH switched on for this "
                "mailbox"
            ) from None

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Every failure of the library and the network as Transient or Permanent."""
        try:
            yield
        except smtplib.SMTPResponseException as error:
            raise self._refused(error.smtp_code, error.smtp_error, "to go on") from None
        except ssl.SSLCertVerificationError as error:
            raise Permanent(
                f"{self._name}: the server's certificate does not verify ({error.reason}); "
                "check mailbox.smtp.host, or name its authority in mailbox.smtp.ca_file"
            ) from None
        except smtplib.SMTPException as error:
            raise Transient(f"{self._name}: {type(error).__name__}") from None
        except UnicodeError:
            raise Permanent(f"{self._name}: user or password cannot be sent as written") from None
        except OSError as error:
            raise Transient(f"{self._name}: {type(error).__name__}") from None


def _hand_over(client: smtplib.SMTP, raw: bytes, begun: Callable[[], None]) -> None:
    """DATA up to its last line; then `begun()`; then the dot that hands the mail over.

    A server may not deliver what lacks the final dot (RFC 5321 § 4.1.1.4), so until then a lost
    connection means: not sent.
    """
    code, text = client.docmd("DATA")
    if code != 354:
        raise smtplib.SMTPDataError(code, text)
    stuffed = re.sub(rb"(?m)^\.", b"..", _BARE_NEWLINE.sub(b"\r\n", raw))
    if not stuffed.endswith(b"\r\n"):
        stuffed += b"\r\n"
    for start in range(0, len(stuffed), _CHUNK):  # each chunk has the whole timeout to itself
        client.send(stuffed[start : start + _CHUNK])
    begun()
    client.send(b".\r\n")
