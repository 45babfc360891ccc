"""Contacts and appointments on Exchange Server: all are read, and what matches is judged by others.

FindItem hands over no bodies (MS-OXWSSRCH), so ids are listed first and read some at a time.
"""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from mailbot.clients.ews import EwsClient, Gone
from mailbot.errors import Transient
from mailbot.mailboxes import entries, ews_folders
from mailbot.ports import Entry, EntryKind

if TYPE_CHECKING:
    from exchangelib import Account

_AT_ONCE = 25
_ID = re.compile(r"[A-Za-z0-9+/=_-]{1,1000}")
_FOLDERS = {"contact": "IPF.Contact", "appointment": "IPF.Appointment"}
_CLASSES = {"contact": "IPM.Contact", "appointment": "IPM.Appointment"}
_READING = {"contact": "reading contacts", "appointment": "reading the calendar"}
_DELETING = {"contact": "deleting a contact", "appointment": "deleting an event"}
_PLAIN = {
    "name": "display_name", "given_name": "given_name", "middle_name": "middle_name",
    "surname": "surname", "nickname": "nickname", "file_as": "file_as", "initials": "initials",
    "company": "company_name", "department": "department", "position": "job_title",
    "profession": "profession", "office": "office", "websites": "business_homepage",
    "birthday": "birthday", "spouse": "spouse_name", "manager": "manager",
    "assistant": "assistant_name", "notes": "text_body",
}  # fmt: skip
_OF_ADDRESS = ("street", "zipcode", "city", "state", "country")
_FIELDS = {
    "contact": [
        *_PLAIN.values(), "children", "email_addresses", "phone_numbers", "physical_addresses",
        "im_addresses", "item_class", "parent_folder_id",
    ],
    "appointment": [
        "subject", "text_body", "start", "end", "location", "organizer", "required_attendees",
        "optional_attendees", "resources", "recurrence", "item_class", "parent_folder_id",
    ],
}  # fmt: skip


class Entries:
    """The contacts and appointments of one mailbox."""

    def __init__(self, name: str, client: EwsClient) -> None:
        self._name = name
        self._client = client

    def all(self, kind: EntryKind) -> Iterator[Entry]:
        """Every entry of a kind, each once. Raises Transient or Permanent."""
        places = self._client.call(_READING[kind], partial(_listed, kind=kind))
        ids = list(places)
        for at in range(0, len(ids), _AT_ONCE):
            some = ids[at : at + _AT_ONCE]
            yield from self._client.call(
                _READING[kind], partial(self._read, kind=kind, places={i: places[i] for i in some})
            )

    def one(self, kind: EntryKind, key: str) -> Entry | None:
        """An entry as it is now, None if it is gone from where entries lie (in the bin, say)."""

        def work(account: "Account") -> list[Entry]:
            places = {folder.id: path for path, folder in ews_folders.of(account, _FOLDERS[kind])}
            return self._read(account, kind, {key: ""}, within=frozenset(places))

        if not _ID.fullmatch(key):
            return None
        try:
            return next(iter(self._client.call(_READING[kind], work)), None)
        except Gone:
            return None

    def delete(self, kind: EntryKind, key: str, purge: bool) -> None:
        """Delete an entry; the server is told to write to nobody. Gone is harmless."""

        def work(account: "Account") -> None:
            from exchangelib import errors
            from exchangelib.items import SEND_TO_NONE

            (item,) = account.fetch([(key, None)], only_fields=["item_class"])
            if isinstance(item, errors.EWSError):
                raise item
            if not str(item.item_class).startswith(_CLASSES[kind]):
                return
            delete = item.delete if purge else item.move_to_trash
            delete(send_meeting_cancellations=SEND_TO_NONE)

        if not _ID.fullmatch(key):
            return
        try:
            self._client.call(_DELETING[kind], work)
        except Gone:
            return

    def _read(
        self,
        account: "Account",
        kind: EntryKind,
        places: dict[str, str],
        within: frozenset[str] | None = None,
    ) -> list[Entry]:
        """The entries of these ids that are still there; `within`: in one of these folders."""
        from exchangelib import errors

        found = []
        asked = [(key, None) for key in places]
        for key, item in zip(places, account.fetch(asked, only_fields=_FIELDS[kind]), strict=True):
            if isinstance(item, errors.ErrorItemNotFound):
                continue
            if isinstance(item, errors.EWSError):
                if len(places) == 1:
                    raise item
                # One that cannot be read cannot be judged: the search was not complete.
                raise Transient(f"mailbox {self._name}: the server does not hand over an entry")
            if not str(item.item_class).startswith(_CLASSES[kind]):
                continue
            if within is None or item.parent_folder_id.id in within:
                columns = _contact(item) if kind == "contact" else _appointment(item)
                tidy = entries.tidy(columns)
                found.append(Entry(kind=kind, folder=places[key], id=key, columns=tidy))
        return found


def _listed(account: "Account", kind: EntryKind) -> dict[str, str]:
    """Ids of all entries of a kind, with the paths of their folders."""
    found: dict[str, str] = {}
    for path, folder in ews_folders.of(account, _FOLDERS[kind]):
        for item in folder.all().only("id", "item_class"):
            # Distribution lists lie among contacts, and hold none of a contact's fields.
            if str(item.item_class).startswith(_CLASSES[kind]):
                found.setdefault(str(item.id), path)
    return found


def _contact(item: Any) -> dict[str, str]:
    found = {column: _text(getattr(item, field)) for column, field in _PLAIN.items()}
    found["children"] = entries.listed(map(_text, item.children or ()))
    found["emails"] = entries.listed(_text(one.email) for one in item.email_addresses or ())
    found["phones"] = entries.listed(_text(one.phone_number) for one in item.phone_numbers or ())
    found["im_addresses"] = entries.listed(_text(one.im_address) for one in item.im_addresses or ())
    found["addresses"] = entries.listed(
        entries.listed((_text(getattr(one, part)) for part in _OF_ADDRESS), ", ")
        for one in item.physical_addresses or ()
    )
    return found


def _appointment(item: Any) -> dict[str, str]:
    invited: Iterable[Any] = (
        *(item.required_attendees or ()),
        *(item.optional_attendees or ()),
        *(item.resources or ()),
    )
    return {
        "subject": _text(item.subject),
        "start": _text(item.start),
        "end": _text(item.end),
        "location": _text(item.location),
        "organizer": _person(item.organizer),
        "attendees": entries.listed(sorted(_person(one.mailbox) for one in invited)),
        "recurrence": _text(item.recurrence),
        "text": _text(item.text_body),
    }


def _person(mailbox: Any) -> str:
    if mailbox is None:
        return ""
    return entries.person(_text(mailbox.name), _text(mailbox.email_address))


def _text(found: object) -> str:
    if found is None:
        return ""
    return str(found.isoformat()) if hasattr(found, "isoformat") else str(found)
