"""A mailbox on an Exchange Server of the organisation's own, by EWS; read without a trace.

An id changes when its mail moves to another folder: a mail that a colleague moved counts as gone
here, and as new where it was moved to, if that folder is watched.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from mailbot.clients.ews import EwsClient, Gone, StaleState
from mailbot.errors import Transient
from mailbot.mailboxes import ews_folders, folders
from mailbot.mailboxes.ews_entries import Entries
from mailbot.mailboxes.ews_finding import Finder
from mailbot.mailboxes.ews_reading import Cursor, Page, missed, page, parse, read
from mailbot.ports import Entry, EntryKind, Fetched, MailQuery, MailRef

if TYPE_CHECKING:
    from exchangelib import Account


class EwsMailbox:
    """One mailbox. Every call may raise Transient or Permanent.

    watch: well-known names or paths. mark: a category. poll: seconds between two looks while
    waiting.
    """

    def __init__(
        self,
        *,
        name: str,
        client: EwsClient,
        watch: Sequence[str] = (folders.INBOX, folders.JUNK),
        mark: str = "",
        poll: float = 60.0,
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
        self._finder = Finder(name, client)
        self._entries = Entries(name, client)
        self._states: dict[str, str] = {}  # folder -> the state to which it was read

    def check(self) -> Sequence[str]:
        """Sign in, open the watched folders, read one mail. Raises Permanent for a missing one."""
        warnings = []
        for folder in self._watch:
            if self.client.call("listing folders", partial(ews_folders.find, name=folder)):
                continue
            if folder != folders.JUNK:
                raise ews_folders.missing(self.name, folder)
            warnings.append(f"mailbox {self.name}: there is no {folder} folder (yet)")
        self.client.call("reading a mail", _read_one)
        return warnings

    def watched(self) -> Sequence[str]:
        """The watched folders, as configured."""
        return self._watch

    def fetch(
        self, folder: str, cursor: str | None, since: datetime
    ) -> Iterator[tuple[Sequence[Fetched], str]]:
        """New mail by its creation in the folder. A state that the server no longer honours reads
        again what arrived at or after `since`.

        A mail that is listed and not handed over holds up no other; it is asked for again each
        time. When the rest is through, Transient says so, ever more rarely.
        """
        state = parse(cursor)
        from_start = state is None
        state, told = state or Cursor(), cursor
        doing = "looking for new mail"
        self._states.pop(folder, None)
        while True:
            try:
                turn = self._turn(folder, state, since if from_start else None)
            except StaleState:
                if from_start:
                    raise
                from_start, state = True, Cursor(missing=state.missing)
                continue
            if turn is None:
                if folder not in (folders.JUNK, "sentitems"):
                    raise ews_folders.missing(self.name, folder)
                return
            asked, after = turn
            wanted = [*asked, *state.missing] if after.last else asked
            mails, held_back = self.client.call(doing, partial(read, ids=wanted))
            state = Cursor(state=after.state, missing=missed(state.missing, held_back, wanted))
            if mails or state.text() != told:
                told = state.text()
                yield tuple(self._fetched(folder, m.id, m.raw, m.arrived) for m in mails), told
            if after.last:
                break
        self._states[folder] = state.state
        if any(count & (count - 1) == 0 for count in state.missing.values()):  # 1st, 2nd, 4th, 8th…
            raise Transient(
                f"mailbox {self.name}: the server does not hand over {len(state.missing)} mails of "
                f"{folder}"
            )

    def marked(self, everywhere: bool, known: Callable[[MailRef], bool]) -> Iterator[Fetched]:
        """Mail with the category, whoever put it there."""
        if self._mark:
            yield from self._finder.marked(self._mark, self._watch, everywhere, known)

    def wait(self, seconds: float) -> None:
        """Return when a look shows new mail, on `wake()`, or after `seconds`."""
        until = self._monotonic() + seconds
        while True:
            left = until - self._monotonic()
            if self._bell.wait(max(0.0, min(left, self._poll))):
                self._bell.clear()
                return
            if self._monotonic() >= until or self._something_new():
                return

    def wake(self) -> None:
        """End a `wait()`, or the next one if nobody waits."""
        self._bell.set()

    def raw(self, ref: MailRef) -> bytes | None:
        """The bytes of a mail, or None if it is gone from its folder."""
        mails: list[bytes] = []

        def work(account: "Account", item: Any) -> None:
            found, held_back = read(account, [item.id])
            if held_back:
                raise Transient(f"mailbox {self.name}: the server does not hand over a mail")
            mails.extend(mail.raw for mail in found)

        self._if_there("reading a mail", ref, work)
        return mails[0] if mails else None

    def mark(self, ref: MailRef) -> None:
        """Put the category on a mail."""
        if self._mark:
            self._if_there("marking a mail", ref, self._put_mark)

    def file(self, ref: MailRef, folder: str) -> None:
        """Move a mail; a folder that does not exist is made."""
        self._if_there(
            "moving a mail", ref, lambda a, item: item.move(to_folder=ews_folders.make(a, folder))
        )

    def search(self, query: MailQuery) -> Iterator[Fetched]:
        """Every mail in every folder that matches, whole; also what was deleted and can still be
        recovered."""
        return self._finder.search(query)

    def delete(self, ref: MailRef, purge: bool) -> None:
        """Delete one mail. `purge`: past what the person can recover, subject to holds of the
        organisation. Else to the bin, and from the bin to Recoverable Items."""

        def work(account: "Account", item: Any) -> None:
            if purge:
                item.delete()
            elif item.parent_folder_id.id == account.trash.id:
                item.soft_delete()
            else:
                item.move_to_trash()

        self._if_there("deleting a mail", ref, work)

    def entries(self, kind: EntryKind) -> Iterator[Entry]:
        """Every contact, or every appointment and series, in all folders but the bin."""
        return self._entries.all(kind)

    def entry(self, kind: EntryKind, key: str) -> Entry | None:
        """A contact or an appointment as it is now, None if it is gone."""
        return self._entries.one(kind, key)

    def delete_entry(self, kind: EntryKind, key: str, purge: bool) -> None:
        """Delete a contact or an appointment, as `delete` does a mail."""
        self._entries.delete(kind, key, purge)

    def close(self) -> None:
        """A wait ends; hang up."""
        self._bell.set()
        self.client.close()

    def _turn(
        self, folder: str, state: Cursor, since: datetime | None
    ) -> tuple[list[str], Page] | None:
        """The ids of the next mails that count, and where the folder stands after them."""

        def work(account: "Account") -> Page | None:
            found = ews_folders.find(account, folder)
            return None if found is None else page(account, found, state.state)

        after = self.client.call("looking for new mail", work)
        if after is None:
            return None
        return [key for key, at in after.came if since is None or at is None or at >= since], after

    def _fetched(self, folder: str, key: str, raw: bytes, arrived: datetime) -> Fetched:
        ref = MailRef(mailbox=self.name, folder=folder, id=key)
        return Fetched(ref=ref, raw=raw, arrived=arrived)

    def _if_there(self, doing: str, ref: MailRef, work: Callable[["Account", Any], object]) -> None:
        """Do something with a mail that lies where its ref says; a mail that is gone is left be."""

        def at_mail(account: "Account") -> None:
            from exchangelib import errors

            folder = ews_folders.find(account, ref.folder)
            fields = ["categories", "parent_folder_id"]
            (item,) = account.fetch([(ref.id, None)], only_fields=fields)
            if isinstance(item, errors.EWSError):
                raise item
            if folder is not None and item.parent_folder_id.id == folder.id:
                work(account, item)

        try:
            self.client.call(doing, at_mail)
        except Gone:
            return

    def _put_mark(self, _: "Account", item: Any) -> None:
        there = list(item.categories or [])
        if self._mark not in there:
            item.categories = [*there, self._mark]
            item.save(update_fields=["categories"])

    def _something_new(self) -> bool:
        def work(account: "Account") -> bool:
            for folder, state in self._states.items():
                found = ews_folders.find(account, folder)
                if found is not None and page(account, found, state, most=1).came:
                    return True
            return False

        try:
            return self.client.call("waiting for mail", work)
        except StaleState:
            return True


def _read_one(account: "Account") -> None:
    for item in account.inbox.all().only("id")[:1]:
        read(account, [item.id])
