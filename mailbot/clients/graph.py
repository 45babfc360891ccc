"""Microsoft Graph over HTTPS: one mailbox's calls, paced, with every failure named.

Limits (learn.microsoft.com/graph/throttling-limits, Outlook service): 10,000 requests in ten
minutes and 150 MB of upload in five per app and mailbox, and four requests at once, which is
taken for the whole process. The client stays below them by itself, and once told to wait it makes
no further call to that mailbox until then. It never tries again by itself: the daemon does.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import requests
import structlog

from mailbot.clients import http
from mailbot.clients.graph_faults import Denied, Gone, failure
from mailbot.clients.microsoft import SignIn, graph_scope
from mailbot.errors import MailbotError, Permanent, Transient

log = structlog.get_logger()

AT_ONCE = 4
LARGEST = 60_000_000  # octets; of a larger mail only the beginning is read
TOGETHER = 4  # steps in one $batch: more to one mailbox at once would be refused
_REQUESTS, _REQUESTS_PER_SECOND = 500.0, 15.0  # at most 9,500 in ten minutes
_OCTETS, _OCTETS_PER_SECOND = 20e6, 400e3  # at most 140 MB in five minutes
_TELL = 1.0  # seconds of waiting in all from which the log is told,
_TELL_EVERY = 60.0  # at most so often
_RETRY = 10.0  # seconds, where a busy server does not say how long
_PREFER = 'IdType="ImmutableId"'

_turns = threading.BoundedSemaphore(AT_ONCE)

Document = dict[str, Any]


class Pace:
    """A bucket that refills: what is taken beyond it must wait."""

    def __init__(
        self,
        size: float,
        per_second: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._size, self._per_second = size, per_second
        self._monotonic, self._sleep = monotonic, sleep
        self._lock = threading.Lock()
        self._left = size
        self._at = monotonic()

    def take(self, amount: float = 1.0) -> float:
        """Wait until so much may be taken; the seconds waited."""
        with self._lock:
            now = self._monotonic()
            self._left = min(self._size, self._left + (now - self._at) * self._per_second)
            self._at = now
            self._left -= amount
            wait = max(0.0, -self._left / self._per_second)
        if wait:
            self._sleep(wait)
        return wait


class GraphClient:
    """Calls for one mailbox. Safe to use from several threads. Raises Transient or Permanent.

    name: how messages call the mailbox. address: whose mailbox. timeout: seconds that the server
    may be silent. session: as `http.session` makes them.
    """

    def __init__(
        self,
        *,
        name: str,
        address: str,
        base_url: str,
        sign_in: SignIn,
        session: requests.Session,
        timeout: float = 60.0,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self.address = address
        self.base = base_url.rstrip("/")
        self._sign_in = sign_in
        self._scope = graph_scope(base_url)
        self._session = session
        self._timeout = timeout
        self._monotonic = monotonic
        self._pace = Pace(_REQUESTS, _REQUESTS_PER_SECOND, monotonic, sleep)
        self._uploading = Pace(_OCTETS, _OCTETS_PER_SECOND, monotonic, sleep)
        self._not_before = 0.0
        self._telling = threading.Lock()
        self._waited, self._told = 0.0, -_TELL_EVERY
        self.calls = 0

    # --- addresses

    def url(self, path: str, address: str = "", **options: object) -> str:
        """The address of something of the mailbox (or another); options without their "$"."""
        user = quote(address or self.address, safe="@")
        query = urlencode(
            {f"${name}": value for name, value in options.items()}, quote_via=quote, safe="$,'"
        )
        return f"{self.base}/users/{user}{path}{'?' + query if query else ''}"

    # --- calls

    def get(self, url: str, doing: str, prefer: str = "") -> Document:
        """A document. Raises Gone if there is no such thing, Resync where a delta starts anew."""
        return self._document("GET", url, doing, prefer=prefer)

    def post(self, url: str, doing: str, body: Document | None = None) -> Document:
        """Act on something, or make it; the answer's document, empty if there is none."""
        return self._document("POST", url, doing, body=body)

    def patch(self, url: str, doing: str, body: Document) -> Document:
        """Change some properties."""
        return self._document("PATCH", url, doing, body=body)

    def delete(self, url: str, doing: str) -> None:
        """Delete; Gone if it is gone."""
        self._document("DELETE", url, doing)

    def pages(self, url: str, doing: str, prefer: str = "") -> Iterator[list[Document]]:
        """Every page of a collection; pages may be empty and yet not the last."""
        link: str | None = url
        while link:
            document = self.get(link, doing, prefer)
            yield values(document)
            link = self.next_link(document)

    def next_link(self, document: Document, name: str = "@odata.nextLink") -> str | None:
        """Where a collection goes on: only at the same server, which alone gets our token."""
        link = document.get(name)
        return link if isinstance(link, str) and self.ours(link) else None

    def ours(self, link: str) -> bool:
        """Whether an address is one of the configured server. Raises Permanent if it is not."""
        here, there = urlsplit(self.base), urlsplit(link)
        if (here.scheme, here.netloc.lower()) != (there.scheme, there.netloc.lower()):
            raise Permanent(
                f"mailbox {self.name}: the server points to another server; check "
                "mailbox.graph.base_url"
            )
        return True

    def octets(self, url: str, doing: str) -> bytes:
        """The octets of something, `LARGEST` and one more at most."""
        answer = self._called("GET", url, doing, stream=True)
        try:
            read = bytearray()
            for chunk in answer.iter_content(65_536):
                read += chunk
                if len(read) > LARGEST:
                    return bytes(read[: LARGEST + 1])
            self._whole(answer, len(read), doing)
            return bytes(read)
        except requests.RequestException as error:
            raise Transient(f"{self._what(doing)}: {http.named(error)}") from None
        finally:
            answer.close()

    def batch(self, urls: Sequence[str], doing: str) -> list[Document | None]:
        """Several GETs in few calls, in the order asked; None for what is not there.

        The outer answer says nothing of the inner ones: each has a status of its own.
        """
        steps = [
            {
                "id": str(number),
                "method": "GET",
                "url": url.removeprefix(self.base),
                "headers": {"Prefer": _PREFER},
            }
            for number, url in enumerate(urls)
        ]
        found: dict[str, Document | None] = {}
        for start in range(0, len(steps), TOGETHER):
            some = steps[start : start + TOGETHER]
            document = self.post(f"{self.base}/$batch", doing, {"requests": some})
            for one in document.get("responses") or ():
                found[str(one["id"])] = self._part(one, doing)
        if len(found) != len(steps):
            raise Transient(f"{self._what(doing)}: a batch was answered in part")
        return [found[str(number)] for number in range(len(steps))]

    def put_chunk(self, url: str, content: bytes, start: int, whole: int, doing: str) -> None:
        """A piece of an upload, to the address that the server gave, without our token."""
        span = f"bytes {start}-{start + len(content) - 1}/{whole}"
        self._wait_for(self._uploading.take(len(content)), doing)
        self._called("PUT", url, doing, octets=content, headers={"Content-Range": span}).close()

    def opens(self, address: str) -> bool | None:
        """Whether this app may read another mailbox; None if there is no such mailbox."""
        url = self.url("/mailFolders/inbox", address, select="id")
        try:
            self.get(url, "looking whether other mailboxes are closed")
        except Gone:
            return None
        except Denied:
            return False
        return True

    def grants(self) -> Sequence[str]:
        """The permissions consented to for the whole tenant, as far as the token shows them.

        Those of RBAC for Applications are in no token. A token that cannot be read shows none.
        """
        import base64

        try:
            part = self._sign_in.token(self._scope).split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
            roles = claims.get("roles", ())
        except (IndexError, ValueError, AttributeError):
            return ()
        return [str(role) for role in roles] if isinstance(roles, list) else ()

    # --- the one way out

    def _document(
        self, method: str, url: str, doing: str, body: Document | None = None, prefer: str = ""
    ) -> Document:
        octets = None if body is None else json.dumps(body).encode()
        answer = self._called(method, url, doing, octets=octets, prefer=prefer)
        try:
            document = answer.json() if answer.content else {}
        except ValueError:
            # Half an answer: what was asked for may have been done.
            raise Transient(f"{self._what(doing)}: no whole answer") from None
        return document if isinstance(document, dict) else {}

    def _called(
        self,
        method: str,
        url: str,
        doing: str,
        *,
        octets: bytes | None = None,
        prefer: str = "",
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
    ) -> requests.Response:
        self._may_call(doing)
        sent = {"Prefer": f"{_PREFER}, {prefer}" if prefer else _PREFER, **(headers or {})}
        if method != "PUT":
            sent["Authorization"] = f"Bearer {self._sign_in.token(self._scope)}"
            if octets is not None:
                sent["Content-Type"] = "application/json"
        with _turns:
            self.calls += 1
            try:
                answer = self._session.request(
                    method, url, data=octets, headers=sent, timeout=self._timeout, stream=stream
                )
            except requests.RequestException as error:
                raise self._no_answer(error, doing) from None
        if answer.status_code >= 400:
            raise self._refused(answer, doing)
        return answer

    def _may_call(self, doing: str) -> None:
        left = self._not_before - self._monotonic()
        if left > 0:
            raise Transient(f"{self._what(doing)}: the server asked us to wait", left)
        self._wait_for(self._pace.take(), doing)

    def _wait_for(self, waited: float, doing: str) -> None:
        """Tell the log of waiting, once in a while and then of all of it."""
        with self._telling:
            self._waited += waited
            now = self._monotonic()
            if self._waited < _TELL or now < self._told + _TELL_EVERY:
                return
            seconds, self._waited, self._told = round(self._waited, 1), 0.0, now
        log.info("graph-paced", mailbox=self.name, doing=doing, seconds=seconds)

    def _no_answer(self, error: requests.RequestException, doing: str) -> MailbotError:
        if http.untrusted(error):
            return Permanent(
                f"{self._what(doing)}: the server's certificate does not verify; check "
                "mailbox.graph.base_url, or name its authority in mailbox.graph.ca_file"
            )
        return Transient(f"{self._what(doing)}: {http.named(error)}")

    def _refused(self, answer: requests.Response, doing: str) -> MailbotError:
        code = ""
        try:
            said = answer.json().get("error", {})
            code = str(said.get("code", "")) if isinstance(said, dict) else ""
        except (ValueError, AttributeError, requests.RequestException):
            code = ""
        asked = answer.headers.get("Retry-After", "")
        wait = float(asked) if asked.isdigit() else None
        status = answer.status_code
        answer.close()
        if status == 401:
            return self._token_refused(doing)
        if status == 410 and "/delta" not in str(answer.request.url):
            code, status = "", 500  # only a delta has a token that can be forgotten
        error = failure(status, code, self._what(doing), wait)
        if 400 <= status < 500 and status not in (408, 410):
            error.undone = True
        if isinstance(error, Transient) and status in (429, 503, 504, 509):
            pause = wait if wait is not None else _RETRY if status == 429 else 0.0
            self._not_before = self._monotonic() + pause
            log.info("graph-told-to-wait", mailbox=self.name, status=status, seconds=pause)
        return error

    def _token_refused(self, doing: str) -> MailbotError:
        if self._sign_in.refused(self._scope):
            error: MailbotError = Transient(f"{self._what(doing)}: the token has expired", 0.0)
        else:
            error = Permanent(
                f"{self._what(doing)}: the token is not accepted; authority and base_url of "
                "mailbox.graph must be of one cloud, and the app be consented to in the tenant"
            )
        error.undone = True
        return error

    def _part(self, part: Mapping[str, Any], doing: str) -> Document | None:
        status, body = int(part.get("status", 0)), part.get("body")
        if 200 <= status < 300:
            return body if isinstance(body, dict) else {}
        said = body.get("error", {}) if isinstance(body, dict) else {}
        asked = str((part.get("headers") or {}).get("Retry-After", ""))
        wait = float(asked) if asked.isdigit() else None
        if status == 401:
            raise self._token_refused(doing)
        error = failure(status, str(said.get("code", "")), self._what(doing), wait)
        if isinstance(error, Gone):
            return None
        raise error

    def _whole(self, answer: requests.Response, read: int, doing: str) -> None:
        """A line that broke may look like an end."""
        told = answer.headers.get("Content-Length", "")
        encoded = answer.headers.get("Content-Encoding")
        if told.isdigit() and not encoded and int(told) != read:
            raise Transient(f"{self._what(doing)}: the answer broke off")

    def _what(self, doing: str) -> str:
        return f"mailbox {self.name}, {doing}"


def values(document: Document) -> list[Document]:
    """The items of a page."""
    found = document.get("value")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def literal(text: str) -> str:
    """A text for an OData filter."""
    return "'" + text.replace("'", "''") + "'"
