"""A Graph-like server over a small store, for tests: mail, drafts, search, contacts, faults.

It keeps to what Microsoft documents (and, where the OpenAPI description is at hand, is held to it):
delta per folder with opaque tokens, immutable ids only where they are asked for, at most four calls
at once per mailbox, 1,000 hits, drafts that become Sent copies, PATCH of received mail refused.
Mail sent to one of its mailboxes arrives there; what goes elsewhere is kept in `outside`.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from tests.servers import graph_contacts, graph_folders, graph_messages
from tests.servers.certs import Certificates
from tests.servers.graph_answers import Refused, as_json
from tests.servers.graph_schema import Contract
from tests.servers.graph_store import Mailbox
from tests.servers.https import Answer, HangUp, HttpsServer, Request
from tests.servers.issuer import Issuer

VERSION = "/v1.0"
AT_ONCE = 4


@dataclass
class Fault:
    """What comes instead of an answer, `times` times, to requests that `matches` likes.

    what: a status, or "reset" (before it is carried out), "lost" (carried out, answer lost),
    "silence" (nothing for `seconds`), "lost silence" (carried out, then silence), "cut" (half of
    the answer), "expire" (the token is no longer taken).
    """

    what: int | str
    matches: Callable[[Request], bool] = lambda request: True
    times: int = 1
    seconds: float = 0.0
    retry_after: str = ""
    code: str = ""


@dataclass
class Call:
    """One call as the log of the server has it."""

    method: str
    path: str
    status: int
    prefer: str
    at: float = field(default_factory=time.monotonic)


class Graph:
    """The server, its token issuer and its mailboxes. Use it in a `with` block.

    keeps_ids: whether a Message-ID set on a draft survives sending. shuffled: pages of a delta come
    in no order, some empty, some items twice. scope: mailboxes that the app may open (None: all).
    ours: whether requests are held to Microsoft's description (answers always are).
    """

    def __init__(
        self,
        mailboxes: Sequence[str] = (),
        certificates: Certificates | None = None,
        *,
        keeps_ids: bool = False,
        shuffled: bool = False,
        slow_copy: float = 0.0,
        ours: bool = True,
    ) -> None:
        self.mailboxes = {address.lower(): Mailbox(address) for address in mailboxes}
        self.scope: set[str] | None = None
        self.keeps_ids, self.shuffled, self.slow_copy = keeps_ids, shuffled, slow_copy
        self.issuer = Issuer()
        self.contract = Contract(ours)
        self.faults: list[Fault] = []
        self.calls: list[Call] = []
        self.outside: list[tuple[list[str], bytes]] = []
        self.on_send: Callable[[list[str], bytes], None] | None = None
        self.epoch = 1  # delta tokens of earlier epochs are no longer honoured
        self.resync = "410"  # or "syncStateNotFound": how that is said
        self.most_at_once = 0
        self.uploads: dict[str, dict[str, Any]] = {}
        self.mailbox_settings = True  # whether the app may read and write categories
        self._running: dict[str, int] = {}
        self._lock = threading.Lock()
        self.server = HttpsServer(self._answer, certificates)
        self.issuer.base = self.server.base
        self.base = self.server.base + VERSION
        self.ca_file = self.server.ca_file

    # --- what tests do

    def add(self, address: str) -> Mailbox:
        """A further mailbox."""
        return self.mailboxes.setdefault(address.lower(), Mailbox(address))

    def __getitem__(self, address: str) -> Mailbox:
        return self.mailboxes[address.lower()]

    def fault(self, what: int | str, where: str = "", times: int = 1, **options: Any) -> None:
        """A fault for the next calls; where: "METHOD path-regex", "" for any."""
        method, _space, form = where.partition(" ")
        pattern = re.compile(form)

        def matches(request: Request) -> bool:
            return not where or (request.method == method and bool(pattern.search(request.path)))

        self.faults.append(Fault(what, matches, times, **options))

    def forget_tokens(self) -> None:
        """Every delta token becomes void."""
        self.epoch += 1

    def count(self, where: str = "") -> int:
        """How many calls were answered; where: "METHOD path-regex"."""
        method, _space, form = where.partition(" ")
        return sum(
            1
            for call in self.calls
            if not where or (call.method == method and re.search(form, call.path))
        )

    def sent(self, recipient: str) -> list[bytes]:
        """The mails that left for somebody outside."""
        return [raw for people, raw in self.outside if recipient.lower() in people]

    def stop(self) -> None:
        """End the server."""
        self.server.stop()

    def __enter__(self) -> "Graph":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        self.stop()
        if kind is None:
            assert self.server.failures == []
            assert self.contract.violations == []

    # --- answering

    def _answer(self, request: Request) -> Answer:
        signing_in = self.issuer.answer(request)
        if signing_in is not None:
            return signing_in
        if request.path.startswith("/upload/"):
            return self._watched(request, request.path, lambda: self._uploaded(request))
        if not request.path.startswith(VERSION):
            return as_json(404, {"error": {"code": "BadRequest", "message": "no such version"}})
        path = request.path.removeprefix(VERSION)
        self.contract.request(request, path)
        answer = self._watched(request, path, lambda: self._carried_out(request, path))
        self.contract.answer(request, path, answer)
        return answer

    def _watched(self, request: Request, path: str, act: Callable[[], Answer]) -> Answer:
        fault = self._fault(request)
        prefer = request.headers.get("prefer", "")
        status = 0
        try:
            if fault is not None:
                before = self._before(fault)
                if before is not None:
                    status = before.status
                    return before
            answer = act()
            status = answer.status
            if fault is not None:
                return self._after(fault, answer)
            return answer
        finally:
            with self._lock:
                self.calls.append(Call(request.method, path, status, prefer))

    def _fault(self, request: Request) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if fault.times > 0 and fault.matches(request):
                    fault.times -= 1
                    return fault
        return None

    def _before(self, fault: Fault) -> Answer | None:
        if fault.what == "reset":
            raise HangUp
        if fault.what == "silence":
            time.sleep(fault.seconds)
            raise HangUp
        if fault.what == "expire":
            self.issuer.revoke_all()
        if isinstance(fault.what, int):
            headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            code = fault.code or {429: "ApplicationThrottled", 410: "syncStateNotFound"}.get(
                fault.what, "serviceNotAvailable"
            )
            if fault.what == 410:
                headers["Location"] = f"{self.base}/"
            return as_json(fault.what, {"error": {"code": code, "message": "a fault"}}, headers)
        return None

    def _after(self, fault: Fault, answer: Answer) -> Answer:
        if fault.what == "lost":
            raise HangUp
        if fault.what == "lost silence":
            time.sleep(fault.seconds)
            raise HangUp
        if fault.what == "cut":
            return Answer(
                status=answer.status,
                headers=answer.headers,
                body=answer.body,
                cut=len(answer.body) // 2,
            )
        return answer

    def _carried_out(self, request: Request, path: str) -> Answer:
        try:
            self._signed_in(request)
            if path == "/$batch":
                return self._batch(request)
            match = re.fullmatch(r"/(?:users/([^/]+)|me)(/.*)?", path)
            if not match:
                raise Refused(404, "BadRequest", "no such resource")
            mailbox = self._mailbox(match[1] or next(iter(self.mailboxes)))
            with self._one_more(mailbox.address):
                return self._routed(request, mailbox, match[2] or "")
        except Refused as refused:
            return refused.answer

    def _signed_in(self, request: Request) -> None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not self.issuer.valid(token, self.server.base):
            raise Refused(401, "InvalidAuthenticationToken", "Lifetime validation failed")

    def _mailbox(self, address: str) -> Mailbox:
        mailbox = self.mailboxes.get(address.lower())
        if mailbox is None:
            raise Refused(404, "ErrorInvalidUser", f"The requested user '{address}' is invalid.")
        if self.scope is not None and address.lower() not in self.scope:
            raise Refused(403, "ErrorAccessDenied", "Access is denied. Check credentials.")
        return mailbox

    def _one_more(self, address: str) -> "_Turn":
        return _Turn(self, address)

    def _routed(self, request: Request, mailbox: Mailbox, path: str) -> Answer:
        if mailbox.denied and path.startswith(mailbox.denied):
            raise Refused(403, "ErrorAccessDenied", "Access is denied. Check credentials.")
        for part in (graph_messages, graph_folders, graph_contacts):
            for verb, form, function in part.ROUTES:
                match = form.fullmatch(path) if verb == request.method else None
                if match:
                    document = json.loads(request.body) if request.body.startswith(b"{") else {}
                    answer = function(self, mailbox, request, document, *match.groups())
                    assert isinstance(answer, Answer)
                    return answer
        raise Refused(404, "ErrorItemNotFound", "no such resource")

    def _batch(self, request: Request) -> Answer:
        parts = json.loads(request.body)["requests"]
        if not 1 <= len(parts) <= 20:
            raise Refused(400, "MaximumValueExceeded", "Number of batch request steps exceeds 20")
        answers = []
        for part in parts:
            address, _mark, query = part["url"].partition("?")
            body = json.dumps(part["body"]).encode() if "body" in part else b""
            from urllib.parse import unquote

            inner = Request(
                method=part["method"],
                path=VERSION + unquote(address),
                query=query,
                headers={
                    **{name.lower(): value for name, value in part.get("headers", {}).items()},
                    "authorization": request.headers["authorization"],
                },
                body=body,
            )
            answer = self._answer(inner)
            content = json.loads(answer.body) if answer.body else None
            one = {"id": part["id"], "status": answer.status, "headers": dict(answer.headers)}
            answers.append({**one, "body": content} if content is not None else one)
        return as_json(200, {"responses": answers[::-1]})

    def _uploaded(self, request: Request) -> Answer:
        session = self.uploads.get(request.path.rpartition("/")[2])
        if session is None or request.method != "PUT":
            return as_json(404, {"error": {"code": "ErrorItemNotFound", "message": "no session"}})
        if "authorization" in request.headers:
            return as_json(401, {"error": {"code": "InvalidAudience", "message": "no token here"}})
        match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", request.headers["content-range"])
        assert match
        first, last, whole = (int(group) for group in match.groups())
        if first != len(session["content"]) or last - first + 1 != len(request.body):
            return as_json(416, {"error": {"code": "InvalidRange", "message": "out of order"}})
        if len(request.body) > 4_194_304:
            return as_json(413, {"error": {"code": "RequestTooLarge", "message": "over 4 MB"}})
        session["content"] += request.body
        if len(session["content"]) < whole:
            return as_json(200, {"nextExpectedRanges": [f"{last + 1}-"]})
        graph_messages.attach_upload(session)
        return Answer(status=201, headers={"Location": f"{self.server.base}/attachment"})

    # --- mail that leaves

    def hand_on(self, sender: str, recipients: list[str], raw: bytes) -> None:
        """Deliver a sent mail: to mailboxes here, or outside."""
        lines = raw if raw.startswith(b"Received:") else _received(sender) + raw
        away = []
        for recipient in recipients:
            local = self.mailboxes.get(recipient.lower())
            if local is not None:
                local.deliver(lines)
            else:
                away.append(recipient.lower())
        if away:
            self.outside.append((away, raw))
        if self.on_send is not None:
            self.on_send(recipients, raw)


class _Turn:
    """One running call of a mailbox; the fifth at once is refused."""

    def __init__(self, graph: Graph, address: str) -> None:
        self._graph, self._address = graph, address.lower()

    def __enter__(self) -> None:
        graph = self._graph
        with graph._lock:
            running = graph._running.get(self._address, 0) + 1
            graph.most_at_once = max(graph.most_at_once, running)
            if running > AT_ONCE:
                raise Refused(429, "ApplicationThrottled", "MailboxConcurrency", "1")
            graph._running[self._address] = running

    def __exit__(self, *_: object) -> None:
        with self._graph._lock:
            self._graph._running[self._address] -= 1


def _received(sender: str) -> bytes:
    day = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
    return (
        b"Received: from EURP250.PROD.OUTLOOK.COM by EURP250.PROD.OUTLOOK.COM; "
        + day.encode()
        + b"\r\nX-MS-Exchange-Organization-AuthAs: Internal\r\n"
    )


__all__ = ["Answer", "Fault", "Graph", "Mailbox"]
