"""Mail folders, categories and settings on the Graph-like server."""

import re
from typing import TYPE_CHECKING, Any

from tests.servers.graph_answers import Refused, as_json, page
from tests.servers.graph_store import Folder, Mailbox, new_id
from tests.servers.https import Answer, Request

if TYPE_CHECKING:
    from tests.servers.graph import Graph


def _json(mailbox: Mailbox, folder: Folder) -> dict[str, Any]:
    inside = mailbox.in_folder(folder.id)
    return {
        "id": folder.id,
        "displayName": folder.name,
        "parentFolderId": folder.parent,
        "childFolderCount": len(mailbox.children(folder.id)),
        "unreadItemCount": sum(1 for item in inside if not item.read),
        "totalItemCount": len(inside),
        "isHidden": folder.hidden,
    }


def _found(mailbox: Mailbox, key: str) -> Folder:
    folder = mailbox.folder(key)
    if folder is None:
        if re.fullmatch(r"[\w=-]{30,}", key):
            raise Refused(404, "ErrorItemNotFound", "The specified folder was not found.")
        raise Refused(400, "ErrorInvalidIdMalformed", "Id is malformed.")
    return folder


def _page(graph: "Graph", mailbox: Mailbox, request: Request, folders: list[Folder]) -> Answer:
    options = request.parameters
    documents = [_json(mailbox, folder) for folder in folders]
    match = re.fullmatch(r"displayName eq '((?:[^']|'')*)'", options.get("$filter", ""))
    if match:
        wanted = match[1].replace("''", "'")
        documents = [one for one in documents if one["displayName"] == wanted]
    further = {name: value for name, value in options.items() if name != "$skiptoken"}
    path = request.path.removeprefix("/v1.0")
    start, size = int(options.get("$skiptoken", 0)), int(options.get("$top", 10))
    return page(graph.base, path, further, documents, start, size)


def top(graph: "Graph", mailbox: Mailbox, request: Request, _body: Any) -> Answer:
    root = mailbox.known["msgfolderroot"]
    visible = [one for one in mailbox.children(root) if not one.hidden]
    return _page(graph, mailbox, request, visible)


def children(graph: "Graph", mailbox: Mailbox, request: Request, _body: Any, key: str) -> Answer:
    return _page(graph, mailbox, request, mailbox.children(_found(mailbox, key).id))


def read(graph: "Graph", mailbox: Mailbox, request: Request, _body: Any, key: str) -> Answer:
    return as_json(200, _json(mailbox, _found(mailbox, key)))


def create(
    graph: "Graph", mailbox: Mailbox, request: Request, body: dict[str, Any], key: str = ""
) -> Answer:
    parent = _found(mailbox, key or "msgfolderroot")
    if any(one.name == body["displayName"] for one in mailbox.children(parent.id)):
        raise Refused(409, "ErrorFolderExists", "A folder with the specified name already exists.")
    return as_json(201, _json(mailbox, mailbox.add_folder(body["displayName"], parent.id)))


def categories(graph: "Graph", mailbox: Mailbox, request: Request, _body: Any) -> Answer:
    _settings(graph)
    return as_json(200, {"value": mailbox.categories})


def add_category(
    graph: "Graph", mailbox: Mailbox, request: Request, body: dict[str, Any]
) -> Answer:
    _settings(graph)
    if any(one["displayName"] == body["displayName"] for one in mailbox.categories):
        raise Refused(409, "ErrorDuplicateInputFolderNames", "The category exists already.")
    made = {"id": new_id("AAMk"), "displayName": body["displayName"], "color": body["color"]}
    mailbox.categories.append(made)
    return as_json(201, made)


def _settings(graph: "Graph") -> None:
    if not graph.mailbox_settings:
        raise Refused(403, "ErrorAccessDenied", "Access is denied. Check credentials.")


def _route(verb: str, form: str, function: Any) -> tuple[str, re.Pattern[str], Any]:
    return verb, re.compile(form, re.I), function


ROUTES = (
    _route("GET", r"/mailFolders", top),
    _route("POST", r"/mailFolders", create),
    _route("GET", r"/mailFolders/([^/]+)/childFolders", children),
    _route("POST", r"/mailFolders/([^/]+)/childFolders", create),
    _route("GET", r"/mailFolders/([^/]+)", read),
    _route("GET", r"/outlook/masterCategories", categories),
    _route("POST", r"/outlook/masterCategories", add_category),
)
