"""All mail servers of a story together: Dovecot, Postfix, and servers that misbehave on request."""

import contextlib
import smtplib
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.servers import dovecot, postfix
from tests.servers.dovecot import USERS, Dovecot
from tests.servers.postfix import HOST, Postfix
from tests.servers.process import Started
from tests.servers.smtpd import Smtpd


def missing() -> str:
    """Why the servers cannot be started here; empty if they can."""
    return dovecot.missing() or postfix.missing()


class MailServers(Started):
    """Mailboxes for all users, an internet side, and a submission side.

    imap_port: TLS. starttls_port: IMAP with STARTTLS. smtp_port: submission with STARTTLS and
    sign-in. mx_port: the internet side, without sign-in. lmtp_port: straight into a mailbox.
    mx_host: the name in Received lines that the organisation's own server writes.
    """

    def __init__(self, users: Mapping[str, str] = USERS) -> None:
        self.users = dict(users)
        self.mx_host = HOST
        self._stack = contextlib.ExitStack()
        try:
            self.dovecot = Dovecot(self.users)
            self._stack.callback(self.dovecot.stop)
            self.certificates = self.dovecot.certificates
            self.postfix = Postfix(
                self.users,
                lmtp_port=self.dovecot.lmtp_port,
                sasl_port=self.dovecot.sasl_port,
                chain=self.certificates.chain,
                key=self.certificates.key,
            )
            self._stack.callback(self.postfix.stop)
        except BaseException:
            self._stack.close()
            raise
        self.imap_port = self.dovecot.imap_port
        self.starttls_port = self.dovecot.starttls_port
        self.lmtp_port = self.dovecot.lmtp_port
        self.smtp_port = self.postfix.smtp_port
        self.mx_port = self.postfix.mx_port

    @property
    def ca_file(self) -> Path:
        """The authority that signed every server's certificate."""
        return self.certificates.ca_file

    def replacing_smtp(self, *, naming: bool = True, implicit_tls: bool = False) -> Smtpd:
        """A submission server that replaces every Message-ID; `naming`: it says so in its answer.

        It runs until the mail servers stop.
        """
        return self._smtpd(replacing=True, naming=naming, implicit_tls=implicit_tls)

    def faulty_smtp(self, *, implicit_tls: bool = False) -> Smtpd:
        """A submission server that does the faults asked of it (see `Smtpd.fault`)."""
        return self._smtpd(replacing=False, naming=False, implicit_tls=implicit_tls)

    def _smtpd(self, *, replacing: bool, naming: bool, implicit_tls: bool) -> Smtpd:
        server = Smtpd(
            self.users,
            self.certificates,
            self.lmtp_port,
            replacing=replacing,
            naming=naming,
            implicit_tls=implicit_tls,
        )
        self._stack.callback(server.stop)
        return server

    def deliver(self, recipient: str, raw: bytes, sender: str = "") -> None:
        """Straight into a mailbox by LMTP, past Postfix."""
        self.dovecot.deliver(recipient, raw, sender)

    def from_internet(self, sender: str, recipient: str, raw: bytes) -> None:
        """A mail from outside: it gets the verdict that its envelope sender earns."""
        with smtplib.SMTP("127.0.0.1", self.mx_port, timeout=10) as client:
            client.sendmail(sender, [recipient], raw)

    def submit(self, sender: str, recipient: str, raw: bytes) -> None:
        """A mail that a signed-in user sends with a program of their own."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        with smtplib.SMTP("localhost", self.smtp_port, timeout=10) as client:
            client.starttls(context=context)
            client.login(sender, self.users[sender])
            client.sendmail(sender, [recipient], raw)

    def mailbox_of(self, user: str, folder: str = "INBOX") -> list[bytes]:
        """The raw mails in a user's folder, oldest first."""
        return self.dovecot.mailbox_of(user, folder)

    def stop(self) -> None:
        """End every server, the last started first."""
        self._stack.close()


@contextlib.contextmanager
def mail_servers(
    tmp: Path | None = None, users: Mapping[str, str] = USERS
) -> Iterator[MailServers]:
    """Every mail server for the length of a with block.

    `tmp` is accepted for symmetry with other servers; mail servers drop their privileges and need
    a folder of their own that they may enter.
    """
    servers = MailServers(users)
    try:
        yield servers
    finally:
        servers.stop()
