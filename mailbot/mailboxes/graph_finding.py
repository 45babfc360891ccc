"""Finding mail over Graph: the server proposes, `matching` decides.

Addresses are looked for in those of every mail (a list of the whole mailbox, a few hundred a call):
an index knows no Reply-To, cuts words as it likes and stops at 1,000 hits. Words are looked for by
the index (KQL), in slices of time where there are 1,000 hits or more. What lies in Recoverable
Items is searched as well; archive mailboxes are out of reach.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from mailbot.clients.graph import Document, GraphClient, literal, values
from mailbot.clients.graph_faults import Gone
from mailbot.mailboxes import folders, matching
from mailbot.mailboxes.graph_folders import RECOVERABLE, Folders
from mailbot.mailboxes.graph_reading import Listed, Reader, listed
from mailbot.ports import Fetched, MailQuery, MailRef

PAGE = 500  # addresses alone are small
HITS = 250
MOST_HITS = 1_000  # of one search; what is beyond is left out without a word
INTERNET_HEADERS = "{00020386-0000-0000-C000-000000000046}"  # MS-OXPROPS, PS_INTERNET_HEADERS
_SEARCHING = "searching"
_PEOPLE = ("from", "sender", "toRecipients", "ccRecipients", "bccRecipients", "replyTo")
_PLAIN = "id,parentFolderId,receivedDateTime"
_EVERYWHERE = ("/messages", f"/mailFolders/{RECOVERABLE}/messages")
_FIRST = datetime(1990, 1, 1, tzinfo=UTC)
_LONGEST = 200  # letters of one word


class Finder:
    """Searches one mailbox whole. recoverable: whether Recoverable Items can be purged, and so
    are searched."""

    def __init__(self, client: GraphClient, directory: Folders, recoverable: bool = True) -> None:
        self._client = client
        self._folders = directory
        self._reader = Reader(client)
        self._places = _EVERYWHERE if recoverable else _EVERYWHERE[:1]

    def search(self, query: MailQuery) -> Iterator[Fetched]:
        """Every mail that matches, whole, each once. Of those found only ids are held in memory."""
        query = matching.usable(query)
        if not (query.addresses or query.phrases or query.header):
            return
        candidates = self._candidates(query)
        if candidates:
            self._folders.read()
        ordered = sorted(candidates.values(), key=lambda mail: mail.arrived)
        for done, _gone, lost in self._reader.batches(ordered, _SEARCHING):
            for mail, raw in done:
                if matching.matches(query, raw):
                    name = self._folders.name(mail.folder)
                    ref = MailRef(mailbox=self._client.name, folder=name, id=mail.id)
                    yield Fetched(ref=ref, raw=raw, arrived=mail.arrived)
            for mail in lost:
                self._reader.raw(mail.id, _SEARCHING)  # says what is wrong

    def marked(
        self, mark: str, watch: Sequence[str], everywhere: bool, known: Callable[[MailRef], bool]
    ) -> Iterator[Fetched]:
        """Every mail that bears a category, whole, but for what is known. Watched folders, or
        everywhere but where a mark calls for nothing."""
        mails = self._with_category("/messages", mark)
        names = {self._folders.find(name): name for name in watch}
        if everywhere and mails:
            self._folders.read()
            passed = {self._folders.find(name) for name in folders.NOT_FOR_MARKS}
            mails = [mail for mail in mails if mail.folder not in passed]
        elif mails:
            mails = [mail for mail in mails if mail.folder in names]
        refs = {mail.id: self._ref(mail, names) for mail in mails}
        fresh = [mail for mail in mails if not known(refs[mail.id])]
        for done, _gone, _lost in self._reader.batches(fresh, "looking for marks"):
            for mail, raw in done:
                yield Fetched(ref=refs[mail.id], raw=raw, arrived=mail.arrived)

    def _with_category(self, place: str, mark: str) -> list[Listed]:
        expression = f"categories/any(c:c eq {literal(mark)})"
        url = self._client.url(place, filter=expression, select=f"{_PLAIN},categories", top=250)
        found: dict[str, Listed] = {}
        for page in self._client.pages(url, "looking for marks"):
            for document in page:
                _keep(found, document)
        return list(found.values())

    def _ref(self, mail: Listed, names: Mapping[str | None, str]) -> MailRef:
        name = names.get(mail.folder) or self._folders.name(mail.folder)
        return MailRef(mailbox=self._client.name, folder=name, id=mail.id)

    def _candidates(self, query: MailQuery) -> dict[str, Listed]:
        found: dict[str, Listed] = {}
        searches = [kql(phrase) for phrase in query.phrases]
        everything = None in searches
        by_header = query.header and _header_filter(*query.header)
        if query.addresses or everything or (query.header and not by_header):
            whole = everything or bool(query.header and not by_header)
            for document in self._all():
                if whole or _addressed(query, document):
                    _keep(found, document)
        for place in self._places if not everything else ():
            if by_header:
                self._by_filter(place, by_header, found)
            for search in dict.fromkeys(searches):
                assert search is not None
                self._by_words(place, search, found)
        return found

    def _all(self) -> Iterator[Document]:
        """Every mail with its addresses, by time of arrival: what moves meanwhile is not missed."""
        select = ",".join((_PLAIN, *_PEOPLE))
        for place in self._places:
            yield from self._in_order(place, select)

    def _in_order(self, place: str, select: str) -> Iterator[Document]:
        after = _FIRST
        seen: set[str] = set()
        url = self._page_from(place, select, after)
        while True:
            try:
                document = self._client.get(url, _SEARCHING)
            except Gone:
                return
            part = values(document)
            yield from (one for one in part if one.get("id") not in seen)
            further = self._client.next_link(document)
            if further is None:
                return
            last = max((mail.arrived for one in part if (mail := listed(one))), default=after)
            seen = {str(one.get("id")) for one in part}
            # The link counts from the top, and what is deleted meanwhile would make it skip some;
            # only where one second holds more than a page is there no other way.
            url = self._page_from(place, select, last) if last > after else further
            after = max(after, last)

    def _page_from(self, place: str, select: str, after: datetime) -> str:
        return self._client.url(
            place,
            filter=f"receivedDateTime ge {after.strftime('%Y-%m-%dT%H:%M:%SZ')}",
            orderby="receivedDateTime",
            select=select,
            top=PAGE,
        )

    def _by_filter(self, place: str, expression: str, found: dict[str, Listed]) -> None:
        url = self._client.url(place, filter=expression, select=_PLAIN, top=50)
        try:
            for page in self._client.pages(url, _SEARCHING):
                for document in page:
                    _keep(found, document)
        except Gone:
            return

    def _by_words(self, place: str, search: str, found: dict[str, Listed]) -> None:
        """All hits of a search. Of a full slice the oldest day seen, and all before it, are
        searched again; if the hits came in no order of time, so is what lies after it."""
        slices: list[tuple[datetime | None, datetime | None]] = [(None, None)]
        while slices:
            first, last = slices.pop()
            hits = self._hits(place, _within(search, first, last), found)
            if len(hits) < MOST_HITS:
                continue
            days = [hit.arrived for hit in hits]
            low, high = min(days), max(days)
            if high - low < timedelta(days=1):
                # A thousand hits within a day: no smaller slice can be asked for.
                self._whole_span(place, low, high, found)
                slices += [(first, low - timedelta(days=1)), (high + timedelta(days=1), last)]
                continue
            edge = low + timedelta(days=1)
            falling = all(b <= a + timedelta(days=1) for a, b in zip(days, days[1:], strict=False))
            slices.append((first, edge))
            if not falling or edge >= high:
                middle = low + (high - low) / 2
                slices[-1] = (first, middle)
                slices.append((middle, last))

    def _hits(self, place: str, search: str, found: dict[str, Listed]) -> list[Listed]:
        url = self._client.url(place, search=search, select=_PLAIN, top=HITS)
        hits: list[Listed] = []
        try:
            for page in self._client.pages(url, _SEARCHING):
                hits += [mail for document in page if (mail := _keep(found, document))]
        except Gone:
            return []
        return hits

    def _whole_span(
        self, place: str, low: datetime, high: datetime, found: dict[str, Listed]
    ) -> None:
        first, last = low.strftime("%Y-%m-%dT00:00:00Z"), high.strftime("%Y-%m-%dT23:59:59Z")
        expression = f"receivedDateTime ge {first} and receivedDateTime le {last}"
        url = self._client.url(
            place, filter=expression, orderby="receivedDateTime", select=_PLAIN, top=PAGE
        )
        for page in self._client.pages(url, _SEARCHING):
            for document in page:
                _keep(found, document)


def kql(phrase: str) -> str | None:
    """A phrase in Keyword Query Language; None if it holds no word that an index could know.

    The words of a name may be broken over lines or by a tag, so each is sought by itself; numbers
    and addresses are sought whole. Each is looked for in the text, among the people, and in the
    names of files.
    """
    words = [word[:_LONGEST] for word in re.findall(r"[^\W_]+", phrase)][:20]
    if not words:
        return None
    if not re.search(r"\s", phrase.strip()) or all(word.isdigit() for word in words):
        words = [" ".join(words)]
    terms = [f'"{word}"' for word in words]
    places = ("", "participants:", "attachment:")
    joined = (" AND ".join(f"{place}{term}" for term in terms) for place in places)
    return " OR ".join(f"({one})" for one in joined)


def _within(search: str, first: datetime | None, last: datetime | None) -> str:
    """A search within days, both included, quoted as an option wants it."""
    days = [f"received>={first.date().isoformat()}"] if first else []
    days += [f"received<={last.date().isoformat()}"] if last else []
    whole = " AND ".join((f"({search})", *days)) if days else search
    escaped = whole.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _header_filter(name: str, value: str) -> str:
    """An exact header as a filter, if it can be one."""
    if name.casefold() == "message-id":
        return f"internetMessageId eq {literal(value)}"
    if name.casefold().startswith("x-") and re.fullmatch(r"[\w@.+-]{1,200}", value):
        tag = literal(f"String {INTERNET_HEADERS} Name {name.casefold()}")
        value = literal(value)
        return f"singleValueExtendedProperties/any(p: p/id eq {tag} and p/value eq {value})"
    return ""


def _addressed(query: MailQuery, document: Document) -> bool:
    shown: list[str] = []
    for name in _PEOPLE:
        people = document.get(name)
        for one in people if isinstance(people, list) else [people]:
            inner = one.get("emailAddress") if isinstance(one, dict) else None
            if isinstance(inner, dict) and isinstance(inner.get("address"), str):
                shown.append(inner["address"])
    return any(matching.same_address(key, one) for key in query.addresses for one in shown)


def _keep(found: dict[str, Listed], document: Document) -> Listed | None:
    mail = listed(document)
    if mail is not None:
        found.setdefault(mail.id, mail)
    return mail
