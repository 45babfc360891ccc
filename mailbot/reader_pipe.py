"""The pipes between the daemon and its reader process: framed messages, never blocking."""

import json
import os
import select
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

from mailbot.codec import to_json
from mailbot.errors import Permanent
from mailbot.reader_words import LENGTH, READY, Task

_MAX_ANSWER = 64 * 1024 * 1024
_STARTING = 60.0  # seconds for the child to import and to load the model
_CHUNK = 1 << 17
_LIBRARIES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # where an unusual Python finds itself


class Gone(Exception):
    """The child does not answer as it should; the text is the named reason."""


class Bell:
    """Wakes the thread that waits for the child."""

    def __init__(self) -> None:
        self.inside, self._outside = os.pipe()
        os.set_blocking(self.inside, False)
        os.set_blocking(self._outside, False)

    def ring(self) -> None:
        """Twice is as good as once."""
        with suppress(BlockingIOError):
            os.write(self._outside, b"!")

    def silence(self) -> None:
        """Ready for the next time."""
        with suppress(BlockingIOError):
            os.read(self.inside, 4096)

    def close(self) -> None:
        """Take it down."""
        os.close(self.inside)
        os.close(self._outside)


class Child:
    """A running child. Used by one thread."""

    def __init__(self, task: Task) -> None:
        """Start it and tell it its task. Raises Permanent if it does not come up."""
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-B", "-m", "mailbot.reader_child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # a traceback may quote the mail
                env=bare_environment(),
                cwd="/",
                close_fds=True,
                start_new_session=True,  # the daemon's signals are not for the child
                bufsize=0,
            )
        except OSError as error:
            raise Permanent(f"the reader process cannot be started ({error.strerror})") from None
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None  # as asked for above
        assert stdout is not None
        self._into, self._out_of = stdin.fileno(), stdout.fileno()
        os.set_blocking(self._into, False)
        os.set_blocking(self._out_of, False)
        self._unsent: deque[memoryview] = deque()
        self._received = bytearray()
        self._greet(task)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def give(self, message: bytes) -> None:
        """Have a message sent. It must not be changed until it is answered."""
        self._unsent.append(memoryview(LENGTH.pack(len(message))))
        if message:
            self._unsent.append(memoryview(message))

    def pump(self, seconds: float, bell: Bell | None = None) -> list[bytes]:
        """Send what can be sent; the answers that are complete. Returns when there are any, when
        the bell rings, or after so many seconds. Raises Gone."""
        end = time.monotonic() + seconds
        while True:
            if answers := self._complete():
                return answers
            # (poll, since select knows no descriptor above 1023.)
            poll = select.poll()
            poll.register(self._out_of, select.POLLIN)
            if self._unsent:
                poll.register(self._into, select.POLLOUT)
            if bell is not None:
                poll.register(bell.inside, select.POLLIN)
            ready = dict(poll.poll(max(0.0, end - time.monotonic()) * 1000))
            if not ready:
                return []
            try:
                if self._out_of in ready:
                    self._receive()
                if self._into in ready:
                    self._send()
            except OSError:
                raise Gone("unreadable-crash") from None
            if bell is not None and bell.inside in ready:
                return self._complete()

    def kill(self) -> None:
        """End it at once, whatever it does."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _greet(self, task: Task) -> None:
        self.give(json.dumps(to_json(task)).encode())
        try:
            greeting = (self.pump(_STARTING) or [b""])[0]
        except Gone as gone:
            self.kill()
            raise Permanent(f"the reader process does not come up ({gone})") from None
        if greeting != READY:
            self.kill()
            why = greeting[:500].decode("utf-8", "replace")
            raise Permanent(why or "the reader process does not come up (unreadable-time)")

    def _send(self) -> None:
        try:
            sent = os.write(self._into, self._unsent[0][:_CHUNK])
        except BlockingIOError:
            return
        first = self._unsent.popleft()
        if sent < len(first):
            self._unsent.appendleft(first[sent:])

    def _receive(self) -> None:
        with suppress(BlockingIOError):
            piece = os.read(self._out_of, _CHUNK * 8)
            if not piece:
                raise Gone("unreadable-crash")
            self._received += piece

    def _complete(self) -> list[bytes]:
        answers: list[bytes] = []
        at = 0
        while len(self._received) - at >= LENGTH.size:
            size = LENGTH.unpack_from(self._received, at)[0]
            if size > _MAX_ANSWER:
                raise Gone("unreadable-answer")
            end = at + LENGTH.size + size
            if end > len(self._received):
                break
            answers.append(bytes(self._received[at + LENGTH.size : end]))
            at = end
        if at:
            del self._received[:at]
        return answers


def bare_environment() -> dict[str, str]:
    """What a child of ours is given: where this package lies, and one thread for numpy. No secrets,
    no configuration."""
    given = {name: os.environ[name] for name in _LIBRARIES if name in os.environ}
    return given | {
        "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
        "PYTHONSAFEPATH": "1",
        "PYTHONUTF8": "1",
        "PYTHONHASHSEED": "0",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }
