"""An Exchange Server of ours on loopback: EWS over a small store, checked against the schema.

Every request and every answer is validated against Microsoft's schema. It can be told to fail:
busy, slow, cut off, refusing.
"""

import base64
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from lxml import etree

from tests.servers import ews_answers as answers
from tests.servers.ews_store import Store
from tests.servers.https import Answer, HangUp, HttpsServer, Request

SCHEMA = Path(__file__).parents[3] / "shared" / "data" / "schema" / "ews"
USER, PASSWORD = "FIRMA\\mailbot", "hemmelig-ews-passord"
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_T = "http://schemas.microsoft.com/exchange/services/2006/types"

LOST = Answer(status=0)  # a fault that says so: it is done, and the answer is lost
Fault = Callable[[str], Answer | None]  # given the operation; None: answer as usual


def missing() -> str:
    """Why the server cannot check what it hears; empty if it can."""
    return "" if (SCHEMA / "messages.xsd").exists() else "the EWS schema is not on this machine"


class Ews:
    """The server. `checked` counts what was validated; `faults` are used up one a request."""

    def __init__(self) -> None:
        self.store = Store()
        self.schema = etree.XMLSchema(file=str(SCHEMA / "messages.xsd"))
        self.checked = {"requests": 0, "answers": 0}
        self.invalid: list[str] = []
        self.calls: list[str] = []
        self.faults: list[Fault] = []
        self.denied: set[str] = set()
        self.server = HttpsServer(self._answer)

    @property
    def endpoint(self) -> str:
        """The URL for mailbox.ews.endpoint."""
        return f"{self.server.base}/EWS/Exchange.asmx"

    @property
    def ca_file(self) -> Path:
        """The authority of its certificate."""
        return self.server.ca_file

    def stop(self) -> None:
        """End the server."""
        self.server.stop()

    def __enter__(self) -> "Ews":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        self.stop()
        assert self.invalid == []
        assert getattr(self.server, "failures", []) == []  # noqa: B009

    def fail(self, *faults: Fault) -> None:
        """The next requests meet these faults, one each."""
        self.faults += faults

    def _answer(self, request: Request) -> Answer:
        if request.path.lower() != "/ews/exchange.asmx":
            return Answer(status=404)
        wanted = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {wanted}":
            return Answer(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        envelope = etree.fromstring(request.body)
        operation = envelope.find(f"{{{_SOAP}}}Body")[0]
        name = etree.QName(operation).localname
        self.calls.append(name)
        self._check(operation, "requests")
        said = self.faults.pop(0)(name) if self.faults else None
        if said is not None and said is not LOST:
            return said
        who = envelope.findtext(f".//{{{_T}}}ExchangeImpersonation//{{{_T}}}PrimarySmtpAddress")
        with self.store.lock:
            if who is None or who.casefold() in self.denied:
                return _fault("ErrorImpersonateUserDenied")
            body = answers.answer(self.store, self.store.box(who), name, operation)
        self._check(body, "answers")
        if said is LOST:
            raise HangUp
        return _envelope(body)

    def _check(self, element: Any, what: str) -> None:
        alone = etree.fromstring(etree.tostring(element))
        self.checked[what] += 1
        if not self.schema.validate(alone):
            error = self.schema.error_log.last_error
            self.invalid.append(f"{what[:-1]} {etree.QName(alone).localname}: {error.message}")


def _envelope(body: Any) -> Answer:
    envelope = etree.Element(f"{{{_SOAP}}}Envelope", nsmap={"s": _SOAP})
    header = etree.SubElement(envelope, f"{{{_SOAP}}}Header")
    etree.SubElement(
        header,
        f"{{{_T}}}ServerVersionInfo",
        MajorVersion="15",
        MinorVersion="1",
        MajorBuildNumber="2507",
        MinorBuildNumber="39",
        Version="V2017_07_11",
    )
    etree.SubElement(envelope, f"{{{_SOAP}}}Body").append(body)
    content = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
    return Answer(headers={"Content-Type": "text/xml; charset=utf-8"}, body=content)


def _fault(code: str) -> Answer:
    text = (
        f'<s:Envelope xmlns:s="{_SOAP}"><s:Body><s:Fault><faultcode '
        f'xmlns:a="{_T}">a:{code}</faultcode><faultstring xml:lang="en-US">no</faultstring>'
        '<detail><e:ResponseCode xmlns:e="http://schemas.microsoft.com/exchange/services/2006/'
        f'errors">{code}</e:ResponseCode><e:Message xmlns:e="http://schemas.microsoft.com/exchange/'
        'services/2006/errors">no</e:Message></detail></s:Fault></s:Body></s:Envelope>'
    )
    return Answer(status=500, headers={"Content-Type": "text/xml"}, body=text.encode())


# --- ways to fail -----------------------------------------------------------------------------


def busy(_: str) -> Answer:
    """Throttled, by SOAP."""
    return _fault("ErrorServerBusy")


def unavailable(_: str) -> Answer:
    """503 with Retry-After."""
    return Answer(status=503, headers={"Retry-After": "7"})


def broken(_: str) -> Answer:
    """The line is reset."""
    raise HangUp


def half(_: str) -> Answer:
    """The answer ends in the middle."""
    return Answer(headers={"Content-Type": "text/xml"}, body=b"<s:Envelope" * 40, cut=200)


def lost(_: str) -> Answer:
    """It is done, but nobody hears so."""
    return LOST


def forbidden(_: str) -> Answer:
    """EWS is disabled, or the app is not allowed."""
    return Answer(status=403)


def slow(seconds: float) -> Fault:
    """The answer takes its time."""

    def wait(_: str) -> Answer | None:
        time.sleep(seconds)
        return None

    return wait


def running() -> Iterator[Ews]:
    """For a fixture."""
    with Ews() as server:
        yield server
