"""A mailbox over IMAP (RFC 3501), as people share it: read without a trace.

Reading opens folders with EXAMINE and fetches with PEEK, so no flag changes. Two connections: one
watches and fetches new mail; the other, opened when it is first needed, serves everything else, so
that a long search never delays the watch.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from mailbot.errors import Permanent, Transient
from mailbot.mailboxes import folders, imap_search
from mailbot.mailboxes.imap_connection import Account, Authority, Client, Connection
from mailbot.mailboxes.imap_finding import Finder
from mailbot.mailboxes.imap_folders import Folders, exists, numbers, uid_in
from mailbot.mailboxes.imap_reading import Cursor, Meta, batches, bodies, metas, parse_cursor
from mailbot.mailboxes.imap_waiting import Bell, Ended, idle
from mailbot.ports import Fetched, MailQuery, MailRef

_POLL_SECONDS = 10.0  # without IDLE
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class ImapMailbox:
    """One account's mailbox. Connects when it is first used; every call may raise Transient or
    Permanent, after which the next call connects anew.

    authority, scope: issue tokens for XOAUTH2, instead of a password; a connection is made anew
    before its token ends.

    watch: well-known names or paths. mark: put on mails as a keyword; signs that a keyword cannot
    hold become "_". Where the server keeps no keywords (Exchange), marking does nothing, and
    `check()` says so.
    """

    def __init__(
        self,
        *,
        name: str,
        address: str,
        host: str,
        port: int,
        security: Literal["tls", "starttls"],
        user: str,
        password: Callable[[], str] = str,
        authority: Authority | None = None,
        scope: str = "",
        watch: Sequence[str] = (folders.INBOX, folders.JUNK),
        mark: str = "",
        ca_file: Path | None = None,
        timeout: float = 60.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.address = address
        self._watch = tuple(watch)
        self._keyword = re.sub(r"[^A-Za-z0-9_$.-]", "_", mark)
        self._monotonic = monotonic
        account = Account(
            name=name,
            host=host,
            port=port,
            security=security,
            user=user,
            password=password,
            authority=authority,
            scope=scope,
            ca_file=ca_file,
            timeout=timeout,
        )
        self._watching = Connection(account, monotonic)
        self._working = Connection(account, monotonic)
        self._folders = Folders(name)
        self._bell = Bell()
        self._fetched_to: dict[str, tuple[int, int]] = {}  # folder -> UIDVALIDITY, UIDNEXT
        self._finder = Finder(name, self._working, self._folders)

    def check(self) -> Sequence[str]:
        """Sign in, open every watched folder. Raises Permanent if one but junk is missing."""
        warnings = []
        with self._working.session("checking") as client:
            self._folders.read(client)
            for folder in self._watch:
                if self._folders.opened(client, folder) is None:
                    warnings.append(f"mailbox {self.name}: there is no {folder} folder (yet)")
            if not client.has_capability("IDLE"):
                warnings.append(f"mailbox {self.name}: no IDLE; new mail is noticed by polling")
            if not client.has_capability("UIDPLUS"):
                warnings.append(f"mailbox {self.name}: no UIDPLUS; mail cannot be purged singly")
            # Only SELECT tells which flags are kept (RFC 3501 § 6.3.2); it changes none itself.
            selected = self._folders.opened(client, folders.INBOX, readonly=False) or {}
            if self._keyword and not self._takes_keyword(selected):
                warnings.append(f"mailbox {self.name}: the server keeps no keywords; no marks")
        return warnings

    def watched(self) -> Sequence[str]:
        """The watched folders, as configured."""
        return self._watch

    def fetch(
        self, folder: str, cursor: str | None, since: datetime
    ) -> Iterator[tuple[Sequence[Fetched], str]]:
        """New mail by UID. A changed UIDVALIDITY reads again what arrived at or after `since`.

        A mail that the server lists but does not hand over holds up no other; it is asked for
        again each time. When the rest is through, Transient says so, ever more rarely.
        """
        with self._watching.session("looking for new mail") as client:
            selected = self._folders.opened(client, folder)
            if selected is None:
                self._fetched_to.pop(folder, None)
                return
            state, uids = self._new_uids(client, selected, cursor, since)
            uidvalidity, uidnext = numbers(selected, client)
            self._fetched_to[folder] = (uidvalidity, uidnext)
            listed = metas(client, uids)
        lost = sorted(set(uids) - {meta.uid for meta in listed})
        wanted = [meta for meta in listed if _counts(meta, state, since)]
        old = [meta.uid for meta in listed if not _counts(meta, state, since)]
        state = state.without(old).after(0, lost)
        told = cursor
        for batch in batches(wanted):
            with self._watching.session("fetching mail") as client:
                self._folders.reopen(client, folder, state.uidvalidity)
                raws = bodies(client, batch)
            unseen = [meta.uid for meta in batch if meta.uid not in raws]
            state = state.without(list(raws)).after(batch[-1].uid, unseen)
            lost += unseen
            told = state.text()
            yield tuple(self._fetched(folder, state, meta, raws, since) for meta in batch
                        if meta.uid in raws), told  # fmt: skip
        state = state.after(max(uids, default=0))
        if state.text() != told:
            yield (), state.text()
        if any(_worth_telling(state.missing.get(uid, 0)) for uid in lost):
            raise Transient(
                f"mailbox {self.name}: the server does not hand over {len(lost)} mails of {folder}"
            )

    def marked(self, everywhere: bool, known: Callable[[MailRef], bool]) -> Iterator[Fetched]:
        """Mail with the keyword, whoever put it there; the case of its letters does not matter."""
        if self._keyword:
            yield from self._finder.marked(self._keyword, self._watch, everywhere, known)

    def wait(self, seconds: float) -> None:
        """IDLE on the first watched folder; the others are compared before and after.

        Returns when mail may have come, on `wake()`, or after `seconds`. Raises Transient when
        the connection is lost.
        """
        until = self._monotonic() + seconds
        while not self._bell.silence():
            left = until - self._monotonic()
            with self._watching.session("waiting for mail") as client:
                if left <= 0 or self._something_new(client):
                    return
                ended = None
                if client.has_capability("IDLE"):
                    ended = idle(client, self._bell, left, self._monotonic)
            if ended is Ended.CONFUSED:
                self._watching.drop()
            if ended in (Ended.CONFUSED, Ended.CALLED):
                return
            if ended is None and self._bell.wait(min(left, _POLL_SECONDS)):
                return

    def wake(self) -> None:
        """End a `wait()` from another thread."""
        self._bell.ring()

    def raw(self, ref: MailRef) -> bytes | None:
        """The bytes of a mail, or None if it is gone from its folder."""
        with self._working.session("reading a mail") as client:
            uid = self._open_for(client, ref, readonly=True)
            if uid is None:
                return None
            found = metas(client, [uid])
            if not found:
                return None
            raw = bodies(client, found).get(uid)
        if raw is None:
            raise Transient(f"mailbox {self.name}: the server does not hand over mail {ref.id}")
        return raw

    def mark(self, ref: MailRef) -> None:
        """Put the keyword on a mail; where the server keeps none, nothing happens."""
        if not self._keyword:
            return
        with self._working.session("marking a mail") as client:
            selected = self._folders.opened(client, ref.folder, readonly=False)
            uid = uid_in(ref, selected)
            if uid is not None and selected is not None and self._takes_keyword(selected):
                client.add_flags([uid], [self._keyword], silent=True)

    def file(self, ref: MailRef, folder: str) -> None:
        """Move a mail; a folder that does not exist is made."""
        with self._working.session("moving a mail") as client:
            uid = self._open_for(client, ref, readonly=False)
            if uid is not None and metas(client, [uid]):
                self._move(client, uid, folder)

    def search(self, query: MailQuery) -> Iterator[Fetched]:
        """Every mail in every folder of the account that matches, whole.

        No connection is held while the caller works on a mail.
        """
        return self._finder.search(query)

    def delete(self, ref: MailRef, purge: bool) -> None:
        """Delete one mail and no other. Without `purge` it goes to the bin, if it is not there.

        Without UIDPLUS a plain EXPUNGE would remove whatever others have marked as deleted, so
        the mail goes to the bin; if it lies there already, Permanent says what to do.
        """
        with self._working.session("deleting a mail") as client:
            uid = self._open_for(client, ref, readonly=False)
            if uid is None or not metas(client, [uid]):
                return
            bin_ = self._folders.find(client, folders.TRASH)
            in_bin = bin_ is not None and bin_ == self._folders.find(client, ref.folder)
            single = client.has_capability("UIDPLUS")
            if single and (purge or in_bin):
                client.add_flags([uid], ["\\Deleted"], silent=True)
                client.uid_expunge([uid])
            elif not in_bin:
                self._move(client, uid, folders.TRASH)
            else:
                raise Permanent(
                    f"mailbox {self.name}: the server cannot remove one single mail (no UIDPLUS); "
                    "empty its bin by hand"
                )

    def close(self) -> None:
        """Hang up; a wait ends."""
        self._bell.ring()
        self._watching.close()
        self._working.close()

    def _open_for(self, client: Client, ref: MailRef, readonly: bool) -> int | None:
        """The UID of a mail in its open folder; None if the folder is gone or was renumbered."""
        if self._folders.find(client, ref.folder) is None:
            return None
        return uid_in(ref, self._folders.opened(client, ref.folder, readonly))

    def _takes_keyword(self, selected: Mapping[bytes, object]) -> bool:
        flags = selected.get(b"PERMANENTFLAGS", ())
        known = {bytes(flag).lower() for flag in flags} if isinstance(flags, tuple) else set()
        return b"\\*" in known or self._keyword.lower().encode() in known

    def _move(self, client: Client, uid: int, folder: str) -> None:
        name = self._folders.find(client, folder) or self._folders.make(client, folder)
        if client.has_capability("MOVE"):
            client.move([uid], name)
            return
        client.copy([uid], name)
        client.add_flags([uid], ["\\Deleted"], silent=True)
        if client.has_capability("UIDPLUS"):
            client.uid_expunge([uid])

    def _new_uids(
        self, client: Client, selected: Mapping[bytes, object], cursor: str | None, since: datetime
    ) -> tuple[Cursor, list[int]]:
        """The cursor to go on from, and the UIDs to look at."""
        uidvalidity, uidnext = numbers(selected, client)
        there = exists(selected)
        state = parse_cursor(cursor)
        if state is None or state.uidvalidity != uidvalidity:
            state = Cursor(uidvalidity=uidvalidity, uid=0, old_to=uidnext - 1)
            # SEARCH compares days in the server's own time zone (RFC 3501 § 6.4.4).
            day = since.astimezone(UTC) - timedelta(days=1)
            text = f"SINCE {day.day:02d}-{_MONTHS[day.month - 1]}-{day.year}"
            found = imap_search.uids(client, there, text.encode())
            state = state if found else state.after(uidnext - 1)
            return state, found
        # "n:*" always holds the last mail, even if it is older than n.
        new = imap_search.uids(client, there, f"UID {state.uid + 1}:*".encode())
        new = [uid for uid in new if uid > state.uid]
        if state.missing:
            asked = ",".join(str(uid) for uid in sorted(state.missing))
            listed = imap_search.uids(client, there, f"UID {asked}".encode())
            state = state.without([uid for uid in state.missing if uid not in listed])
            new = sorted({*new, *listed})
        return state, new

    def _fetched(
        self, folder: str, state: Cursor, meta: Meta, raws: Mapping[int, bytes], since: datetime
    ) -> Fetched:
        ref = MailRef(mailbox=self.name, folder=folder, id=f"{state.uidvalidity}/{meta.uid}")
        return Fetched(ref=ref, raw=raws[meta.uid], arrived=meta.arrived or since)

    def _something_new(self, client: Client) -> bool:
        """Whether a watched folder has other numbers than when it was fetched.

        The first is opened before the others are asked about: IDLE speaks of the open folder
        alone, and STATUS tells old news of it (RFC 3501 § 6.3.10).
        """
        for folder in self._watch:
            name = self._folders.find(client, folder)
            if name is None:
                continue
            if folder == self._watch[0]:
                found = numbers(self._folders.opened(client, folder) or {}, client)
            else:
                status = client.folder_status(name, ("UIDVALIDITY", "UIDNEXT"))
                found = (status.get(b"UIDVALIDITY", 0), status.get(b"UIDNEXT", 0))
            if found != self._fetched_to.get(folder):
                return True
        return False


def _counts(meta: Meta, state: Cursor, since: datetime) -> bool:
    return meta.uid > state.old_to or meta.arrived is None or meta.arrived >= since


def _worth_telling(tries: int) -> bool:
    return tries > 0 and tries & (tries - 1) == 0  # the 1st, 2nd, 4th, 8th… time
