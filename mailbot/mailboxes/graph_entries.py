"""Contacts and appointments over Graph: all of them are read, and what matches is judged by others.

`/contacts` shows the default folder alone, so every folder is walked; contacts know no `$search`,
and a `$filter` neither phones in other forms nor names in other orders (contact resource type).
Calendars are read as single appointments and series, not as dates of a view, which needs an end.
"""

import re
from collections.abc import Iterator, Sequence

from mailbot.clients.graph import Document, GraphClient
from mailbot.clients.graph_faults import Gone
from mailbot.mailboxes import entries
from mailbot.ports import Entry, EntryKind

_ID = re.compile(r"[A-Za-z0-9_=-]{20,500}")
_PAGE = 100
_READING = {"contact": "reading contacts", "appointment": "reading the calendar"}
_DELETING = {"contact": "deleting a contact", "appointment": "deleting an event"}
_PATH = {"contact": "/contacts", "appointment": "/events"}
_PLAIN = {
    "name": "displayName", "given_name": "givenName", "middle_name": "middleName",
    "surname": "surname", "nickname": "nickName", "file_as": "fileAs", "title": "title",
    "initials": "initials", "company": "companyName", "department": "department",
    "position": "jobTitle", "profession": "profession", "office": "officeLocation",
    "websites": "businessHomePage", "birthday": "birthday", "spouse": "spouseName",
    "manager": "manager", "assistant": "assistantName", "notes": "personalNotes",
}  # fmt: skip
_LISTS = {"children": "children", "im_addresses": "imAddresses"}
_PHONES = ("mobilePhone", "businessPhones", "homePhones")
_ADDRESSES = ("homeAddress", "businessAddress", "otherAddress")
_OF_ADDRESS = ("street", "postalCode", "city", "state", "countryOrRegion")
_SELECT = {
    "contact": ",".join(
        ("id", *_PLAIN.values(), *_LISTS.values(), *_PHONES, *_ADDRESSES, "emailAddresses")
    ),
    "appointment": "id,subject,body,start,end,location,organizer,attendees,recurrence",
}
_AS_TEXT = 'outlook.body-content-type="text"'


class Entries:
    """The contacts and appointments of one mailbox. purges: whether its cloud can purge."""

    def __init__(self, client: GraphClient, purges: bool) -> None:
        self._client = client
        self._purges = purges

    def all(self, kind: EntryKind) -> Iterator[Entry]:
        """Every entry of a kind, each once. Raises Denied, Transient or Permanent."""
        seen: set[str] = set()
        for folder, path in self._places(kind):
            url = self._client.url(path, select=_SELECT[kind], top=_PAGE)
            for document in self._documents(url, kind):
                key = str(document.get("id", ""))
                if key and key not in seen:
                    seen.add(key)
                    yield _entry(kind, folder, document)

    def one(self, kind: EntryKind, key: str) -> Entry | None:
        """An entry as it is now, None if it is gone."""
        if not _ID.fullmatch(key):
            return None
        url = self._client.url(f"{_PATH[kind]}/{key}", select=_SELECT[kind])
        try:
            return _entry(kind, "", self._client.get(url, _READING[kind], _AS_TEXT))
        except Gone:
            return None

    def delete(self, kind: EntryKind, key: str, purge: bool) -> None:
        """Delete an entry. `purge`: to where no client reaches, in the clouds that can."""
        if not _ID.fullmatch(key):
            return
        try:
            if purge and self._purges:
                url = self._client.url(f"{_PATH[kind]}/{key}/permanentDelete")
                self._client.post(url, _DELETING[kind])
            else:
                self._client.delete(self._client.url(f"{_PATH[kind]}/{key}"), _DELETING[kind])
        except Gone:
            return

    def _places(self, kind: EntryKind) -> Iterator[tuple[str, str]]:
        """What holds entries: the name of each for people, and where its entries are listed."""
        if kind == "contact":
            yield "contacts", "/contacts"
            yield from self._folders("/contactFolders", "", set())
            return
        url = self._client.url("/calendars", select="id,name,owner,isDefaultCalendar", top=_PAGE)
        calendars = list(self._documents(url, kind))
        ours = [_owner(one) for one in calendars if one.get("isDefaultCalendar") is True]
        for one in calendars:
            # Calendars that others share are listed as well: they are those others' records.
            if not ours or _owner(one) in ("", *ours):
                yield _text(one.get("name")) or "calendar", f"/calendars/{one['id']}/events"

    def _folders(self, path: str, above: str, seen: set[str]) -> Iterator[tuple[str, str]]:
        url = self._client.url(path, select="id,displayName", top=_PAGE)
        for folder in list(self._documents(url, "contact")):
            key = str(folder.get("id", ""))
            if not key or key in seen:
                continue
            seen.add(key)
            name = f"{above}{_text(folder.get('displayName')) or key}"
            yield name, f"/contactFolders/{key}/contacts"
            yield from self._folders(f"/contactFolders/{key}/childFolders", f"{name}/", seen)

    def _documents(self, url: str, kind: EntryKind) -> Iterator[Document]:
        prefer = _AS_TEXT if kind == "appointment" else ""
        for page in self._client.pages(url, _READING[kind], prefer):
            yield from page


def _entry(kind: EntryKind, folder: str, document: Document) -> Entry:
    columns = _contact(document) if kind == "contact" else _appointment(document)
    return Entry(
        kind=kind, folder=folder, id=str(document.get("id", "")), columns=entries.tidy(columns)
    )


def _contact(document: Document) -> dict[str, str]:
    found = {column: _text(document.get(name)) for column, name in _PLAIN.items()}
    for column, name in _LISTS.items():
        found[column] = entries.listed(_texts(document.get(name)))
    found["phones"] = entries.listed(
        number for name in _PHONES for number in _texts(document.get(name))
    )
    found["emails"] = entries.listed(map(_person, _each(document.get("emailAddresses"))))
    found["addresses"] = entries.listed(
        entries.listed((_text(address.get(part)) for part in _OF_ADDRESS), ", ")
        for name in _ADDRESSES
        if isinstance(address := document.get(name), dict)
    )
    return found


def _appointment(document: Document) -> dict[str, str]:
    return {
        "subject": _text(document.get("subject")),
        "start": _moment(document.get("start")),
        "end": _moment(document.get("end")),
        "location": _text(_inner(document, "location").get("displayName")),
        "organizer": _person(_inner(_inner(document, "organizer"), "emailAddress")),
        "attendees": entries.listed(
            sorted(_person(_inner(one, "emailAddress")) for one in _each(document.get("attendees")))
        ),
        "recurrence": entries.as_json(document.get("recurrence")),
        "text": _text(_inner(document, "body").get("content")),
    }


def _owner(calendar: Document) -> str:
    return _text(_inner(calendar, "owner").get("address")).casefold()


def _person(one: Document) -> str:
    return entries.person(_text(one.get("name")), _text(one.get("address")))


def _moment(found: object) -> str:
    if not isinstance(found, dict):
        return ""
    zone = _text(found.get("timeZone"))
    moment = re.sub(r"\.0+$", "", _text(found.get("dateTime")))
    return f"{moment}Z" if zone == "UTC" else f"{moment} {zone}".strip()


def _inner(document: Document, name: str) -> Document:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _each(found: object) -> Sequence[Document]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _texts(found: object) -> list[str]:
    return [_text(one) for one in (found if isinstance(found, list) else [found])]


def _text(found: object) -> str:
    return found if isinstance(found, str) else ""
