"""Contacts and events on the Graph-like server."""

import re
from typing import TYPE_CHECKING, Any

from tests.servers.graph_answers import Refused, as_json, chosen, page
from tests.servers.graph_store import Mailbox
from tests.servers.https import Answer, Request

if TYPE_CHECKING:
    from tests.servers.graph import Graph


def _folder_json(mailbox: Mailbox, key: str) -> dict[str, Any]:
    folder = mailbox.contact_folders[key]
    return {"id": folder.id, "displayName": folder.name, "parentFolderId": folder.parent or None}


def folders(graph: "Graph", mailbox: Mailbox, request: Request, _body: Any) -> Answer:
    # The default folder is not listed; its folders are.
    root = mailbox.contact_root
    listed = [f.id for f in mailbox.contact_folders.values() if f.parent == root]
    return _page(graph, request, [_folder_json(mailbox, key) for key in listed])


def child_folders(
    graph: "Graph", mailbox: Mailbox, request: Request, _body: Any, key: str
) -> Answer:
    listed = [f.id for f in mailbox.contact_folders.values() if f.parent == key]
    return _page(graph, request, [_folder_json(mailbox, one) for one in listed])


def contacts(
    graph: "Graph", mailbox: Mailbox, request: Request, _body: Any, key: str = ""
) -> Answer:
    folder = key or mailbox.contact_root
    if folder not in mailbox.contact_folders:
        raise Refused(404, "ErrorItemNotFound", "The specified folder was not found.")
    listed = [one for one in mailbox.contacts.values() if one["parentFolderId"] == folder]
    return _page(graph, request, listed)


def _contact(mailbox: Mailbox, key: str) -> dict[str, Any]:
    if key not in mailbox.contacts:
        raise Refused(404, "ErrorItemNotFound", "The object was not found in the store.")
    return mailbox.contacts[key]


def contact(graph: "Graph", mailbox: Mailbox, request: Request, _body: Any, key: str) -> Answer:
    select = request.parameters.get("$select", "")
    return as_json(200, chosen(_contact(mailbox, key), select))


def remove_contact(
    graph: "Graph", mailbox: Mailbox, request: Request, _body: Any, key: str
) -> Answer:
    del mailbox.contacts[_contact(mailbox, key)["id"]]
    return Answer(status=204)


def events(graph: "Graph", mailbox: Mailbox, request: Request, _body: Any) -> Answer:
    return _page(graph, request, list(mailbox.events.values()))


def calendars(graph: "Graph", mailbox: Mailbox, request: Request, _body: Any) -> Answer:
    return _page(graph, request, list(mailbox.calendars.values()))


def events_of(graph: "Graph", mailbox: Mailbox, request: Request, _body: Any, key: str) -> Answer:
    if key not in mailbox.calendars:
        raise Refused(404, "ErrorItemNotFound", "The specified folder was not found.")
    prefer = request.headers.get("prefer", "")
    assert 'outlook.body-content-type="text"' in prefer
    listed = [one for one in mailbox.events.values() if mailbox.calendar_of[one["id"]] == key]
    return _page(graph, request, listed)


def event(graph: "Graph", mailbox: Mailbox, request: Request, _body: Any, key: str) -> Answer:
    if key not in mailbox.events:
        raise Refused(404, "ErrorItemNotFound", "The object was not found in the store.")
    return as_json(200, chosen(mailbox.events[key], request.parameters.get("$select", "")))


def remove_event(
    graph: "Graph", mailbox: Mailbox, request: Request, _body: Any, key: str
) -> Answer:
    if mailbox.events.pop(key, None) is None:
        raise Refused(404, "ErrorItemNotFound", "The object was not found in the store.")
    return Answer(status=204)


def _page(graph: "Graph", request: Request, documents: list[dict[str, Any]]) -> Answer:
    options = request.parameters
    if "$search" in options:
        raise Refused(400, "ErrorInvalidUrlQuery", "$search is not supported here")
    start, size = int(options.get("$skiptoken", 0)), int(options.get("$top", 10))
    select = options.get("$select", "")
    further = {name: value for name, value in options.items() if name != "$skiptoken"}
    path = request.path.removeprefix("/v1.0")
    shown = [chosen(one, select) for one in documents]
    return page(graph.base, path, further, shown, start, size)


def _route(verb: str, form: str, function: Any) -> tuple[str, re.Pattern[str], Any]:
    return verb, re.compile(form, re.I), function


_IN = r"(?:/contactFolders/[^/]+)?/contacts/([^/]+)"
ROUTES = (
    _route("GET", r"/contactFolders", folders),
    _route("GET", r"/contactFolders/([^/]+)/childFolders", child_folders),
    _route("GET", r"/contactFolders/([^/]+)/contacts", contacts),
    _route("GET", r"/contacts", contacts),
    _route("POST", rf"{_IN}/permanentDelete", remove_contact),
    _route("GET", _IN, contact),
    _route("DELETE", _IN, remove_contact),
    _route("GET", r"/calendars", calendars),
    _route("GET", r"/calendars/([^/]+)/events", events_of),
    _route("GET", r"/events", events),
    _route("POST", r"/events/([^/]+)/permanentDelete", remove_event),
    _route("GET", r"/events/([^/]+)", event),
    _route("DELETE", r"/events/([^/]+)", remove_event),
)
