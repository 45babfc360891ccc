"""Finding mail on an IMAP server: the server proposes, `matching` decides."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from mailbot.clients import decode
from mailbot.errors import MailbotError
from mailbot.mailboxes import imap_search, matching
from mailbot.mailboxes.imap_connection import Connection
from mailbot.mailboxes.imap_folders import Folders, exists, numbers
from mailbot.mailboxes.imap_reading import batches, bodies, heads, metas
from mailbot.ports import Fetched, MailQuery, MailRef

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
        with self._connection.session("searching") as client:
            self._folders.reopen(client, name, uidvalidity)
            listed = metas(client, uids)
        for batch in batches(listed):
            with self._connection.session("searching") as client:
                self._folders.reopen(client, name, uidvalidity)
                raws = bodies(client, batch)
            for meta in batch:
                raw = raws.get(meta.uid)
                if raw is not None and matching.matches(query, raw):
                    ref = MailRef(
                        mailbox=self._mailbox, folder=name, id=f"{uidvalidity}/{meta.uid}"
                    )
                    yield Fetched(ref=ref, raw=raw, arrived=meta.arrived or _LONG_AGO)
