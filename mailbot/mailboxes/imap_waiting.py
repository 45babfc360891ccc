"""Waiting for mail: IDLE (RFC 2177) in slices, or polling, ended at once by a bell."""

import contextlib
import imaplib
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from enum import Enum

from mailbot.mailboxes.imap_connection import Client

SLICE_SECONDS = 120.0  # far below the 29 minutes of RFC 2177: a dead line is noticed in time


class Ended(Enum):
    """How a slice of IDLE ended."""

    TIME = "time"
    CALLED = "called"  # mail may have come, or the bell rang
    CONFUSED = "confused"  # mail came just as IDLE began: the line must be dropped


class Bell:
    """Ends a wait from another thread; rung while nobody waits, it ends the next wait."""

    def __init__(self) -> None:
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._far.setblocking(False)

    def fileno(self) -> int:
        """For a selector."""
        return self._near.fileno()

    def ring(self) -> None:
        """From any thread, any number of times."""
        with contextlib.suppress(BlockingIOError, OSError):  # full: it rings already
            self._far.send(b"\0")

    def silence(self) -> bool:
        """Take the ringing back; whether it rang."""
        with contextlib.suppress(BlockingIOError):
            return bool(self._near.recv(65_536))
        return False

    def wait(self, seconds: float) -> bool:
        """Until it rings, or the time is over; whether it rang."""
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            selector.select(max(0.0, seconds))
        return self.silence()


def idle(
    client: Client,
    bell: Bell,
    seconds: float,
    monotonic: Callable[[], float] = time.monotonic,
) -> Ended:
    """IDLE in the open folder, until mail may have come, the bell rings, or the time is over.

    Raises imaplib.IMAP4.abort when the line is lost.
    """
    until = monotonic() + min(seconds, SLICE_SECONDS)
    try:
        client.idle()
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error:
        # The library expects nothing but the server's "+" here, and a mail may come before it.
        return Ended.CONFUSED
    ended = False
    with selectors.DefaultSelector() as selector:
        selector.register(client.socket(), selectors.EVENT_READ)
        selector.register(bell, selectors.EVENT_READ)
        while not ended and (left := until - monotonic()) > 0:
            ready = {key.fileobj for key, _mask in selector.select(left)}
            ended = bell.silence()
            if ready - {bell}:
                answers = client.idle_check(timeout=0)
                # Readable without an answer: the end of the line, or a record of TLS itself;
                # leaving IDLE tells which.
                ended = ended or not answers or any(_counts(answer) for answer in answers)
    client.idle_done()
    return Ended.CALLED if ended else Ended.TIME


def _counts(answer: Sequence[object]) -> bool:
    if answer and answer[0] == b"BYE":
        raise imaplib.IMAP4.abort("BYE")
    return any(part in (b"EXISTS", b"RECENT") for part in answer)
