"""Contacts and appointments of shared mailboxes: whose they are, and what they are as records.

A contact is certain by an address of its own that is the person's alone, or by name and phone; a
name on it that is somebody else's makes it that other person's contact. An appointment is certain
only where nobody outside but the person has a part in it; of several people it is nobody's alone.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mailbot import identifiers
from mailbot.case import Key
from mailbot.datamap import KeyPattern
from mailbot.plan import Correction
from mailbot.ports import Entry, EntryKind
from mailbot.record import Certainty, Finding, Row, Treatment
from mailbot.sources.exchange_judging import (
    MENTIONED,
    SHARED,
    TAGGED,
    Judgement,
    Person,
    Us,
    alone,
    shown_keys,
)

KINDS: Mapping[str, EntryKind] = {"contacts": "contact", "calendar": "appointment"}
OWN_ENTRY = "contact with the person's address"
OWN_PHONE = "contact with the person's name and phone"
OTHER_NAME = "contact with the person's address under another name"
OTHER_KEYS = "contact with the person's address and other addresses, without their name"
COLLEAGUE = "contact that bears an address of the organisation too"
COMPANY = "contact of a company with the person's address"
NO_NAME = "contact with the person's phone, without a name"
NAMESAKE = "contact with the person's name"
MET = "appointment with the person alone"
MET_WITH_OTHERS = "appointment of several people"
BY_HAND = "delete it in the calendar by hand: deleting a meeting may write to those invited"
CORRECT_BY_HAND = "correct the contact by hand"

_BETWEEN = re.compile(r"[\W\d_]+")
_NAMES = ("name", "file_as", "nickname")
_KEYS = frozenset({*_NAMES, "given_name", "middle_name", "surname", "initials", "title", "emails",
                   "phones"})  # fmt: skip
# Without its addresses: those that are not known as the person's may be a spouse's, and are masked.
_PERSONAL = {
    "name": (*_NAMES, "given_name", "middle_name", "surname", "initials", "title"),
    "phone": ("phones",),
    "address": ("addresses",),
    "work": ("company", "department", "position", "profession", "office"),
    "birthday": ("birthday",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRef:
    """Where an entry lies."""

    kind: EntryKind
    id: str


def judge(
    entry: Entry, one: Person, us: Us, patterns: Mapping[str, KeyPattern]
) -> Judgement | None:
    """What an entry is to a person; None if it shows none of their keys, or is another's."""
    columns = {name: str(value) for name, value in entry.columns.items()}
    if entry.kind == "contact":
        return _contact(columns, one, us, patterns)
    return _appointment(columns, one, us, patterns)


def finding(
    system: str, box: str, elsewhere: Mapping[str, str], entry: Entry, verdict: Judgement
) -> Finding:
    """An entry as a record. `elsewhere` names its mailbox if it is not the usual one."""
    columns = entry.columns
    contact = entry.kind == "contact"
    title = columns.get("name") or columns.get("emails") if contact else columns.get("subject")
    day = "" if contact else str(columns.get("start", ""))[:10]
    return Finding(
        system=system,
        table=entry.folder,
        key={**elsewhere, "kind": entry.kind, "id": entry.id},
        certainty=verdict.certainty,
        reason=verdict.reason,
        trail=f"{box}: {entry.folder}" + (f", {day}" if day else ""),
        row=columns,
        personal=_PERSONAL if contact else {},
        # Whether a meeting that is deleted is called off by mail lies with the server.
        treatment=Treatment(do="manual", reason=BY_HAND)
        if verdict.reason == MET
        else Treatment(do="delete"),
        title=f"{day} {title or ''}".strip(),
    )


def to_correct(findings: Iterable[Finding], corrections: Iterable[Correction]) -> list[Finding]:
    """Contacts on which a value stands that the person wants put right (GDPR art. 16)."""
    old = [one.old.casefold() for one in corrections if one.old.strip()]
    return [
        found
        for found in findings
        if found.key.get("kind") == "contact"
        and any(value in str(text).casefold() for value in old for text in found.row.values())
    ]


def ref(key: Row) -> EntryRef | None:
    """The entry that an action is about; None if it is about a mail."""
    for kind in KINDS.values():
        if key.get("kind") == kind:
            return EntryRef(kind=kind, id=str(key.get("id", "")))
    return None


def learnt(findings: Iterable[Finding], one: Person, us: Us) -> tuple[Key, ...]:
    """Further addresses on contacts that are certainly the person's, where they spell their name.

    A contact holds what is of use in reaching somebody: a spouse's address, an assistant's, the
    number of a firm. Another's address taken for theirs would make all that other's mail theirs.
    """
    return tuple(
        Key(kind="email", value=address, origin="record")
        for found in findings
        if found.certainty is Certainty.CERTAIN and found.key.get("kind") == "contact"
        for address in identifiers.find_emails(str(found.row.get("emails", "")))
        if not us.is_us(address)
        and not identifiers.is_shared(address, us.own)
        and any(_spells(address, name) for name in one.names)
    )


def _spells(address: str, name: str) -> bool:
    words = _BETWEEN.sub(" ", address.partition("@")[0])
    parts = identifiers.name_parts(name)
    joined = {f"{parts[0]}{parts[-1]}", f"{parts[-1]}{parts[0]}"}
    same = identifiers.same_name(words, name) is Certainty.CERTAIN
    return same or words.strip().casefold() in joined


def _contact(
    columns: Mapping[str, str], one: Person, us: Us, patterns: Mapping[str, KeyPattern]
) -> Judgement | None:
    addresses = identifiers.find_emails(columns.get("emails", ""))
    names = _names(columns)
    named = any(_same_name(text, name) for text in names for name in one.names)
    strange = bool(names) and not named and not any(_part_of(text, one) for text in names)
    same = [key for key in one.emails for found in addresses if _certain(key, found)]
    others = [found for found in addresses if not any(_certain(key, found) for key in one.emails)]
    colleague = any(us.is_us(found) for found in addresses)
    phones = _phones(columns.get("phones", ""), us)
    if same:
        if colleague:
            return Judgement(Certainty.POSSIBLE, COLLEAGUE)
        if all(identifiers.is_shared(key, us.own) for key in same):
            if named:
                return Judgement(Certainty.CERTAIN, OWN_ENTRY)
            # Behind an address of several people another name is another person (norms).
            return None if strange and one.names else Judgement(Certainty.POSSIBLE, SHARED)
        if strange and one.names:
            return Judgement(Certainty.POSSIBLE, OTHER_NAME)
        if others and not named:
            return Judgement(Certainty.POSSIBLE, OTHER_KEYS)
        if columns.get("company") and not names:
            return Judgement(Certainty.POSSIBLE, COMPANY)
        return Judgement(Certainty.CERTAIN, OWN_ENTRY)
    if set(phones) & set(one.phones):
        if named:
            certainty = Certainty.POSSIBLE if colleague else Certainty.CERTAIN
            return Judgement(certainty, COLLEAGUE if colleague else OWN_PHONE)
        if not names or not one.names:
            return Judgement(Certainty.POSSIBLE, NO_NAME)
        # Another's name on it: a number handed on, or of a family. Never theirs.
    if any(identifiers.same_email(key, found) for key in one.emails for found in addresses):
        return Judgement(Certainty.POSSIBLE, TAGGED)
    if named:
        return Judgement(Certainty.POSSIBLE, NAMESAKE)
    rest = "\n".join(text for name, text in columns.items() if name not in _KEYS)
    return _mentioned(shown_keys(rest, one, us, patterns))


def _appointment(
    columns: Mapping[str, str], one: Person, us: Us, patterns: Mapping[str, KeyPattern]
) -> Judgement | None:
    parties = f"{columns.get('organizer', '')}; {columns.get('attendees', '')}"
    words = "\n".join(columns.values())
    outside = [found for found in identifiers.find_emails(words) if not us.is_us(found)]
    invited = [found for found in identifiers.find_emails(parties) if not us.is_us(found)]
    mine = [key for key in one.emails for found in invited if _certain(key, found)]
    others = [found for found in outside if not any(_certain(key, found) for key in one.emails)]
    unaddressed = any(part.strip() and "@" not in part for part in parties.split(";"))
    numbers = set(_phones(words, us)) - set(one.phones)
    if mine:
        if others or unaddressed or numbers:
            return Judgement(Certainty.POSSIBLE, MET_WITH_OTHERS)
        named = any(identifiers.name_in(words, name) for name in one.names)
        if not named and all(identifiers.is_shared(key, us.own) for key in mine):
            return Judgement(Certainty.POSSIBLE, SHARED)
        return Judgement(Certainty.CERTAIN, MET)
    if any(identifiers.same_email(key, found) for key in one.emails for found in invited):
        return Judgement(Certainty.POSSIBLE, TAGGED)
    shown = shown_keys(words, one, us, patterns)
    free = not others and not unaddressed and not numbers
    if free and (verdict := alone(words, one, us, shown)):
        return verdict
    return _mentioned(shown)


def _mentioned(shown: frozenset[str]) -> Judgement | None:
    kind = next((kind for kind in MENTIONED if kind in shown), None)
    return Judgement(Certainty.POSSIBLE, MENTIONED[kind]) if kind else None


def _names(columns: Mapping[str, str]) -> list[str]:
    """What the contact calls its person; a company's name, or an address, is no such name."""
    whole = f"{columns.get('given_name', '')} {columns.get('surname', '')}"
    company = columns.get("company", "").casefold()
    texts = (*(columns.get(name, "") for name in _NAMES), whole)
    return [text for text in texts if identifiers.name_parts(text) and text.casefold() != company]


def _same_name(text: str, name: str) -> bool:
    return identifiers.name_in(text, name) or identifiers.same_name(text, name) is not None


def _part_of(text: str, one: Person) -> bool:
    """A single name ("Kari") that is one of the person's is nobody else's either."""
    parts = identifiers.name_parts(text)
    return len(parts) == 1 and any(parts[0] in identifiers.name_parts(name) for name in one.names)


def _certain(key: str, found: str) -> bool:
    return identifiers.same_email(key, found) is Certainty.CERTAIN


def _phones(text: str, us: Us) -> tuple[str, ...]:
    """The numbers of a text, without the organisation's own."""
    region = us.own.default_region
    parts = (identifiers.phone(part, region) for part in text.split(";"))
    found = dict.fromkeys((*identifiers.find_phones(text, region), *(p for p in parts if p)))
    return tuple(number for number in found if not us.is_our_phone(number))
