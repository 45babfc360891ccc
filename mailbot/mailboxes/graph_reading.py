"""New mail of one folder over Graph: rounds of a delta query, whole mails in small batches.

The delta names ids only; each mail is then read as the octets that came (`/$value`). Nothing is
filtered by the server: its filter would be frozen into the round's token, and mail moved in later
would never be seen. Only creations are asked for, so that reading or marking a mail brings nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from mailbot.clients.graph import Document, GraphClient, values
from mailbot.clients.graph_faults import Broken, Denied, Gone, Resync
from mailbot.errors import Permanent, Transient
from mailbot.mailboxes.graph_cursor import Cursor
from mailbot.ports import Fetched, MailRef

BATCH_MAILS = 50
BATCH_OCTETS = 20_000_000
PAGE = 200
READERS = 3  # of the four calls at once, one is left for others
_LOOKING, _FETCHING = "looking for new mail", "fetching mail"


@dataclass(frozen=True, slots=True)
class Listed:
    """A mail as lists name it. arrived: when our server took it."""

    id: str
    folder: str
    arrived: datetime


def listed(document: Document) -> Listed | None:
    """An item of a list; None for one that was removed."""
    key = document.get("id")
    if "@removed" in document or not isinstance(key, str):
        return None
    return Listed(key, str(document.get("parentFolderId", "")), _moment(document))


def _moment(document: Document) -> datetime:
    try:
        return datetime.fromisoformat(str(document.get("receivedDateTime"))).astimezone(UTC)
    except ValueError:
        return datetime.now(UTC)  # better looked at once more than left out


class Reader:
    """Reads whole mails, a few at once."""

    def __init__(self, client: GraphClient) -> None:
        self._client = client

    def raw(self, key: str, doing: str = _FETCHING) -> bytes | None:
        """The octets of a mail; None if it is gone."""
        try:
            return self._client.octets(self._client.url(f"/messages/{key}/$value"), doing)
        except Gone:
            return None

    def batches(
        self, mails: Sequence[Listed], doing: str = _FETCHING
    ) -> Iterator[tuple[list[tuple[Listed, bytes]], list[Listed], list[Listed]]]:
        """Mails read, mails gone and mails not handed over, in batches that fit in memory."""
        done: list[tuple[Listed, bytes]] = []
        gone: list[Listed] = []
        lost: list[Listed] = []
        size = 0
        with ThreadPoolExecutor(READERS, thread_name_prefix="graph") as pool:
            for start in range(0, len(mails), READERS):
                some = mails[start : start + READERS]
                raws = pool.map(lambda mail: self._or_lost(mail, doing), some)
                for mail, (raw, stumbled) in zip(some, raws, strict=True):
                    if raw is not None:
                        done.append((mail, raw))
                        size += len(raw)
                    else:
                        (lost if stumbled else gone).append(mail)
                if len(done) + READERS > BATCH_MAILS or size >= BATCH_OCTETS:
                    yield done, gone, lost
                    done, gone, lost, size = [], [], [], 0
        if done or gone or lost:
            yield done, gone, lost

    def _or_lost(self, mail: Listed, doing: str) -> tuple[bytes | None, bool]:
        """The octets, and whether the server stumbles over this one mail."""
        try:
            return self.raw(mail.id, doing), False
        except Denied:
            raise
        except (Broken, Permanent):
            return None, True


class Round:
    """One look at one folder, from a cursor on. `link` afterwards: where the next look begins."""

    def __init__(
        self,
        client: GraphClient,
        mailbox: str,
        folder: str,
        find: Callable[[str], str | None],
        cursor: Cursor,
    ) -> None:
        self._client = client
        self._reader = Reader(client)
        self._mailbox, self._folder, self._find = mailbox, folder, find
        self._state = cursor
        self._tries: list[int] = []  # of each mail that was not handed over in this round

    @property
    def state(self) -> Cursor:
        """The cursor after what was told last."""
        return self._state

    def batches(self, since: datetime) -> Iterator[tuple[Sequence[Fetched], Cursor]]:
        """Mails, each batch with the cursor after it. Raises Gone if the folder is not there.

        A mail that the server does not hand over holds up no other; it is asked for again each
        time. When the rest is through, Transient says so, ever more rarely.
        """
        yield from self._handed_over(self._missing(), self._state.link)
        again = False
        while True:
            link = self._state.link or self._first_link()
            prefer = f"odata.maxpagesize={PAGE}"
            try:
                document = self._client.get(link, _LOOKING, prefer=prefer)
            except Resync as error:
                if again:
                    raise Transient(str(error)) from None
                again = True
                # From the start; what was handled lately is known by its id, the rest by its bytes.
                self._state = replace(self._state, link="", since=since)
                continue
            further = self._client.next_link(document)
            after = further or self._client.next_link(document, "@odata.deltaLink")
            if after is None:
                raise Transient(f"mailbox {self._mailbox}, {_LOOKING}: a page leads nowhere")
            yield from self._handed_over(self._new(document), link)
            ended = further is None
            state = replace(self._state, link=after, since=None if ended else self._state.since)
            if state != self._state:
                self._state = state
                if ended:
                    yield (), state
            if ended:
                break
        if any(tries & (tries - 1) == 0 for tries in self._tries):  # the 1st, 2nd, 4th, 8th… time
            raise Transient(
                f"mailbox {self._mailbox}: the server does not hand over "
                f"{len(self._state.missing)} mails of {self._folder}"
            )

    def _first_link(self) -> str:
        key = self._find(self._folder)
        if key is None:
            raise Gone(f"mailbox {self._mailbox}: there is no folder {self._folder!r}")
        first = self._client.url(f"/mailFolders/{key}/messages/delta", select="id,receivedDateTime")
        return f"{first}&changeType=created"

    def _missing(self) -> list[Listed]:
        found = []
        for key in self._state.missing:
            try:
                url = self._client.url(f"/messages/{key}", select="id,receivedDateTime")
                mail = listed(self._client.get(url, _FETCHING))
            except Gone:
                mail = None
            except Broken:
                mail = Listed(key, "", datetime.now(UTC))
            if mail is None:
                self._state = self._state.handled([key])
            else:
                found.append(mail)
        return found

    def _new(self, document: Document) -> list[Listed]:
        """What of a page was not handled before, oldest first; old mail only moves the cursor."""
        found: dict[str, Listed] = {}
        for one in values(document):
            mail = listed(one)
            if mail is None or self._state.has(mail.id) or mail.id in self._state.missing:
                continue
            if self._state.since is None or mail.arrived >= self._state.since:
                found.setdefault(mail.id, mail)
        return sorted(found.values(), key=lambda mail: mail.arrived)

    def _handed_over(
        self, mails: Sequence[Listed], link: str
    ) -> Iterator[tuple[Sequence[Fetched], Cursor]]:
        for done, gone, lost in self._reader.batches(mails):
            handled = [mail.id for mail, _raw in done] + [mail.id for mail in gone]
            state = self._state.handled(handled, [mail.id for mail in lost])
            self._tries += [state.missing[mail.id] for mail in lost]
            self._state = replace(state, link=link)
            yield tuple(self._fetched(mail, raw) for mail, raw in done), self._state

    def _fetched(self, mail: Listed, raw: bytes) -> Fetched:
        ref = MailRef(mailbox=self._mailbox, folder=self._folder, id=mail.id)
        return Fetched(ref=ref, raw=raw, arrived=mail.arrived)


def news(document: Document, state: Cursor) -> bool:
    """Whether a page of a delta holds anything to fetch."""
    found: Iterable[Listed | None] = (listed(one) for one in values(document))
    return any(mail is not None and not state.has(mail.id) for mail in found)
