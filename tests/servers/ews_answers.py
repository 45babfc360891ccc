"""What the Exchange Server of ours answers to each operation that mailbot uses."""

import base64
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from tests.servers import ews_entries
from tests.servers.ews_search import matching_query, matching_restriction
from tests.servers.ews_store import Box, Folder, Item, Store

M = "http://schemas.microsoft.com/exchange/services/2006/messages"
T = "http://schemas.microsoft.com/exchange/services/2006/types"
_NS = {"m": M, "t": T}


class Refused(Exception):
    """One item or folder of a request fails; the text is the response code."""


def answer(store: Store, box: Box, name: str, request: Any) -> Any:
    """The response element of an operation."""
    made = etree.Element(f"{{{M}}}{name}Response", nsmap=_NS)
    messages = etree.SubElement(made, f"{{{M}}}ResponseMessages")
    for part in _PARTS[name](request):
        message = etree.SubElement(messages, f"{{{M}}}{name}ResponseMessage")
        try:
            contents = _WORK[name](store, box, request, part)
        except Refused as refused:
            message.set("ResponseClass", "Error")
            _text(message, M, "MessageText", "It cannot be done.")
            _text(message, M, "ResponseCode", str(refused))
            _text(message, M, "DescriptiveLinkKey", "0")
            if name == "SyncFolderItems":
                etree.SubElement(message, f"{{{M}}}SyncState")
                _text(message, M, "IncludesLastItemInRange", "true")
            if name in _EMPTY_WHEN_REFUSED:
                etree.SubElement(message, f"{{{M}}}{_EMPTY_WHEN_REFUSED[name]}")
            continue
        message.set("ResponseClass", "Success")
        _text(message, M, "ResponseCode", "NoError")
        for element in contents:
            message.append(element)
    return made


_EMPTY_WHEN_REFUSED = {
    "GetItem": "Items", "GetFolder": "Folders", "MoveItem": "Items", "UpdateItem": "Items",
    "CreateItem": "Items", "CreateFolder": "Folders",
}  # fmt: skip


def _text(parent: Any, space: str, name: str, text: str) -> Any:
    made = etree.SubElement(parent, f"{{{space}}}{name}")
    made.text = text
    return made


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- folders


def _folder(box: Box, element: Any) -> Folder:
    if etree.QName(element).localname == "DistinguishedFolderId":
        kind = element.get("Id")
        for folder in box.folders.values():
            if folder.kind == kind:
                return folder
        raise Refused("ErrorFolderNotFound")
    found = box.folders.get(element.get("Id"))
    if found is None:
        raise Refused("ErrorFolderNotFound")
    return found


def _show_folder(box: Box, folder: Folder) -> Any:
    tag = {"IPF.Contact": "ContactsFolder", "IPF.Appointment": "CalendarFolder"}
    made = etree.Element(f"{{{T}}}{tag.get(folder.folder_class, 'Folder')}")
    etree.SubElement(made, f"{{{T}}}FolderId", Id=folder.id, ChangeKey="AQAAAA==")
    if folder.parent:
        etree.SubElement(made, f"{{{T}}}ParentFolderId", Id=folder.parent, ChangeKey="AQAAAA==")
    if folder.folder_class != "IPF":
        _text(made, T, "FolderClass", folder.folder_class)
    _text(made, T, "DisplayName", folder.name)
    _text(made, T, "TotalCount", str(len(box.of(folder.id))))
    count = sum(one.parent == folder.id for one in box.folders.values())
    _text(made, T, "ChildFolderCount", str(count))
    if made.tag == f"{{{T}}}Folder":
        _text(made, T, "UnreadCount", str(sum(not item.read for item in box.of(folder.id))))
    return made


def _get_folder(store: Store, box: Box, request: Any, part: Any) -> list[Any]:
    folders = etree.Element(f"{{{M}}}Folders")
    folders.append(_show_folder(box, _folder(box, part)))
    return [folders]


def _find_folder(store: Store, box: Box, request: Any, part: Any) -> list[Any]:
    below = list(box.below(_folder(box, part).id))
    if request.get("Traversal") == "Shallow":
        below = [one for one in below if one.parent == _folder(box, part).id]
    root = etree.Element(
        f"{{{M}}}RootFolder",
        IndexedPagingOffset=str(len(below)),
        TotalItemsInView=str(len(below)),
        IncludesLastItemInRange="true",
    )
    folders = etree.SubElement(root, f"{{{T}}}Folders")
    for folder in below:
        folders.append(_show_folder(box, folder))
    return [root]


def _create_folder(store: Store, box: Box, request: Any, part: Any) -> list[Any]:
    parent = _folder(box, request.find(f"{{{M}}}ParentFolderId")[0])
    name = part.findtext(f"{{{T}}}DisplayName")
    folder_class = part.findtext(f"{{{T}}}FolderClass") or "IPF.Note"
    made = box.make(name, parent.id, folder_class)
    folders = etree.Element(f"{{{M}}}Folders")
    shown = etree.SubElement(folders, f"{{{T}}}Folder")
    etree.SubElement(shown, f"{{{T}}}FolderId", Id=made.id, ChangeKey="AQAAAA==")
    return [folders]


# --- mails


def _item(box: Box, element: Any) -> Item:
    key = element.get("Id")
    if not key:
        raise Refused("ErrorInvalidIdEmpty")
    if not key.startswith("AAMk"):
        raise Refused("ErrorInvalidIdMalformed")
    found = box.items.get(key)
    if found is None:
        raise Refused("ErrorItemNotFound")
    return found


def _wanted(request: Any) -> tuple[set[str], list[Any], bool]:
    """Fields by URI, extended fields, and whether the MIME is asked for."""
    fields = {one.get("FieldURI") for one in request.iter(f"{{{T}}}FieldURI")}
    extended = list(request.iter(f"{{{T}}}ExtendedFieldURI"))
    mime = request.findtext(f".//{{{T}}}IncludeMimeContent") == "true"
    return fields, extended, mime or "item:MimeContent" in fields


def _show(item: Item, request: Any) -> Any:
    fields, _, mime = _wanted(request)
    if item.kind != "Message":
        if item.corrupt and request.tag == f"{{{M}}}GetItem":
            raise Refused("ErrorContentConversionFailed")
        return ews_entries.show(item, fields, request)
    parsed = item.parsed
    made = etree.Element(f"{{{T}}}Message")
    if mime:
        if item.corrupt:
            raise Refused("ErrorContentConversionFailed")
        encoded = base64.b64encode(item.raw).decode()
        _text(made, T, "MimeContent", encoded).set("CharacterSet", "UTF-8")
    etree.SubElement(made, f"{{{T}}}ItemId", Id=item.id, ChangeKey="CQAAAA==")
    if "item:ParentFolderId" in fields:
        etree.SubElement(made, f"{{{T}}}ParentFolderId", Id=item.folder, ChangeKey="AQAAAA==")
    if "item:DateTimeReceived" in fields:
        _text(made, T, "DateTimeReceived", _time(item.received))
    if "item:Categories" in fields and item.categories:
        categories = etree.SubElement(made, f"{{{T}}}Categories")
        for name in item.categories:
            _text(categories, T, "String", name)
    if "item:IsDraft" in fields:
        _text(made, T, "IsDraft", str(item.draft).lower())
    if "item:LastModifiedTime" in fields:
        _text(made, T, "LastModifiedTime", _time(item.modified))
    if "message:InternetMessageId" in fields and parsed["message-id"]:
        _text(made, T, "InternetMessageId", str(parsed["message-id"]).strip())
    return made


def _items(*shown: Any) -> Any:
    made = etree.Element(f"{{{M}}}Items")
    for one in shown:
        made.append(one)
    return made


def _get_item(store: Store, box: Box, request: Any, part: Any) -> list[Any]:
    return [_items(_show(_item(box, part), request))]


def _find_item(store: Store, box: Box, request: Any, part: Any) -> list[Any]:
    folder = _folder(box, part)
    if box.refused and folder.kind == box.refused:
        raise Refused("ErrorAccessDenied")
    items = box.of(folder.id)
    restriction = request.find(f"{{{M}}}Restriction")
    if restriction is not None:
        items = [item for item in items if matching_restriction(restriction[0], item)]
    query = request.findtext(f"{{{M}}}QueryString")
    if query:
        items = [item for item in items if matching_query(query, item)]
    view = request.find(f"{{{M}}}IndexedPageItemView")
    offset = int(view.get("Offset")) if view is not None else 0
    # A server hands out fewer at a time than it is asked for.
    most = min(int(view.get("MaxEntriesReturned") or 1000), 20) if view is not None else 1000
    shown = items[offset : offset + most]
    last = offset + len(shown) >= len(items)
    root = etree.Element(
        f"{{{M}}}RootFolder",
        IndexedPagingOffset=str(offset + len(shown)),
        TotalItemsInView=str(len(items)),
        IncludesLastItemInRange=str(last).lower(),
    )
    found = etree.SubElement(root, f"{{{T}}}Items")
    for item in shown:
        found.append(_show(item, request))
    return [root]


def _sync(store: Store, box: Box, request: Any, part: Any) -> list[Any]:
    folder = _folder(box, part)
    state = request.findtext(f"{{{M}}}SyncState")
    begin = 0
    if state:
        try:
            epoch, at, where = base64.b64decode(state).decode().split("|")
            begin = int(at)
        except ValueError:
            raise Refused("ErrorInvalidSyncStateData") from None
        if int(epoch) != box.epoch or where != folder.id:
            raise Refused("ErrorInvalidSyncStateData")
    most = int(request.findtext(f"{{{M}}}MaxChangesReturned"))
    changes = etree.Element(f"{{{M}}}Changes")
    at = begin
    while at < len(box.changes) and len(changes) < most:
        where, kind, key = box.changes[at]
        at += 1
        if where != folder.id:
            continue
        item = box.items.get(key)
        if kind == "delete":
            deleted = etree.SubElement(changes, f"{{{T}}}Delete")
            etree.SubElement(deleted, f"{{{T}}}ItemId", Id=key, ChangeKey="AQAAAA==")
        elif item is not None:
            change = etree.SubElement(changes, f"{{{T}}}{kind.capitalize()}")
            change.append(_show(item, request))
    rest = any(where == folder.id for where, _, _ in box.changes[at:])
    text = base64.b64encode(f"{box.epoch}|{at}|{folder.id}".encode()).decode()
    state_element = etree.Element(f"{{{M}}}SyncState")
    state_element.text = text
    last = etree.Element(f"{{{M}}}IncludesLastItemInRange")
    last.text = str(not rest).lower()
    return [state_element, last, changes]


def _create_item(store: Store, box: Box, request: Any, part: Any) -> list[Any]:
    folder = _folder(box, request.find(f"{{{M}}}SavedItemFolderId")[0])
    raw = base64.b64decode(part.findtext(f"{{{T}}}MimeContent"))
    made = box.put(folder.id, raw)
    made.draft = True
    for extended in part.iter(f"{{{T}}}ExtendedProperty"):
        uri = extended.find(f"{{{T}}}ExtendedFieldURI")
        made.properties[uri.get("PropertyName")] = extended.findtext(f"{{{T}}}Value")
    shown = etree.Element(f"{{{T}}}Message")
    etree.SubElement(shown, f"{{{T}}}ItemId", Id=made.id, ChangeKey="CQAAAA==")
    return [_items(shown)]


def _send_item(store: Store, box: Box, request: Any, part: Any) -> list[Any]:
    item = _item(box, part)
    keep = None
    if request.get("SaveItemToFolder") == "true":
        place = request.find(f"{{{M}}}SavedItemFolderId")
        keep = _folder(box, place[0]).id if place is not None else box.kind("sentitems").id
    store.submit(box, item, keep)
    return []


def _update_item(store: Store, box: Box, request: Any, part: Any) -> list[Any]:
    item = _item(box, part.find(f"{{{T}}}ItemId"))
    for change in part.iter(f"{{{T}}}SetItemField"):
        uri = change.find(f"{{{T}}}FieldURI").get("FieldURI")
        if uri != "item:Categories":
            raise Refused("ErrorInvalidPropertySet")
        item.categories = [one.text for one in change.iter(f"{{{T}}}String")]
    box.touch(item)
    shown = etree.Element(f"{{{T}}}Message")
    etree.SubElement(shown, f"{{{T}}}ItemId", Id=item.id, ChangeKey="CQAAAB==")
    conflicts = etree.Element(f"{{{M}}}ConflictResults")
    _text(conflicts, T, "Count", "0")
    return [_items(shown), conflicts]


def _move_item(store: Store, box: Box, request: Any, part: Any) -> list[Any]:
    folder = _folder(box, request.find(f"{{{M}}}ToFolderId")[0])
    moved = box.move(_item(box, part), folder.id)
    shown = etree.Element(f"{{{T}}}Message")
    etree.SubElement(shown, f"{{{T}}}ItemId", Id=moved.id, ChangeKey="CQAAAA==")
    return [_items(shown)]


def _delete_item(store: Store, box: Box, request: Any, part: Any) -> list[Any]:
    item = _item(box, part)
    if item.kind == "CalendarItem":
        told = request.get("SendMeetingCancellations")
        if told is None:
            raise Refused("ErrorSendMeetingCancellationsRequired")
        box.cancellations.append(told)
    match request.get("DeleteType"):
        case "HardDelete":
            box.remove(item)
        case "SoftDelete":
            box.move(item, box.kind("recoverableitemsdeletions").id)
        case _:
            box.move(item, box.kind("deleteditems").id)
    return []


def _list(name: str) -> Any:
    return lambda request: list(request.find(f"{{{M}}}{name}"))


_PARTS = {
    "GetFolder": _list("FolderIds"),
    "FindFolder": _list("ParentFolderIds"),
    "CreateFolder": _list("Folders"),
    "SyncFolderItems": _list("SyncFolderId"),
    "GetItem": _list("ItemIds"),
    "FindItem": _list("ParentFolderIds"),
    "CreateItem": _list("Items"),
    "SendItem": _list("ItemIds"),
    "UpdateItem": _list("ItemChanges"),
    "MoveItem": _list("ItemIds"),
    "DeleteItem": _list("ItemIds"),
}
_WORK = {
    "GetFolder": _get_folder,
    "FindFolder": _find_folder,
    "CreateFolder": _create_folder,
    "SyncFolderItems": _sync,
    "GetItem": _get_item,
    "FindItem": _find_item,
    "CreateItem": _create_item,
    "SendItem": _send_item,
    "UpdateItem": _update_item,
    "MoveItem": _move_item,
    "DeleteItem": _delete_item,
}
