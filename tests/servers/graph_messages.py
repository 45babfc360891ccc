"""Messages on the Graph-like server: list, delta, read, draft, send, move, delete, attachments."""

import base64
import json
import random
import re
import secrets
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tests.servers.graph_answers import Refused, as_json, chosen, page
from tests.servers.graph_search import BadQuery, filtered, found
from tests.servers.graph_store import Item, Mailbox, body_of, files_of, properties, stamp
from tests.servers.https import Answer, Request

if TYPE_CHECKING:
    from tests.servers.graph import Graph

_ONLY_DRAFTS = {"subject", "body", "toRecipients", "ccRecipients", "bccRecipients", "replyTo",
                "internetMessageId", "from", "sender"}  # fmt: skip
_INLINE = 3 * 1024 * 1024


def shown(item: Item, mailbox: Mailbox, immutable: bool, select: str = "") -> dict[str, Any]:
    """A message as JSON; a body that is not asked for is not read."""
    read = properties(item)
    whole = not select or "body" in select
    body = body_of(item) if whole else {"contentType": "text", "content": ""}
    return {
        "@odata.etag": f'W/"{item.modified.timestamp()}"',
        "id": item.id if immutable else f"{item.id}.{item.folder[-12:]}",
        "parentFolderId": item.folder,
        "categories": list(item.categories),
        "isRead": item.read,
        "isDraft": item.is_draft,
        "receivedDateTime": stamp(item.received),
        "createdDateTime": stamp(item.received),
        "lastModifiedDateTime": stamp(item.modified),
        "sentDateTime": read.get("sentDateTime") or stamp(item.received),
        "changeKey": str(item.modified.timestamp()),
        "conversationId": "AAQk" + "x" * 20,
        "bodyPreview": body["content"][:255],
        "body": body,
        "importance": "normal",
        "flag": {"flagStatus": "notFlagged"},
        "isReadReceiptRequested": False,
        "isDeliveryReceiptRequested": False,
        "inferenceClassification": "focused",
        "webLink": "https://outlook.test/",
        **{name: read.get(name) for name in (
            "subject", "internetMessageId", "from", "sender", "internetMessageHeaders",
            "hasAttachments",
        )},
        **{name: read.get(name) or [] for name in (
            "toRecipients", "ccRecipients", "bccRecipients", "replyTo",
        )},
    }  # fmt: skip


def _json(item: Item, mailbox: Mailbox, request: Request) -> dict[str, Any]:
    immutable = 'IdType="ImmutableId"' in request.headers.get("prefer", "")
    select = request.parameters.get("$select", "")
    document = shown(item, mailbox, immutable, select)
    if not select:
        del document["internetMessageHeaders"]  # only when asked for
    elif "internetMessageHeaders" in select and document["internetMessageHeaders"] is None:
        document["internetMessageHeaders"] = []
    return chosen(document, select)


def get_item(mailbox: Mailbox, key: str) -> Item:
    """A message by its id of either kind. Raises Refused."""
    if not re.fullmatch(r"[\w=.-]{30,}", key):
        raise Refused(400, "ErrorInvalidIdMalformed", "Id is malformed.")
    item = mailbox.items.get(key.partition(".")[0])
    if item is None or (key.partition(".")[2] not in ("", item.folder[-12:])):
        raise Refused(404, "ErrorItemNotFound", "The object was not found in the store.")
    return item


def _listed(graph: "Graph", mailbox: Mailbox, request: Request, items: list[Item]) -> Answer:
    options = request.parameters
    search, expression = options.get("$search"), options.get("$filter")
    if search and (expression or options.get("$orderby")):
        raise Refused(400, "SearchWithOrderBy", "The query parameter is not supported with $search")
    try:
        if search:
            items = found(items, search)
        if expression:
            items = filtered(items, expression)
    except BadQuery as error:
        raise Refused(400, "ErrorInvalidUrlQueryFilter", str(error)) from None
    if not search:
        rising = options.get("$orderby", "").strip() in ("receivedDateTime", "receivedDateTime asc")
        items = sorted(items, key=lambda item: item.received, reverse=not rising)
    start = int(options.get("$skiptoken", 0))
    size = int(options.get("$top", 10))
    if not 1 <= size <= 1000:
        raise Refused(400, "ErrorInvalidUrlQuery", "$top must be between 1 and 1000")
    part = [_json(item, mailbox, request) for item in items[start : start + size]]
    padded = [{}] * start + part + [{}] * max(0, len(items) - start - size)
    further = {name: value for name, value in options.items() if name != "$skiptoken"}
    path = request.path.removeprefix("/v1.0")
    return page(graph.base, path, further, padded, start, size)


def list_all(graph: "Graph", mailbox: Mailbox, request: Request, _body: Any) -> Answer:
    return _listed(graph, mailbox, request, mailbox.visible())


def list_folder(
    graph: "Graph", mailbox: Mailbox, request: Request, _body: Any, folder: str
) -> Answer:
    found_ = _folder(mailbox, folder)
    return _listed(graph, mailbox, request, mailbox.in_folder(found_))


def _folder(mailbox: Mailbox, key: str) -> str:
    found_ = mailbox.folder(key)
    if found_ is None:
        raise Refused(404, "ErrorItemNotFound", "The specified folder was not found.")
    return found_.id


# --- delta


def delta(graph: "Graph", mailbox: Mailbox, request: Request, _body: Any, folder: str) -> Answer:
    """Changes of a folder. The options of the first request are frozen into the tokens."""
    key = _folder(mailbox, folder)
    options = request.parameters
    token = options.get("$skiptoken") or options.get("$deltatoken")
    state = _state(graph, token) if token else _first(mailbox, key, options)
    limit = re.search(r"odata\.maxpagesize=(\d+)", request.headers.get("prefer", ""))
    size = int(limit[1]) if limit else 10
    with mailbox.lock:
        ids = _ids(graph, mailbox, key, state)
    part, state["at"] = ids[state["at"] : state["at"] + size], state["at"] + size
    immutable = 'IdType="ImmutableId"' in request.headers.get("prefer", "")
    documents = []
    for one, how in part:
        item = mailbox.items.get(one)
        if item is None or item.folder != key:
            if state["type"] in ("", "deleted"):
                documents.append({"id": one, "@removed": {"reason": "deleted"}})
        elif state["type"] in ("", how):
            documents.append(
                chosen(shown(item, mailbox, immutable, state["select"]), state["select"])
            )
    return _delta_page(graph, mailbox, request, key, state, ids, documents)


def _delta_page(
    graph: "Graph", mailbox: Mailbox, request: Request, key: str, state: dict[str, Any],
    ids: Sequence[tuple[str, str]], documents: list[dict[str, Any]],
) -> Answer:  # fmt: skip
    made: dict[str, Any] = {"value": documents}
    if graph.shuffled and documents:
        dice = random.Random(state["at"])
        dice.shuffle(documents)
        documents.append(documents[0])
    if state["at"] < len(ids):
        if graph.shuffled and not state.get("empty"):
            # An empty page with a link: go on.
            state.update(at=state["at"] - len(documents) + 1 if documents else state["at"])
            state["at"], state["empty"] = max(0, state["at"]), True
            made["value"] = []
        else:
            state["empty"] = False
        made["@odata.nextLink"] = _link(graph, request, "$skiptoken", state)
    else:
        state.update(at=0, since=state["until"], full=False)
        made["@odata.deltaLink"] = _link(graph, request, "$deltatoken", state)
    return as_json(200, made)


def _first(mailbox: Mailbox, folder: str, options: dict[str, str]) -> dict[str, Any]:
    return {
        "full": True,
        "since": 0,
        "until": len(mailbox.changes.get(folder, ())),
        "at": 0,
        "select": options.get("$select", ""),
        "filter": options.get("$filter", ""),
        "type": options.get("changeType", ""),
    }


def _ids(
    graph: "Graph", mailbox: Mailbox, folder: str, state: dict[str, Any]
) -> list[tuple[str, str]]:
    if state["full"]:
        items = mailbox.in_folder(folder)
        if state["filter"]:
            items = filtered(items, state["filter"])
        return [(item.id, "created") for item in items]
    changes = mailbox.changes.get(folder, [])
    if state["at"] == 0:
        state["until"] = len(changes)
    told: dict[str, str] = {}
    for item, how in changes[state["since"] : state["until"]]:
        told[item] = "created" if told.get(item) == "created" and how == "updated" else how
    return list(told.items())


def _link(graph: "Graph", request: Request, name: str, state: dict[str, Any]) -> str:
    from urllib.parse import quote

    inner = json.dumps({**state, "epoch": graph.epoch}).encode()
    token = base64.urlsafe_b64encode(inner).decode()
    return f"{graph.server.base}{quote(request.path)}?{name}={token}"


def _state(graph: "Graph", token: str) -> dict[str, Any]:
    try:
        state = json.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        raise Refused(400, "ErrorInvalidUrlQuery", "Badly formed token.") from None
    if state.pop("epoch") != graph.epoch:
        status = 410 if graph.resync == "410" else 400
        raise Refused(status, "SyncStateNotFound", "The sync state generation is not found")
    assert isinstance(state, dict)
    return state


# --- one message


def read(graph: "Graph", mailbox: Mailbox, request: Request, _body: Any, key: str) -> Answer:
    return as_json(200, _json(get_item(mailbox, key), mailbox, request))


def value(graph: "Graph", mailbox: Mailbox, request: Request, _body: Any, key: str) -> Answer:
    item = get_item(mailbox, key)
    raw = item.raw if item.raw is not None else mailbox._octets(item)
    return Answer(headers={"Content-Type": "text/plain"}, body=raw)


def change(
    graph: "Graph", mailbox: Mailbox, request: Request, body: dict[str, Any], key: str
) -> Answer:
    item = get_item(mailbox, key)
    if not item.is_draft and _ONLY_DRAFTS & set(body):
        raise Refused(403, "ErrorAccessDenied", "needs Mail-Advanced.ReadWrite")
    for name, content in body.items():
        if name == "categories":
            item.categories = list(content)
        elif name == "isRead":
            item.read = bool(content)
        elif item.is_draft:
            _check_headers(body)
            item.draft[name] = content
    mailbox.touch(item)
    return as_json(200, _json(item, mailbox, request))


def create(
    graph: "Graph", mailbox: Mailbox, request: Request, body: dict[str, Any], folder: str = ""
) -> Answer:
    item = _draft(mailbox, body)
    if folder and _folder(mailbox, folder) != item.folder:
        mailbox.move(item, _folder(mailbox, folder))
    return as_json(201, _json(item, mailbox, request))


def _draft(mailbox: Mailbox, body: dict[str, Any], answers: str = "") -> Item:
    _check_headers(body)
    further = {"singleValueExtendedProperties", "attachments", "@odata.type"}
    item = mailbox.add_draft(
        {name: one for name, one in body.items() if name not in further}, answers
    )
    for one in body.get("singleValueExtendedProperties") or ():
        item.extended[one["id"].lower()] = one["value"]
    for file in body.get("attachments") or ():
        _attach(item, file)
    return item


def _check_headers(body: dict[str, Any]) -> None:
    headers = body.get("internetMessageHeaders") or ()
    if len(headers) > 5 or any(not one["name"].lower().startswith("x-") for one in headers):
        raise Refused(400, "InvalidInternetMessageHeader", "must start with 'x-', at most five")


def create_reply(
    graph: "Graph", mailbox: Mailbox, request: Request, body: dict[str, Any], key: str
) -> Answer:
    parent = get_item(mailbox, key)
    message = dict(body.get("message") or body.get("Message") or {})
    if (body.get("comment") or body.get("Comment")) and message.get("body"):
        raise Refused(400, "ErrorInvalidRequest", "comment and body are exclusive")
    above = properties(parent)
    answered = above.get("replyTo") or [above.get("from")]
    quoted = {"contentType": "text", "content": "\n> " + body_of(parent)["content"]}
    message = {
        "subject": f"Re: {above.get('subject') or ''}",
        "toRecipients": [one for one in answered if one],
        "body": quoted,
        **message,
    }
    return as_json(201, _json(_draft(mailbox, message, parent.id), mailbox, request))


def send(graph: "Graph", mailbox: Mailbox, request: Request, _body: Any, key: str) -> Answer:
    item = get_item(mailbox, key)
    if not item.is_draft:
        raise Refused(400, "ErrorInvalidRequest", "not a draft")
    _sent(graph, mailbox, item)
    return Answer(status=202)


def _sent(graph: "Graph", mailbox: Mailbox, item: Item) -> None:
    people = [
        one["emailAddress"]["address"]
        for name in ("toRecipients", "ccRecipients", "bccRecipients")
        for one in item.draft.get(name) or ()
    ]
    if not people:
        raise Refused(400, "ErrorInvalidRecipients", "At least one recipient isn't valid.")

    def leave() -> None:
        raw = mailbox.send(item, graph.keeps_ids)
        graph.hand_on(mailbox.address, people, raw)

    if graph.slow_copy:
        threading.Timer(graph.slow_copy, leave).start()
    else:
        leave()


def send_mail(graph: "Graph", mailbox: Mailbox, request: Request, body: dict[str, Any]) -> Answer:
    _sent(graph, mailbox, _draft(mailbox, body.get("message") or body["Message"]))
    return Answer(status=202)


def reply(
    graph: "Graph", mailbox: Mailbox, request: Request, body: dict[str, Any], key: str
) -> Answer:
    made = json.loads(create_reply(graph, mailbox, request, body, key).body)
    _sent(graph, mailbox, get_item(mailbox, made["id"]))
    return Answer(status=202)


def move(
    graph: "Graph", mailbox: Mailbox, request: Request, body: dict[str, Any], key: str
) -> Answer:
    item = get_item(mailbox, key)
    target = body.get("destinationId") or body.get("DestinationId") or ""
    mailbox.move(item, _folder(mailbox, target))
    return as_json(201, _json(item, mailbox, request))


def delete(graph: "Graph", mailbox: Mailbox, request: Request, _body: Any, key: str) -> Answer:
    item = get_item(mailbox, key)
    mailbox.move(item, mailbox.known["recoverableitemsdeletions"])
    return Answer(status=204)


def purge(graph: "Graph", mailbox: Mailbox, request: Request, _body: Any, key: str) -> Answer:
    mailbox.remove(get_item(mailbox, key))
    return Answer(status=204)


# --- attachments


def list_files(graph: "Graph", mailbox: Mailbox, request: Request, _body: Any, key: str) -> Answer:
    kind = {"@odata.type": "#microsoft.graph.fileAttachment"}
    return as_json(200, {"value": [{**kind, **one} for one in files_of(get_item(mailbox, key))]})


def add_file(
    graph: "Graph", mailbox: Mailbox, request: Request, body: dict[str, Any], key: str
) -> Answer:
    item = get_item(mailbox, key)
    _attach(item, body)
    return as_json(201, {"@odata.type": "#microsoft.graph.fileAttachment", **item.files[-1]})


def _attach(item: Item, body: dict[str, Any]) -> None:
    size = len(base64.b64decode(body["contentBytes"]))
    if size >= _INLINE:
        raise Refused(413, "RequestTooLarge", "use an upload session")
    made = {"id": f"{item.id}F{len(item.files)}", "size": size, "isInline": False, **body}
    made.pop("@odata.type", None)
    item.files.append(made)


def upload_session(
    graph: "Graph", mailbox: Mailbox, request: Request, body: dict[str, Any], key: str
) -> Answer:
    item = get_item(mailbox, key)
    about = body.get("AttachmentItem") or body["attachmentItem"]
    name = secrets.token_urlsafe(20)
    graph.uploads[name] = {"item": item, "about": about, "content": b""}
    expires = stamp(item.modified.replace(year=item.modified.year + 1))
    made = {
        "uploadUrl": f"{graph.server.base}/upload/{name}",
        "expirationDateTime": expires,
        "nextExpectedRanges": ["0-"],
    }
    return as_json(201, made)


def attach_upload(session: dict[str, Any]) -> None:
    """All octets of an upload have come."""
    item, about = session["item"], session["about"]
    assert len(session["content"]) == int(about["size"])
    item.files.append(
        {
            "id": f"{item.id}F{len(item.files)}",
            "name": about["name"],
            "contentType": about.get("contentType"),
            "size": len(session["content"]),
            "isInline": False,
            "contentBytes": base64.b64encode(session["content"]).decode(),
        }
    )


def _route(verb: str, form: str, function: Any) -> tuple[str, re.Pattern[str], Any]:
    return verb, re.compile(form, re.I), function


_FOLDER = r"/mailFolders/([^/]+)"
_IN = r"(?:/mailFolders/[^/]+)?/messages/([^/]+)"
ROUTES = (
    _route("GET", rf"{_FOLDER}/messages/delta(?:\(\))?", delta),
    _route("GET", r"/messages", list_all),
    _route("GET", rf"{_FOLDER}/messages", list_folder),
    _route("POST", r"/messages", create),
    _route("POST", rf"{_FOLDER}/messages", create),
    _route("POST", r"/sendMail", send_mail),
    _route("GET", rf"{_IN}/\$value", value),
    _route("GET", rf"{_IN}/attachments", list_files),
    _route("POST", rf"{_IN}/attachments", add_file),
    _route("POST", rf"{_IN}/attachments/createUploadSession", upload_session),
    _route("POST", rf"{_IN}/createReply(?:All)?", create_reply),
    _route("POST", rf"{_IN}/reply(?:All)?", reply),
    _route("POST", rf"{_IN}/send", send),
    _route("POST", rf"{_IN}/move", move),
    _route("POST", rf"{_IN}/permanentDelete", purge),
    _route("GET", _IN, read),
    _route("PATCH", _IN, change),
    _route("DELETE", _IN, delete),
)
