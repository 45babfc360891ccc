"""A mailbox over Microsoft Graph, as people share it: read without a trace.

Every request asks for immutable ids, which stay the same while a mail moves within its mailbox. A
received mail is never edited: from 31 December 2026 Graph refuses that; its mark is a category.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import structlog

from mailbot.clients.graph import GraphClient, values
from mailbot.clients.graph_faults import Denied, Gone, Resync
from mailbot.errors import Transient
from mailbot.mailboxes import folders
from mailbot.mailboxes.graph_cursor import Cursor, parse
from mailbot.mailboxes.graph_entries import Entries
from mailbot.mailboxes.graph_finding import Finder
from mailbot.mailboxes.graph_folders import RECOVERABLE, Folders, missing
from mailbot.mailboxes.graph_reading import Reader, Round, news
from mailbot.ports import Entry, EntryKind, Fetched, MailQuery, MailRef

log = structlog.get_logger()

_ID = re.compile(r"[A-Za-z0-9_=-]{20,500}")
# permanentDelete exists in the worldwide cloud only (its metadata elsewhere lack it).
_WITHOUT_PURGE = re.compile(r"(?:^|\.)(?:graph\.microsoft\.us|dod-graph\.microsoft\.us|"
                            r"microsoftgraph\.chinacloudapi\.cn|sovcloud[.-].*)$")  # fmt: skip
_COLOUR = "preset4"


class GraphMailbox:
    """One mailbox of a Microsoft 365 tenant. Every call may raise Transient or Permanent.

    watch: well-known names or paths. mark: a category, made once if the app may. poll: seconds
    between two looks while waiting. marks_every: seconds between two looks for categories set by
    hand, each of which is a call.
    """

    def __init__(
        self,
        *,
        name: str,
        client: GraphClient,
        watch: Sequence[str] = (folders.INBOX, folders.JUNK),
        mark: str = "",
        poll: float = 60.0,
        marks_every: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.address = client.address
        self.client = client
        self._watch = tuple(watch)
        self._mark = mark
        self._poll = poll
        self._monotonic = monotonic
        self._bell = threading.Event()
        self._folders = Folders(client)
        self._reader = Reader(client)
        self._purges = not _WITHOUT_PURGE.search(_host(client.base))
        self._finder = Finder(client, self._folders, recoverable=self._purges)
        self._entries = Entries(client, purges=self._purges)
        self._marks_every, self._marks_due = marks_every, 0.0
        self._marked = False  # whether the category is known to exist
        self._fetched_to: dict[str, Cursor] = {}

    def check(self) -> Sequence[str]:
        """Sign in, list folders, read one mail. Raises Permanent if a watched one is missing."""
        warnings = []
        known = self._folders.read()
        for folder in self._watch:
            if folder.casefold() in known or folder in known:
                continue
            if folder not in folders.MAY_BE_MISSING:
                raise missing(self.name, folder)
            warnings.append(f"mailbox {self.name}: there is no {folder} folder (yet)")
        self._read_one()
        try:
            self._categories()
        except Denied:
            warnings.append(
                f"mailbox {self.name}: the category is put on mail without a colour; grant "
                "MailboxSettings.ReadWrite to have it made"
            )
        if not self._purges:
            warnings.append(
                f"mailbox {self.name}: this cloud cannot purge; deleted mail stays in Recoverable "
                "Items until its retention ends"
            )
        return warnings

    def opens(self, address: str) -> bool | None:
        """Whether this sign-in opens another mailbox too; None if there is no such mailbox."""
        return self.client.opens(address)

    def grants(self) -> Sequence[str]:
        """The permissions that the app has in the whole tenant, as far as its token shows."""
        return self.client.grants()

    def watched(self) -> Sequence[str]:
        """The watched folders, as configured."""
        return self._watch

    def fetch(
        self, folder: str, cursor: str | None, since: datetime
    ) -> Iterator[tuple[Sequence[Fetched], str]]:
        """New mail by delta query: in the steady state one call. A token that is no longer
        honoured reads again what arrived at or after `since`, and leaves out what it had lately."""
        state = parse(cursor) or Cursor(since=since)
        self._fetched_to.pop(folder, None)
        look = Round(self.client, self.name, folder, self._folders.find, state)
        told = cursor
        try:
            for mails, after in look.batches(since):
                text = after.text()
                if mails or text != told:
                    yield mails, text
                told = text
        except Gone:
            if folder not in folders.MAY_BE_MISSING:
                raise missing(self.name, folder) from None
            return
        self._fetched_to[folder] = look.state

    def marked(self, everywhere: bool, known: Callable[[MailRef], bool]) -> Iterator[Fetched]:
        """Mail with the category, whoever put it there; the case of its letters does not matter."""
        now = self._monotonic()
        if not self._mark or (not everywhere and now < self._marks_due):
            return
        self._marks_due = now + self._marks_every
        yield from self._finder.marked(self._mark, self._watch, everywhere, known)

    def wait(self, seconds: float) -> None:
        """Return when a look shows new mail, on `wake()`, or after `seconds`."""
        until = self._monotonic() + seconds
        while True:
            left = until - self._monotonic()
            if self._bell.wait(max(0.0, min(left, self._poll))):
                self._bell.clear()
                return
            # At the end of its patience the caller looks itself: one call per folder and round.
            if self._monotonic() >= until or self._something_new():
                return

    def wake(self) -> None:
        """End a `wait()`, or the next one if nobody waits."""
        self._bell.set()

    def raw(self, ref: MailRef) -> bytes | None:
        """The bytes of a mail, or None if it is gone from its folder."""
        doing = "reading a mail"
        return self._reader.raw(ref.id, doing) if self._lies(ref, doing) else None

    def mark(self, ref: MailRef) -> None:
        """Put the category on a mail, wherever it lies now."""
        if not self._mark or not _ID.fullmatch(ref.id):
            return
        doing = "marking a mail"
        try:
            url = self.client.url(f"/messages/{ref.id}", select="categories")
            there = self.client.get(url, doing).get("categories")
            categories = [str(one) for one in there] if isinstance(there, list) else []
            if self._mark in categories:
                return
            self._make_category()
            self.client.patch(
                self.client.url(f"/messages/{ref.id}"),
                doing,
                {"categories": [*categories, self._mark]},
            )
        except Gone:
            return

    def file(self, ref: MailRef, folder: str) -> None:
        """Move a mail; a folder that does not exist is made."""
        doing = "moving a mail"
        if self._lies(ref, doing):
            self._move(ref, self._folders.make(folder), doing)

    def search(self, query: MailQuery) -> Iterator[Fetched]:
        """Every mail in every folder that matches, whole; also what was deleted and can still be
        recovered. Archive mailboxes are out of reach."""
        return self._finder.search(query)

    def delete(self, ref: MailRef, purge: bool) -> None:
        """Delete one mail. `purge`: to where no client reaches; a hold or a retention rule of the
        organisation keeps it there all the same. Else to the bin, and from the bin to Recoverable
        Items."""
        doing = "deleting a mail"
        if not self._lies(ref, doing):
            return
        try:
            if purge and self._purges:
                url = self.client.url(f"/messages/{ref.id}/permanentDelete")
                self.client.post(url, doing)
                return
            bin_ = self._folders.find(folders.TRASH)
            if purge:
                self._move(ref, RECOVERABLE, doing)
            elif bin_ is None or bin_ == self._folders.find(ref.folder):
                self.client.delete(self.client.url(f"/messages/{ref.id}"), doing)
            else:
                self._move(ref, bin_, doing)
        except Gone:
            return

    def entries(self, kind: EntryKind) -> Iterator[Entry]:
        """Every contact in all folders, or every appointment and series of its own calendars."""
        return self._entries.all(kind)

    def entry(self, kind: EntryKind, key: str) -> Entry | None:
        """A contact or an appointment as it is now, None if it is gone."""
        return self._entries.one(kind, key)

    def delete_entry(self, kind: EntryKind, key: str, purge: bool) -> None:
        """Delete a contact or an appointment, as `delete` does a mail."""
        self._entries.delete(kind, key, purge)

    def close(self) -> None:
        """A wait ends; nothing is held open."""
        self._bell.set()

    def _lies(self, ref: MailRef, doing: str) -> bool:
        """Whether a mail lies in the folder of its ref."""
        if not _ID.fullmatch(ref.id):
            return False
        url = self.client.url(f"/messages/{ref.id}", select="parentFolderId")
        try:
            parent = self.client.get(url, doing).get("parentFolderId")
        except Gone:
            return False
        return parent in (ref.folder, self._folders.find(ref.folder))

    def _move(self, ref: MailRef, folder: str, doing: str) -> None:
        url = self.client.url(f"/messages/{ref.id}/move")
        try:
            self.client.post(url, doing, {"destinationId": folder})
        except Gone:
            return

    def _read_one(self) -> None:
        url = self.client.url("/mailFolders/inbox/messages", select="id", top=1)
        for one in values(self.client.get(url, "reading a mail")):
            self._reader.raw(str(one["id"]), "reading a mail")

    def _categories(self) -> list[str]:
        url = self.client.url("/outlook/masterCategories")
        pages = self.client.pages(url, "making the category")
        return [str(one.get("displayName")) for page in pages for one in page]

    def _make_category(self) -> None:
        """The category among those of the mailbox; where the app may not make it, it has no
        colour."""
        if self._marked:
            return
        try:
            if self._mark not in self._categories():
                self.client.post(
                    self.client.url("/outlook/masterCategories"),
                    "making the category",
                    {"displayName": self._mark, "color": _COLOUR},
                )
        except (Denied, Gone):
            log.info("graph-no-category", mailbox=self.name)
        except Transient as error:
            if error.retry_after is not None:
                raise
            log.info("graph-category-made-by-others", mailbox=self.name)
        self._marked = True

    def _something_new(self) -> bool:
        for state in tuple(self._fetched_to.values()):
            try:
                document = self.client.get(state.link, "waiting for mail")
            except (Resync, Gone):
                return True
            if news(document, state) or self.client.next_link(document):
                return True
        return False


def _host(base: str) -> str:
    return base.partition("://")[2].partition("/")[0].partition(":")[0].lower()
