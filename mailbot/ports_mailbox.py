"""What the rest of mailbot needs of a mailbox and of a way to send (see `ports`)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from mailbot.message import Outgoing, Sent
from mailbot.record import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRef:
    """Where a mail lies. `id` is the adapter's own (UIDVALIDITY/UID, file name, immutable id)."""

    mailbox: str  # name of the [[mailbox]]
    folder: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A mail as the server holds it. `arrived`: when our server took it (UTC)."""

    ref: MailRef
    raw: bytes
    arrived: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MailQuery:
    """Mail that is from, to or about somebody: any of `addresses`, or any of `phrases` in text."""

    addresses: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    header: tuple[str, str] | None = None  # an exact header, e.g. ("x-mailbot-effect", ID)


class Mailbox(Protocol):
    """A mailbox that people work in: reading leaves no trace (no \\Seen, no move).

    Safe to use from several threads. A call that hangs ends in `Transient` by its own timeout.
    """

    name: str
    address: str

    def check(self) -> Sequence[str]:
        """Sign in and list every folder. Raise Permanent if a watched one is missing."""

    def watched(self) -> Sequence[str]:
        """The watched folders, as configured."""

    def fetch(
        self, folder: str, cursor: str | None, since: datetime
    ) -> Iterator[tuple[Sequence[Fetched], str]]:
        """Mail that came after `cursor`, oldest first, in batches, each with the cursor after it.

        With no cursor, or one that the server no longer honours (changed UIDVALIDITY): all mail
        that arrived at or after `since`. Nothing new: yields nothing, or an empty batch when only
        the cursor moved, or there is no junk or sent folder (yet). A mail may be seen again after
        a resync; the store knows it by its bytes.
        """

    def marked(self, everywhere: bool, known: Callable[[MailRef], bool]) -> Iterator[Fetched]:
        """Mail that bears the category or keyword, whole, but for what is `known` already.

        In the watched folders; `everywhere`: in every folder but bin, drafts and sent. Nothing
        where the server keeps no such marks. Leaves no trace.
        """

    def wait(self, seconds: float) -> None:
        """Return when something may have come, after `seconds`, or on `wake()`."""

    def wake(self) -> None:
        """End a `wait()` from another thread."""

    def raw(self, ref: MailRef) -> bytes | None:
        """The bytes of a mail, or None if it is gone."""

    def mark(self, ref: MailRef) -> None:
        """Put the configured category or keyword on a mail. Twice is harmless; gone is harmless."""

    def file(self, ref: MailRef, folder: str) -> None:
        """Move a mail (only an answer to mailbot, or where configured). Gone is harmless."""

    def search(self, query: MailQuery) -> Iterator[Fetched]:
        """Every mail in every folder that matches, whole; each once.

        Where the server cannot search as asked (non-ASCII, say), search wider and match locally.
        """

    def delete(self, ref: MailRef, purge: bool) -> None:
        """Delete a mail; `purge`: past the bin, where the server can. Gone is harmless."""

    def close(self) -> None:
        """Hang up."""


EntryKind = Literal["contact", "appointment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A contact or an appointment as a person reads it. `id` is the adapter's own.

    columns: text by name, without empty ones; what a fingerprint covers. Lists stand in one text,
    parted by "; ", and people as "Name <address>".
    contact: name, given_name, middle_name, surname, nickname, file_as, title, initials, emails,
    phones, im_addresses, company, department, position, profession, office, addresses, websites,
    birthday, spouse, children, manager, assistant, notes.
    appointment: subject, start, end (ISO 8601, UTC), location, organizer, attendees, recurrence,
    text.
    """

    kind: EntryKind
    folder: str
    id: str
    columns: Row


@runtime_checkable
class HoldsEntries(Protocol):
    """A mailbox whose contacts and appointments can be reached. Reading leaves no trace."""

    def entries(self, kind: EntryKind) -> Iterator[Entry]:
        """Every entry of a kind in all folders or calendars, each once; the bin is left out.

        Recurring appointments come as the series. Raises NotAllowed where the sign-in may not read
        them (what is to be granted is named); else Permanent or Transient.
        """

    def entry(self, kind: EntryKind, key: str) -> Entry | None:
        """One entry as it is now, None if it is gone from here."""

    def delete_entry(self, kind: EntryKind, key: str, purge: bool) -> None:
        """Delete an entry; `purge`: past the bin, where the server can. Gone is harmless.

        An appointment to which others are invited may make the server write to them: the caller
        leaves those alone.
        """


@runtime_checkable
class Confined(Protocol):
    """A mailbox whose sign-in may reach further than it should."""

    address: str

    def opens(self, address: str) -> bool | None:
        """Whether this sign-in opens another mailbox too; None if there is no such mailbox."""

    def grants(self) -> Sequence[str]:
        """The permissions that it has for the whole organisation, as far as can be seen."""


class Outbox(Protocol):
    """Sends mail from one address."""

    def send(self, mail: Outgoing, begun: Callable[[], None]) -> Sent:
        """Send one mail. `begun()` is called once, just before the point of no return.

        Transient or Permanent before `begun()` means: surely not sent.
        """

    def find(self, effect: str) -> Sent | None:
        """The receipt of a mail that left earlier, by its effect id; None: no trace of it (yet)."""

    def certain(self, effect: str) -> bool:
        """Whether `find(effect) is None` proves that the mail never left (a folder; a draft)."""
