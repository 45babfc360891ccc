"""Search on Exchange Server: asked widely, in two ways, and decided here.

The index answers a query in words (AQS) and may lag behind or leave a mail out; restrictions read
the stored headers, subjects and bodies themselves. What either brings is then read whole and judged
by `matching`, so that the server's idea of a word decides nothing.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from mailbot import identifiers
from mailbot.clients.ews import EwsClient
from mailbot.errors import Transient
from mailbot.mailboxes import ews_folders, matching
from mailbot.mailboxes.ews_reading import read
from mailbot.ports import Fetched, MailQuery, MailRef

if TYPE_CHECKING:
    from exchangelib import Account

_AT_ONCE = 25
_FOLDERS_AT_ONCE = 20
_LONGEST = 200  # signs of one key


class Finder:
    """Finds mail in all folders of a mailbox."""

    def __init__(self, name: str, client: EwsClient) -> None:
        self._name = name
        self._client = client

    def search(self, query: MailQuery) -> Iterator[Fetched]:
        """Every mail that matches, each once. Raises Transient or Permanent."""
        wanted = matching.usable(query)
        if not (wanted.addresses or wanted.phrases or wanted.header):
            return
        doing = "searching mail"
        places: dict[str, str] = self._client.call(doing, partial(_candidates, query=wanted))
        ids = list(places)
        for at in range(0, len(ids), _AT_ONCE):
            some = ids[at : at + _AT_ONCE]
            found, held_back = self._client.call(doing, partial(read, ids=some))
            if held_back:
                # A mail that cannot be read cannot be judged: the search was not complete.
                raise Transient(f"mailbox {self._name}: the server does not hand over a mail")
            for mail in found:
                if matching.matches(wanted, mail.raw):
                    ref = MailRef(mailbox=self._name, folder=places[mail.id], id=mail.id)
                    yield Fetched(ref=ref, raw=mail.raw, arrived=mail.arrived)

    def marked(
        self, mark: str, watch: Sequence[str], everywhere: bool, known: Callable[[MailRef], bool]
    ) -> Iterator[Fetched]:
        """Mail with a category, whole, but for what is `known`. Raises Transient or Permanent."""
        doing = "looking for marks"
        places: dict[str, str] = self._client.call(
            doing, partial(_marked, mark=mark, watch=watch, everywhere=everywhere)
        )
        for key, folder in places.items():
            ref = MailRef(mailbox=self._name, folder=folder, id=key)
            if known(ref):
                continue
            found, held_back = self._client.call(doing, partial(read, ids=[key]))
            if held_back:
                raise Transient(f"mailbox {self._name}: the server does not hand over a mail")
            for mail in found:
                yield Fetched(ref=ref, raw=mail.raw, arrived=mail.arrived)


def _marked(
    account: "Account", mark: str, watch: Sequence[str], everywhere: bool
) -> dict[str, str]:
    """Ids of the mails with a category, with their folders."""
    from exchangelib.folders import FolderCollection

    folders = {name: ews_folders.find(account, name) for name in watch}
    chosen = {folder.id: (name, folder) for name, folder in folders.items() if folder is not None}
    if everywhere:
        left_out = {
            folder.id
            for name in ("deleteditems", "drafts", "sentitems")
            if (folder := ews_folders.find(account, name)) is not None
        }
        for path, folder in ews_folders.of_mail(account):
            if path != ews_folders.RECOVERABLE and folder.id not in left_out:
                chosen.setdefault(folder.id, (path, folder))
    asked = FolderCollection(account=account, folders=[folder for _, folder in chosen.values()])
    return {
        str(item.id): chosen[item.parent_folder_id.id][0]
        for item in asked.filter(categories__contains=[mark]).only("id", "parent_folder_id")
        if item.parent_folder_id.id in chosen
    }


def _candidates(account: "Account", query: MailQuery) -> dict[str, str]:
    """Ids of all mails that may match, with the paths of their folders."""
    from exchangelib.folders import FolderCollection

    known = list(ews_folders.of_mail(account))
    paths = {folder.id: path for path, folder in known}
    found: dict[str, str] = {}
    for at in range(0, len(known), _FOLDERS_AT_ONCE):
        some = [folder for _, folder in known[at : at + _FOLDERS_AT_ONCE]]
        asked = FolderCollection(account=account, folders=some)
        for condition in _conditions(query):
            for item in asked.filter(condition).only("id", "parent_folder_id"):
                found.setdefault(str(item.id), paths.get(item.parent_folder_id.id, ""))
    return found


def _conditions(query: MailQuery) -> Iterator[Any]:
    """What may match, asked in the stored properties; then in the words of the index."""
    from exchangelib import Q

    register()
    either: list[Any] = []
    if query.header and (value := _plain(query.header[1])):
        # Only the wording is asked for: in which header it stands is judged here.
        either += [Q(transport_headers__icontains=value), Q(mailbot_effect=value)]
    for parts in _parts_of_addresses(query.addresses):
        either += [
            _all(parts, "transport_headers"),
            _all(parts, "sender_smtp"),
            _all(parts, "display_to"),
            _all(parts, "display_cc"),
        ]
    for phrase in query.phrases:
        words = _words(phrase)
        if words:
            either += [_all(words, "body"), _all(words, "subject")]
            either.append(_all(words, "transport_headers"))
    for some in _runs(either, 20):
        condition = some[0]
        for one in some[1:]:
            condition |= one
        yield condition
    terms = [f'participants:"{_term(part)}"' for parts in _parts_of_addresses(query.addresses)
             for part in parts[:1] if _term(part)]  # fmt: skip
    terms += [f'"{_term(phrase)}"' for phrase in query.phrases if _term(phrase)]
    for run in _runs(terms, 10):
        yield " OR ".join(run)


def _all(parts: Sequence[str], field: str) -> Any:
    from exchangelib import Q

    condition = Q(**{f"{field}__icontains": parts[0]})
    for part in parts[1:]:
        condition &= Q(**{f"{field}__icontains": part})
    return condition


def _parts_of_addresses(addresses: Sequence[str]) -> Iterator[Sequence[str]]:
    """What every form of an address shares: Google ignores dots and tags, others may know tags; a
    domain beyond ASCII may stand in a header in two ways."""
    for address in addresses:
        normal = identifiers.email(address) or address.strip()
        local, _, domain = normal.rpartition("@")
        if domain == "gmail.com":
            yield ("@gmail.com",)
            yield ("@googlemail.com",)
            continue
        untagged = _plain(local.partition("+")[0])
        after = "" if "xn--" in domain or not domain.isascii() else _plain(f"@{domain}")
        parts = [part for part in (untagged, after) if len(part) > 1]
        if parts:
            yield parts


def _words(phrase: str) -> Sequence[str]:
    """A phrase as the server may hold it, broken over lines or by a tag: its words, each by
    itself."""
    whole = _plain(phrase)
    words = re.findall(r"[^\W_]{2,}", whole)
    if re.search(r"\s", whole) and words:
        return words[:8]
    return [whole] if whole else []


def _runs(parts: Sequence[Any], most: int) -> Iterator[Sequence[Any]]:
    for at in range(0, len(parts), most):
        yield parts[at : at + most]


def _plain(text: str) -> str:
    """Without signs that cannot stand in XML; what is very long is sought by its beginning."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(clean.split())[:_LONGEST]


def _term(text: str) -> str:
    """What may stand within the quotes of a query: no quote, no sign of the query language."""
    return " ".join(re.findall(r"[\w@.+-]+", _plain(text)))


def register() -> None:
    """Stored properties by which a mail is found, made known to the library once."""
    from exchangelib import ExtendedProperty, Message

    if "mailbot_effect" in {field.name for field in Message.FIELDS}:
        return

    class TransportHeaders(ExtendedProperty):  # type: ignore[misc] # the library has no types
        property_tag = 0x007D  # PidTagTransportMessageHeaders
        property_type = "String"

    class SenderSmtp(ExtendedProperty):  # type: ignore[misc] # the library has no types
        property_tag = 0x5D01  # PidTagSenderSmtpAddress
        property_type = "String"

    class MailbotEffect(ExtendedProperty):  # type: ignore[misc] # the library has no types
        property_set_id = "6f2a1d0c-84b1-4b9e-9a53-3f7c0d5e21aa"
        property_name = "mailbotEffect"
        property_type = "String"

    Message.register("transport_headers", TransportHeaders)
    Message.register("sender_smtp", SenderSmtp)
    Message.register("mailbot_effect", MailbotEffect)
