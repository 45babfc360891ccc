"""Stands between a client and an IMAP server and makes the server misbehave on request.

It reads what the server says as lines with literals (RFC 3501 § 4.3), so that an answer can be
swallowed or replaced without disturbing the rest.
"""

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable

from tests.servers.certs import Certificates
from tests.servers.process import Started

# An answer of the server, whole; what is returned goes on instead (None: nothing does).
Rewrite = Callable[[bytes], bytes | None]

_LITERAL = re.compile(rb"\{(\d+)\}\r\n\Z")


class HangUp(Exception):
    """Raised by a rewrite: both sides of the connection are cut."""


class ImapProxy(Started):
    """One listener; each connection goes on to the server. `rewrite` may change at any time."""

    def __init__(self, port: int, certificates: Certificates) -> None:
        self._server = ("localhost", port)
        self._ca_file = certificates.ca_file
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificates.chain, certificates.key)
        self.rewrite: Rewrite = lambda answer: answer
        self.commands: list[bytes] = []
        self._lines: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def cut_all(self) -> None:
        """Cut every connection, as a network does."""
        lines, self._lines = self._lines, []
        for line in lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def stop(self) -> None:
        """Listen no more."""
        self._listener.close()
        self.cut_all()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                raw, _address = self._listener.accept()
                threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        trusted = ssl.create_default_context(cafile=str(self._ca_file))
        with contextlib.suppress(OSError):
            near = self._context.wrap_socket(raw, server_side=True)
            plain = socket.create_connection(self._server, 10)
            far = trusted.wrap_socket(plain, server_hostname="localhost")
            self._lines += [near, far]
            threading.Thread(target=self._upwards, args=(near, far), daemon=True).start()
            self._downwards(near, far)

    def _upwards(self, near: ssl.SSLSocket, far: ssl.SSLSocket) -> None:
        with contextlib.suppress(OSError):
            while octets := near.recv(65_536):
                self.commands.append(octets)
                far.sendall(octets)
        with contextlib.suppress(OSError):
            far.close()

    def _downwards(self, near: ssl.SSLSocket, far: ssl.SSLSocket) -> None:
        with far.makefile("rb") as said:
            try:
                while answer := _whole(said.readline, said.read):
                    instead = self.rewrite(answer)
                    if instead is not None:
                        near.sendall(instead)
            except HangUp:
                pass
            finally:
                for line in (near, far):
                    with contextlib.suppress(OSError):
                        line.shutdown(socket.SHUT_RDWR)
                    line.close()


def _whole(readline: Callable[[], bytes], read: Callable[[int], bytes]) -> bytes:
    """One answer with all its literals."""
    answer = line = readline()
    while found := _LITERAL.search(line):
        answer += read(int(found[1]))
        line = readline()
        answer += line
    return answer
