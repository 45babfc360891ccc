"""Finding mail on an IMAP server: the server proposes, `matching` decides."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from mailbot.clients import decode
from mailbot.errors import MailbotError
from mailbot.mailboxes import imap_search, matching
from mailbot.mailboxes.imap_connection import Client, Connection
from mailbot.mailboxes.imap_folders import Folders, exists, numbers
from mailbot.mailboxes.imap_reading import Meta, batches, bodies, heads, metas
from mailbot.ports import Fetched, MailQuery, MailRef

Known = Callable[[MailRef], bool]

_HEADS_AT_ONCE = 200
_LONG_AGO = datetime.fromtimestamp(0, UTC)


class Finder:
    """Searches every folder of one account over its working connection."""

    def __init__(self, mailbox: str, connection: Connection, folders: Folders) -> None:
        self._mailbox = mailbox
        self._connection = connection
        self._folders = folders
        self._utf8: bool | None = None  # whether SEARCH knows the charset; None: not yet tried

    def search(self, query: MailQuery) -> Iterator[Fetched]:
        """Every mail that matches, whole, each once in the folder where it lies."""
        query = matching.usable(query)
        if not (query.addresses or query.phrases or query.header):
            return
        with self._connection.session("listing folders") as client:
            names = self._folders.read(client).searchable()
        for name in names:
            uidvalidity, by_head, by_words = self._candidates(name, query)
            wanted = sorted({*self._by_head(name, uidvalidity, by_head, query), *by_words})
            if wanted:
                yield from self._matching(name, uidvalidity, wanted, query)

    def marked(
        self, keyword: str, watch: Sequence[str], everywhere: bool, known: Known
    ) -> Iterator[Fetched]:
        """Every mail that bears a keyword, whole, but for what is known."""
        with self._connection.session("listing folders") as client:
            names = self._folders.read(client).for_marks(watch, everywhere)
        for server, name in names.items():
            with self._connection.session("looking for marks") as client:
                selected = self._folders.opened(client, server) or {}
                uidvalidity = numbers(selected, client)[0]
                uids = _with_keyword(client, selected, keyword)
            wanted = [uid for uid in uids if not known(self._ref(name, uidvalidity, uid))]
            for meta, raw in self._whole(server, uidvalidity, wanted):
                ref = self._ref(name, uidvalidity, meta.uid)
                yield Fetched(ref=ref, raw=raw, arrived=meta.arrived or _LONG_AGO)

    def _ref(self, folder: str, uidvalidity: int, uid: int) -> MailRef:
        return MailRef(mailbox=self._mailbox, folder=folder, id=f"{uidvalidity}/{uid}")

    def _candidates(self, name: str, query: MailQuery) -> tuple[int, list[int], list[int]]:
        """UIDVALIDITY, the UIDs whose headers may match, and those whose words may."""
        try:
            found = self._asked(name, query, utf8=self._utf8 is not False)
        except MailbotError:
            if self._utf8 is not None or all(phrase.isascii() for phrase in query.phrases):
                raise
            self._utf8 = False  # some refuse the charset, some hang up on it: ask without
            found = self._asked(name, query, utf8=False)
        return found

    def _asked(self, name: str, query: MailQuery, utf8: bool) -> tuple[int, list[int], list[int]]:
        with self._connection.session("searching") as client:
            selected = self._folders.opened(client, name) or {}
            there = exists(selected)
            by_head: set[int] = set()
            for criteria in imap_search.header_criteria(query):
                by_head.update(imap_search.uids(client, there, criteria))
            by_words: set[int] = set()
            for terms in imap_search.phrase_criteria(query.phrases, utf8):
                by_words.update(imap_search.find(client, there, terms))
                if utf8 and not all(term.isascii() for term in terms):
                    self._utf8 = True
            return numbers(selected, client)[0], sorted(by_head), sorted(by_words)

    def _by_head(
        self, name: str, uidvalidity: int, uids: Sequence[int], query: MailQuery
    ) -> Iterator[int]:
        """Of many proposed mails, those whose headers really match."""
        wanted = (*matching.ADDRESS_HEADERS, *(query.header or ())[:1])
        for start in range(0, len(uids), _HEADS_AT_ONCE):
            with self._connection.session("searching") as client:
                self._folders.reopen(client, name, uidvalidity)
                found = heads(client, uids[start : start + _HEADS_AT_ONCE], wanted)
            for uid, head in found.items():
                if matching.head_matches(query, decode.head(head)):
                    yield uid

    def _matching(
        self, name: str, uidvalidity: int, uids: Sequence[int], query: MailQuery
    ) -> Iterator[Fetched]:
        for meta, raw in self._whole(name, uidvalidity, uids):
            if matching.matches(query, raw):
                ref = self._ref(name, uidvalidity, meta.uid)
                yield Fetched(ref=ref, raw=raw, arrived=meta.arrived or _LONG_AGO)

    def _whole(
        self, name: str, uidvalidity: int, uids: Sequence[int]
    ) -> Iterator[tuple[Meta, bytes]]:
        if not uids:
            return
        with self._connection.session("searching") as client:
            self._folders.reopen(client, name, uidvalidity)
            listed = metas(client, uids)
        for batch in batches(listed):
            with self._connection.session("searching") as client:
                self._folders.reopen(client, name, uidvalidity)
                raws = bodies(client, batch)
            for meta in batch:
                raw = raws.get(meta.uid)
                if raw is not None:
                    yield meta, raw


def _with_keyword(client: Client, selected: Mapping[bytes, object], keyword: str) -> list[int]:
    """Mails with a keyword; asked only of a folder that knows it (RFC 3501 § 7.2.6: FLAGS)."""
    flags = selected.get(b"FLAGS", ())
    known = {bytes(flag).lower() for flag in flags} if isinstance(flags, tuple) else set()
    if keyword.lower().encode() not in known:
        return []
    return imap_search.uids(client, exists(selected), f"KEYWORD {keyword}".encode())
