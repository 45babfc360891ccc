"""An HTTPS server of our own on loopback, for services that exist only at their makers'.

What it answers is a function from request to answer. It can fall silent, hang up, or cut an answer
in the middle, as networks do.
"""

import atexit
import contextlib
import functools
import socket
import socketserver
import ssl
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.servers import certs
from tests.servers.certs import Certificates
from tests.servers.process import Started, remove, temporary_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request: its path decoded, header names in lower case, `query` as it stands."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def parameters(self) -> dict[str, str]:
        """The query, decoded; the last of a name counts."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer. cut: only so many octets of its body are sent before the line breaks."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: int | None = None


class HangUp(Exception):
    """Raised by the answering function: the connection is reset without an answer."""


@functools.cache
def _certificates() -> Certificates:
    """Certificates for the servers of this process, removed at its end."""
    folder = temporary_folder()
    atexit.register(remove, folder)
    return certs.make(folder)


class HttpsServer(Started, socketserver.ThreadingTCPServer):
    """Answers with `answering`, each connection in a thread of its own, until `stop()`."""

    daemon_threads = True
    request_queue_size = 64
    allow_reuse_address = True

    def __init__(
        self,
        answering: Callable[[Request], Answer],
        certificates: Certificates | None = None,
    ) -> None:
        self.certificates = certificates or _certificates()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certificates.chain, self.certificates.key)
        self.answering = answering
        self.failures: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)
        self.port = int(self.server_address[1])
        self.base = f"https://localhost:{self.port}"
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def ca_file(self) -> Path:
        """The authority that clients must trust."""
        return self.certificates.ca_file

    def finish_request(self, request: object, client_address: object) -> None:
        """The TLS handshake belongs to the connection's thread: a slow client holds up nobody."""
        assert isinstance(request, socket.socket)
        request.settimeout(60)
        with contextlib.suppress(OSError):
            secured = self._context.wrap_socket(request, server_side=True)
            super().finish_request(secured, client_address)  # type: ignore[arg-type]

    def handle_error(self, request: object, client_address: object) -> None:
        """Lines that break are what some tests are about; anything else is a fault of a test."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            self.failures.append("".join(traceback.format_exception(error)))

    def stop(self) -> None:
        """End the server."""
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65_537)
        if not self.raw_requestline:
            self.close_connection = True
            return
        if not self.parse_request():
            return
        length = int(self.headers.get("Content-Length", 0))
        address = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=unquote(address.path),
            query=address.query,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length) if length else b"",
        )
        assert isinstance(self.server, HttpsServer)
        try:
            self._say(self.server.answering(request))
        except HangUp:
            self._break()

    def _say(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: answer.cut])
        self.wfile.flush()
        if answer.cut is not None:
            self._break()

    def _break(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
