"""Mailboxes by kind. A new kind is a module, a line in KINDS and a parameter of the contract."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from mailbot.clients.smtp import SmtpOutbox
from mailbot.config import Imap, Mailbox, Smtp
from mailbot.errors import ConfigError, Permanent
from mailbot.mailboxes.imap import ImapMailbox
from mailbot.mailboxes.maildir import MaildirMailbox, MaildirOutbox
from mailbot.ports import Clock, Outbox
from mailbot.ports import Mailbox as MailboxPort

Secret = Callable[[str], str]  # "credential:NAME" -> its text


class Kind(Protocol):
    """How one kind of mailbox is opened. Nothing connects before it is used.

    `state` is where relative paths of mail start, `folder` where those of certificates do.
    """

    def mailbox(self, part: Mailbox, secret: Secret, state: Path, folder: Path) -> MailboxPort:
        """The mailbox itself."""

    def outbox(
        self,
        part: Mailbox,
        mailbox: MailboxPort,
        secret: Secret,
        state: Path,
        folder: Path,
        clock: Clock,
    ) -> Outbox:
        """The way in which this mailbox sends."""


class _Maildir:
    def mailbox(self, part: Mailbox, secret: Secret, state: Path, folder: Path) -> MailboxPort:
        if part.maildir is None:
            raise _lacks(part, "maildir")
        return MaildirMailbox(
            name=part.name,
            address=part.address,
            path=state / part.maildir.path,
            watch=part.watch,
            mark=part.mark,
        )

    def outbox(
        self,
        part: Mailbox,
        mailbox: MailboxPort,
        secret: Secret,
        state: Path,
        folder: Path,
        clock: Clock,
    ) -> Outbox:
        if part.maildir is None:
            raise _lacks(part, "maildir")
        return MaildirOutbox(state / part.maildir.outbox, clock)


class _Imap:
    def mailbox(self, part: Mailbox, secret: Secret, state: Path, folder: Path) -> MailboxPort:
        if part.imap is None:
            raise _lacks(part, "imap")
        return ImapMailbox(
            name=part.name,
            address=part.address,
            host=part.imap.host,
            port=part.imap.port,
            security=part.imap.security,
            user=part.imap.user,
            password=_password(secret, part.imap),
            watch=part.watch,
            mark=part.mark,
            ca_file=_ca_file(part.imap, folder),
        )

    def outbox(
        self,
        part: Mailbox,
        mailbox: MailboxPort,
        secret: Secret,
        state: Path,
        folder: Path,
        clock: Clock,
    ) -> Outbox:
        if part.smtp is None:
            raise _lacks(part, "smtp")
        return SmtpOutbox(
            host=part.smtp.host,
            port=part.smtp.port,
            security=part.smtp.security,
            user=part.smtp.user,
            password=_password(secret, part.smtp),
            sender=part.address,
            mailbox=mailbox,
            clock=clock,
            ca_file=_ca_file(part.smtp, folder),
        )


KINDS: Mapping[str, Kind] = {"maildir": _Maildir(), "imap": _Imap()}


def open_mailbox(part: Mailbox, secret: Secret, state: Path, folder: Path = Path()) -> MailboxPort:
    """The mailbox of one [[mailbox]] section. Raises Permanent for a kind that there is not."""
    return _kind(part).mailbox(part, secret, state, folder)


def open_outbox(
    part: Mailbox,
    mailbox: MailboxPort,
    secret: Secret,
    state: Path,
    clock: Clock,
    folder: Path = Path(),
) -> Outbox:
    """How one [[mailbox]] section sends; `mailbox` is where its witnesses are looked for."""
    return _kind(part).outbox(part, mailbox, secret, state, folder, clock)


def _kind(part: Mailbox) -> Kind:
    kind = KINDS.get(part.kind)
    if kind is None:
        known = ", ".join(KINDS)
        raise Permanent(f"mailbox {part.name}: kind {part.kind} is not built yet; use {known}")
    return kind


def _lacks(part: Mailbox, section: str) -> Permanent:
    return Permanent(
        f"mailbox {part.name}: kind {part.kind} needs a section [mailbox.{section}]; write one"
    )


def _ca_file(section: Imap | Smtp, folder: Path) -> Path | None:
    return folder / section.ca_file if section.ca_file else None


def _password(secret: Secret, section: Imap | Smtp) -> Callable[[], str]:
    """Asked anew at each sign-in, so that a renewed credential needs no restart."""

    def read() -> str:
        try:
            return secret(section.password)
        except ConfigError as error:
            raise Permanent(str(error)) from None

    return read
