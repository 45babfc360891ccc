"""Mailboxes by kind. A new kind is a module, a line in KINDS and a parameter of the contract."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mailbot.clients.microsoft import SignIns, exchange_scope
from mailbot.clients.smtp import SmtpOutbox
from mailbot.config import Ews, Imap, Mailbox, Smtp
from mailbot.errors import ConfigError, Permanent
from mailbot.mailboxes.imap import ImapMailbox
from mailbot.mailboxes.maildir import MaildirMailbox, MaildirOutbox
from mailbot.ports import Clock, Outbox
from mailbot.ports import Mailbox as MailboxPort

_MARKS_EVERY = 300.0  # seconds; each look costs a call

Secret = Callable[[str], str]  # "credential:NAME" -> its text


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What opening a mailbox needs beside its own section.

    secret: reads a credential. sign_ins: the apps of Microsoft. state: where relative paths of
    mail start; folder: where those of certificates do.
    """

    secret: Secret
    sign_ins: SignIns
    state: Path
    folder: Path
    clock: Clock


class Kind(Protocol):
    """How one kind of mailbox is opened. Nothing connects before it is used."""

    def mailbox(self, part: Mailbox, around: Surroundings) -> MailboxPort:
        """The mailbox itself."""

    def outbox(self, part: Mailbox, mailbox: MailboxPort, around: Surroundings) -> Outbox:
        """The way in which this mailbox sends."""


class _Maildir:
    def mailbox(self, part: Mailbox, around: Surroundings) -> MailboxPort:
        if part.maildir is None:
            raise _lacks(part, "maildir")
        return MaildirMailbox(
            name=part.name,
            address=part.address,
            path=around.state / part.maildir.path,
            watch=part.watch,
            mark=part.mark,
        )

    def outbox(self, part: Mailbox, mailbox: MailboxPort, around: Surroundings) -> Outbox:
        if part.maildir is None:
            raise _lacks(part, "maildir")
        return MaildirOutbox(around.state / part.maildir.outbox, around.clock)


class _Imap:
    def mailbox(self, part: Mailbox, around: Surroundings) -> MailboxPort:
        if part.imap is None:
            raise _lacks(part, "imap")
        return ImapMailbox(
            name=part.name,
            address=part.address,
            host=part.imap.host,
            port=part.imap.port,
            security=part.imap.security,
            user=part.imap.user,
            password=_password(around.secret, part.imap),
            authority=around.sign_ins.of(part.imap.oauth) if part.imap.oauth else None,
            scope=exchange_scope(part.imap.host),
            watch=part.watch,
            mark=part.mark,
            ca_file=_ca_file(part.imap, around.folder),
        )

    def outbox(self, part: Mailbox, mailbox: MailboxPort, around: Surroundings) -> Outbox:
        if part.smtp is None:
            raise _lacks(part, "smtp")
        return SmtpOutbox(
            host=part.smtp.host,
            port=part.smtp.port,
            security=part.smtp.security,
            user=part.smtp.user,
            password=_password(around.secret, part.smtp),
            authority=around.sign_ins.of(part.smtp.oauth) if part.smtp.oauth else None,
            scope=exchange_scope(part.smtp.host),
            sender=part.address,
            mailbox=mailbox,
            clock=around.clock,
            ca_file=_ca_file(part.smtp, around.folder),
        )


class _Graph:
    # Imported when first needed: only installations with Graph pay for it.

    def mailbox(self, part: Mailbox, around: Surroundings) -> MailboxPort:
        from mailbot.clients import http
        from mailbot.clients.graph import GraphClient
        from mailbot.mailboxes.graph import GraphMailbox

        if part.graph is None:
            raise _lacks(part, "graph")
        ca_file = around.folder / part.graph.ca_file if part.graph.ca_file else None
        client = GraphClient(
            name=part.name,
            address=part.address,
            base_url=part.graph.base_url,
            sign_in=around.sign_ins.of(part.graph),
            session=http.session(ca_file=ca_file, environment=part.graph.environment),
        )
        return GraphMailbox(
            name=part.name,
            client=client,
            watch=part.watch,
            mark=part.mark,
            poll=part.poll_seconds,
            marks_every=_MARKS_EVERY,
        )

    def outbox(self, part: Mailbox, mailbox: MailboxPort, around: Surroundings) -> Outbox:
        from mailbot.mailboxes.graph import GraphMailbox
        from mailbot.mailboxes.graph_outbox import GraphOutbox

        if not isinstance(mailbox, GraphMailbox):
            raise _lacks(part, "graph")
        return GraphOutbox(mailbox.client, around.clock)  # one pace for reading and sending


class _Ews:
    # exchangelib is large and slow to import: only installations with Exchange Server pay for it.

    def mailbox(self, part: Mailbox, around: Surroundings) -> MailboxPort:
        from mailbot.clients.ews import EwsClient
        from mailbot.mailboxes.ews import EwsMailbox

        if part.ews is None:
            raise _lacks(part, "ews")
        client = EwsClient(
            name=part.name,
            address=part.address,
            endpoint=part.ews.endpoint,
            user=part.ews.user,
            password=_password(around.secret, part.ews),
            auth=part.ews.auth,
            ca_file=_ca_file(part.ews, around.folder),
        )
        return EwsMailbox(
            name=part.name,
            client=client,
            watch=part.watch,
            mark=part.mark,
            poll=part.poll_seconds,
        )

    def outbox(self, part: Mailbox, mailbox: MailboxPort, around: Surroundings) -> Outbox:
        from mailbot.mailboxes.ews import EwsMailbox
        from mailbot.mailboxes.ews_outbox import EwsOutbox

        if not isinstance(mailbox, EwsMailbox):
            raise _lacks(part, "ews")
        return EwsOutbox(mailbox.client, around.clock)


KINDS: Mapping[str, Kind] = {
    "maildir": _Maildir(),
    "imap": _Imap(),
    "graph": _Graph(),
    "ews": _Ews(),
}


def open_mailbox(part: Mailbox, around: Surroundings) -> MailboxPort:
    """The mailbox of one [[mailbox]] section."""
    return _kind(part).mailbox(part, around)


def open_outbox(part: Mailbox, mailbox: MailboxPort, around: Surroundings) -> Outbox:
    """How one [[mailbox]] section sends; `mailbox` is where its witnesses are looked for."""
    return _kind(part).outbox(part, mailbox, around)


def _kind(part: Mailbox) -> Kind:
    return KINDS[part.kind]


def _lacks(part: Mailbox, section: str) -> Permanent:
    return Permanent(
        f"mailbox {part.name}: kind {part.kind} needs a section [mailbox.{section}]; write one"
    )


def _ca_file(section: Ews | Imap | Smtp, folder: Path) -> Path | None:
    return folder / section.ca_file if section.ca_file else None


def _password(secret: Secret, section: Ews | Imap | Smtp) -> Callable[[], str]:
    """Asked anew at each sign-in, so that a renewed credential needs no restart."""

    def read() -> str:
        try:
            return secret(section.password)
        except ConfigError as error:
            raise Permanent(str(error)) from None

    return read
