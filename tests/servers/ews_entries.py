"""Contacts and appointments as the Exchange Server of ours shows them (order is the schema's)."""

from typing import Any

from lxml import etree

from tests.servers.ews_store import Item

_T = "http://schemas.microsoft.com/exchange/services/2006/types"
_CLASSES = {
    "Contact": "IPM.Contact",
    "CalendarItem": "IPM.Appointment",
    "DistributionList": "IPM.DistList",
}
# The parts of an address by field, as they are asked for and as they are shown.
_ADDRESS = ("Street", "City", "State", "CountryOrRegion", "PostalCode")
_CONTACT = (
    "FileAs", "DisplayName", "GivenName", "Initials", "MiddleName", "Nickname", "CompanyName",
    "EmailAddresses", "PhysicalAddresses", "PhoneNumbers", "AssistantName", "Birthday",
    "BusinessHomePage", "Children", "Department", "ImAddresses", "JobTitle", "Manager",
    "OfficeLocation", "Profession", "SpouseName", "Surname",
)  # fmt: skip
_APPOINTMENT = ("Start", "End", "Location", "Organizer", "RequiredAttendees", "OptionalAttendees",
                "Recurrence")  # fmt: skip
_INDEXED = {
    "EmailAddresses": "contacts:EmailAddress",
    "PhoneNumbers": "contacts:PhoneNumber",
    "ImAddresses": "contacts:ImAddress",
}


def show(item: Item, fields: set[str], request: Any) -> Any:
    """The element of an entry, with what was asked for."""
    indexed = {
        (one.get("FieldURI"), one.get("FieldIndex"))
        for one in request.iter(f"{{{_T}}}IndexedFieldURI")
    }
    made = etree.Element(f"{{{_T}}}{item.kind}")
    etree.SubElement(made, f"{{{_T}}}ItemId", Id=item.id, ChangeKey="CQAAAA==")
    if "item:ParentFolderId" in fields:
        etree.SubElement(made, f"{{{_T}}}ParentFolderId", Id=item.folder, ChangeKey="AQAAAA==")
    if "item:ItemClass" in fields:
        _text(made, "ItemClass", _CLASSES[item.kind])
    if "item:Subject" in fields and "Subject" in item.shown:
        _text(made, "Subject", item.shown["Subject"])
    if "item:TextBody" in fields and "text" in item.shown:
        _text(made, "TextBody", item.shown["text"]).set("BodyType", "Text")
    space = "contacts" if item.kind == "Contact" else "calendar"
    for name in _CONTACT if item.kind == "Contact" else _APPOINTMENT:
        value: Any = item.shown.get(name)
        if value is None:
            continue
        if name in _INDEXED:
            wanted = [(k, v) for k, v in value.items() if (_INDEXED[name], k) in indexed]
            if wanted:
                _entries(etree.SubElement(made, f"{{{_T}}}{name}"), wanted)
        elif name == "PhysicalAddresses":
            _addresses(made, value, indexed)
        elif f"{space}:{name}" in fields:
            _field(made, name, value)
    return made


def _field(made: Any, name: str, value: Any) -> None:
    if name == "Organizer":
        _mailbox(etree.SubElement(made, f"{{{_T}}}Organizer"), value)
    elif name.endswith("Attendees"):
        inside = etree.SubElement(made, f"{{{_T}}}{name}")
        for who in value:
            _mailbox(etree.SubElement(inside, f"{{{_T}}}Attendee"), who)
    elif name == "Children":
        inside = etree.SubElement(made, f"{{{_T}}}Children")
        for one in value:
            _text(inside, "String", one)
    elif name == "Recurrence":
        made.append(etree.fromstring(value))
    else:
        _text(made, name, value)


def _entries(inside: Any, pairs: Any) -> None:
    for key, value in pairs:
        _text(inside, "Entry", value).set("Key", key)


def _addresses(made: Any, value: Any, indexed: set[tuple[str, str]]) -> None:
    inside = etree.SubElement(made, f"{{{_T}}}PhysicalAddresses")
    for key, parts in value.items():
        entry = etree.SubElement(inside, f"{{{_T}}}Entry", Key=key)
        for part in _ADDRESS:
            if part in parts and (f"contacts:PhysicalAddress:{part}", key) in indexed:
                _text(entry, part, parts[part])


def _mailbox(above: Any, who: tuple[str, str]) -> None:
    inside = etree.SubElement(above, f"{{{_T}}}Mailbox")
    _text(inside, "Name", who[0])
    if who[1]:
        _text(inside, "EmailAddress", who[1])


def _text(parent: Any, name: str, text: Any) -> Any:
    made = etree.SubElement(parent, f"{{{_T}}}{name}")
    made.text = str(text)
    return made
