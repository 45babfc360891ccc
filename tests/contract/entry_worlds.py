"""Contacts and appointments in mailboxes of both kinds, as a colleague enters them in Outlook."""

from dataclasses import dataclass
from typing import Protocol

from mailbot.mailboxes.ews import EwsMailbox
from mailbot.mailboxes.graph import GraphMailbox
from tests.contract.ews_world import EwsWorld
from tests.contract.worlds import GraphWorld
from tests.servers.ews import Ews, broken
from tests.servers.ews_store import Item
from tests.servers.graph import Fault, Graph

RECURRENCE = (
    '<t:Recurrence xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">'
    "<t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence>"
    "<t:NumberedRecurrence><t:StartDate>2026-11-02Z</t:StartDate>"
    "<t:NumberOfOccurrences>3</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What is entered of a contact."""

    name: str = ""
    emails: tuple[str, ...] = ()
    mobile: str = ""
    company: str = ""
    notes: str = ""
    street: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """What is entered of an appointment; people are (name, address)."""

    subject: str = ""
    organizer: tuple[str, str] | None = None
    attendees: tuple[tuple[str, str], ...] = ()
    text: str = ""
    daily: bool = False


class EntryWorld(Protocol):
    """A mailbox with contacts and a calendar. Folders are paths below the contacts."""

    def open(self) -> GraphMailbox | EwsMailbox:
        """The mailbox under test."""

    def deliver(self, raw: bytes) -> None:
        """A mail arrives."""

    def contact(self, card: Card, folder: str = "") -> str:
        """Enter a contact; its id."""

    def meeting(self, meeting: Meeting) -> str:
        """Enter an appointment; its id."""

    def rename(self, key: str, name: str) -> None:
        """A colleague gives a contact another name."""

    def move(self, key: str, folder: str) -> None:
        """A colleague moves a contact."""

    def count(self) -> tuple[int, int]:
        """How many contacts and appointments are left outside the bin."""

    def stumble(self) -> None:
        """The next call fails, and may not another time."""

    def deny(self, what: str) -> None:
        """The sign-in may no longer read "contacts" or "calendar"."""


class GraphEntries(GraphWorld):
    """On the Graph-like server."""

    def open(self, **options: object) -> GraphMailbox:
        opened = super().open(**options)
        assert isinstance(opened, GraphMailbox)
        return opened

    def contact(self, card: Card, folder: str = "") -> str:
        given, _space, surname = card.name.partition(" ")
        return self.store.add_contact(
            self._contacts(folder),
            displayName=card.name,
            givenName=given,
            surname=surname,
            companyName=card.company,
            mobilePhone=card.mobile or None,
            businessPhones=[],
            homePhones=[],
            emailAddresses=[{"name": one, "address": one} for one in card.emails],
            homeAddress={"street": card.street} if card.street else {},
            personalNotes=card.notes,
        )

    def meeting(self, meeting: Meeting) -> str:
        people = [self._person(one) for one in meeting.attendees]
        organizer = meeting.organizer or (self.user, self.user)
        pattern = {"type": "daily", "interval": 1}
        return self.store.add_event(
            subject=meeting.subject,
            body={"contentType": "text", "content": meeting.text},
            start={"dateTime": "2026-11-02T09:00:00.0000000", "timeZone": "UTC"},
            end={"dateTime": "2026-11-02T10:00:00.0000000", "timeZone": "UTC"},
            location={"displayName": "Møterom"},
            organizer=self._person(organizer),
            attendees=[{**one, "type": "required"} for one in people],
            recurrence={"pattern": pattern} if meeting.daily else None,
        )

    def rename(self, key: str, name: str) -> None:
        self.store.contacts[key]["displayName"] = name

    def move(self, key: str, folder: str) -> None:
        self.store.contacts[key]["parentFolderId"] = self._contacts(folder)

    def count(self) -> tuple[int, int]:
        return len(self.store.contacts), len(self.store.events)

    def deny(self, what: str) -> None:
        self.store.denied = {"contacts": "/contact", "calendar": "/calendar"}[what]

    def stumble(self) -> None:
        self.server.faults.append(Fault(500))

    def _contacts(self, path: str) -> str:
        at = self.store.contact_root
        for name in filter(None, path.split("/")):
            folders = self.store.contact_folders.values()
            there = [one.id for one in folders if one.parent == at and one.name == name]
            at = there[0] if there else self.store.add_contact_folder(name, at)
        return at

    @staticmethod
    def _person(one: tuple[str, str]) -> dict[str, object]:
        return {"emailAddress": {"name": one[0], "address": one[1]}}


class EwsEntries(EwsWorld):
    """On the Exchange Server of ours."""

    def open(self, **options: object) -> EwsMailbox:
        opened = super().open(**options)
        assert isinstance(opened, EwsMailbox)
        return opened

    def contact(self, card: Card, folder: str = "") -> str:
        given, _space, surname = card.name.partition(" ")
        shown: dict[str, object] = {
            "DisplayName": card.name,
            "GivenName": given,
            "CompanyName": card.company,
            "EmailAddresses": {f"EmailAddress{n}": one for n, one in enumerate(card.emails, 1)},
            "PhoneNumbers": {"MobilePhone": card.mobile} if card.mobile else {},
            "Surname": surname,
            "text": card.notes,
        }
        if card.street:
            shown["PhysicalAddresses"] = {"Home": {"Street": card.street}}
        return self.box.enter("Contact", self._contacts(folder), **shown).id

    def meeting(self, meeting: Meeting) -> str:
        shown: dict[str, object] = {
            "Subject": meeting.subject,
            "Start": "2026-11-02T09:00:00Z",
            "End": "2026-11-02T10:00:00Z",
            "Location": "Møterom",
            "Organizer": meeting.organizer or (self.user, self.user),
            "text": meeting.text,
        }
        if meeting.attendees:
            shown["RequiredAttendees"] = meeting.attendees
        if meeting.daily:
            shown["Recurrence"] = RECURRENCE
        return self.box.enter("CalendarItem", **shown).id

    def rename(self, key: str, name: str) -> None:
        self.box.items[key].shown["DisplayName"] = name

    def move(self, key: str, folder: str) -> None:
        self.box.move(self.box.items[key], self._contacts(folder))

    def count(self) -> tuple[int, int]:
        return len(self._left("Contact")), len(self._left("CalendarItem"))

    def deny(self, what: str) -> None:
        self.box.refused = what

    def stumble(self) -> None:
        self.server.fail(broken)

    def _left(self, kind: str) -> list[Item]:
        bins = {self.box.kind("deleteditems").id, self.box.kind("recoverableitemsdeletions").id}
        return [
            one for one in self.box.items.values() if one.kind == kind and one.folder not in bins
        ]

    def _contacts(self, path: str) -> str:
        at = self.box.kind("contacts").id
        for name in filter(None, path.split("/")):
            folders = self.box.folders.values()
            there = [one.id for one in folders if one.parent == at and one.name == name]
            at = there[0] if there else self.box.make(name, at, "IPF.Contact").id
        return at


def open_world(server: Graph | Ews, user: str) -> EntryWorld:
    """A mailbox on a running server of either kind."""
    return GraphEntries(server, user) if isinstance(server, Graph) else EwsEntries(server, user)
