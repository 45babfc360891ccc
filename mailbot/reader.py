"""One process apart that reads hostile octets, so that nothing in a mail can harm the daemon.

Octets go in, JSON comes out, each with its length in front. The child is started fresh (never
forked: none of the daemon's memory in it), with a bare environment, and with limits on memory, time
and files. When a mail exceeds them or the child answers rubbish, it is killed and the mail is
set aside as `Unreadable`; the next mail gets a new child. Never pickle: the child is not trusted.
"""

import json
import os
import resource
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from mailbot.case import Classification, Route
from mailbot.codec import from_json, to_json
from mailbot.errors import MailbotError, Permanent
from mailbot.language.lessons import Layer
from mailbot.mailtext.authenticity import Trust
from mailbot.message import Automatic, Mail

if TYPE_CHECKING:
    from mailbot.language.classifier import Classifier

_LENGTH = struct.Struct(">I")
_MAX_ANSWER = 64 * 1024 * 1024
_STARTING = 60.0  # seconds for the child to import and to load the model
_CHUNK = 1 << 16
_READY = b"ready"
_LIBRARIES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # where an unusual Python finds itself


class Unreadable(Permanent):
    """The mail defeated the reader.

    `reason`: unreadable-time | unreadable-crash | unreadable-answer | unreadable-size.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the mail could not be read ({reason}); a person must look at it")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A parsed mail and, where it was asked for and makes sense, what the classifier says.

    `traits`: what may be kept of the mail for learning; none of a mail that is left alone.
    """

    mail: Mail
    classification: Classification | None = None
    traits: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """What the child is told once, before the first mail."""

    trust: Trust
    classify: bool
    open_above: float | None
    ask_above: float | None
    model: str
    memory_mb: int
    seconds: int
    traits: bool = False
    layer: Layer | None = None


# Reports speak about our own mail; everything else may hold a request for all we know.
_UNCLASSIFIED = frozenset({Automatic.BOUNCE, Automatic.REPORT})


class _Gone(Exception):
    """The child does not answer as it should; the text is the named reason."""


class Reader:
    """Reads mails in a child process. Safe to use from several threads, one mail at a time.

    classify: whether to classify too. open_above, ask_above: thresholds (None: the model's own).
    model: a folder with a model of its own. memory_mb, seconds: limits per mail. traits: whether
    to find what is kept for learning.
    """

    def __init__(
        self,
        trust: Trust,
        *,
        classify: bool = True,
        open_above: float | None = None,
        ask_above: float | None = None,
        model: Path | None = None,
        traits: bool = False,
        memory_mb: int = 1536,
        seconds: float = 30.0,
        max_octets: int = 200 * 1024 * 1024,
    ) -> None:
        self._task = _Task(
            trust=trust,
            classify=classify,
            open_above=open_above,
            ask_above=ask_above,
            model=str(model) if model else "",
            memory_mb=memory_mb,
            seconds=max(1, int(seconds)),
            traits=traits,
        )
        self._seconds = seconds
        self._max_octets = max_octets
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the child ahead of the first mail. Raises Permanent if it cannot be started."""
        with self._lock:
            self._ensure()

    def read(self, raw: bytes, traits: bool = False) -> Reading:
        """Parse, screen and classify one mail. `traits`: find them even if it seems ordinary.

        Raises Unreadable for a mail that defeats the child, Permanent if no child can be started.
        """
        if len(raw) > self._max_octets:
            raise Unreadable("unreadable-size")
        with self._lock:
            self._ensure()
            try:
                answer = self._exchange(bytes([traits]) + raw, self._seconds)
                return from_json(Reading, json.loads(answer))
            except _Gone as gone:
                self._kill()
                raise Unreadable(str(gone)) from None
            except (ValueError, RecursionError, MailbotError):
                self._kill()
                raise Unreadable("unreadable-answer") from None

    def learn(self, layer: Layer | None) -> None:
        """Use other lessons from the next mail on (a new child: nothing of the old ones stays)."""
        with self._lock:
            if self._task.layer != layer:
                self._task = replace(self._task, layer=layer)
                self._kill()

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._kill()

    def __enter__(self) -> "Reader":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The child's process id, while there is one."""
        return self._child.pid if self._child else None

    def _ensure(self) -> None:
        if self._child is not None and self._child.poll() is None:
            return
        self._kill()
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-B", "-m", "mailbot.reader"],
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
        try:
            greeting = self._exchange(json.dumps(to_json(self._task)).encode(), _STARTING)
        except _Gone as gone:
            self._kill()
            raise Permanent(f"the reader process does not come up ({gone})") from None
        if greeting != _READY:
            self._kill()
            raise Permanent(greeting[:500].decode("utf-8", "replace"))

    def _exchange(self, message: bytes, seconds: float) -> bytes:
        """Send one message and receive one, within the time. Raises _Gone."""
        child = self._child
        if child is None or child.stdin is None or child.stdout is None:
            raise _Gone("unreadable-crash")
        end = time.monotonic() + seconds
        try:
            _send(child.stdin.fileno(), message, end)
            size = _LENGTH.unpack(_receive(child.stdout.fileno(), _LENGTH.size, end))[0]
            if size > _MAX_ANSWER:
                raise _Gone("unreadable-answer")
            return _receive(child.stdout.fileno(), size, end)
        except OSError:
            raise _Gone("unreadable-crash") from None

    def _kill(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()


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


def _send(pipe: int, message: bytes, end: float) -> None:
    view = memoryview(_LENGTH.pack(len(message)) + message)
    os.set_blocking(pipe, False)
    while view:
        _await(pipe, select.POLLOUT, end)
        view = view[os.write(pipe, view[:_CHUNK]) :]


def _receive(pipe: int, size: int, end: float) -> bytes:
    pieces: list[bytes] = []
    missing = size
    while missing:
        _await(pipe, select.POLLIN, end)
        piece = os.read(pipe, min(missing, _CHUNK * 16))
        if not piece:
            raise _Gone("unreadable-crash")
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _await(pipe: int, event: int, end: float) -> None:
    """Until the pipe is ready. (poll, since select knows no descriptor above 1023.)"""
    poll = select.poll()
    poll.register(pipe, event)
    if not poll.poll(max(0.0, end - time.monotonic()) * 1000):
        raise _Gone("unreadable-time")


# --- the child -------------------------------------------------------------------------------


def _serve(source: BinaryIO, sink: BinaryIO) -> None:
    """The child's life: one task, then mail after mail until the parent hangs up."""
    first = _take(source)
    if first is None:
        return
    task = from_json(_Task, json.loads(first))
    _limit(task)
    try:
        read = _worker(task)
    except MailbotError as error:
        _give(sink, str(error).encode())
        return
    _give(sink, _READY)
    while (raw := _take(source)) is not None:
        _allow_time(task.seconds)
        reading = read(raw[1:], raw[:1] == b"\x01")
        _give(sink, json.dumps(to_json(reading), ensure_ascii=True).encode())


def _worker(task: _Task) -> Callable[[bytes, bool], Reading]:
    """What turns octets into a Reading. Imported here: the daemon itself needs neither."""
    from mailbot.steps.parse import parse

    if not task.classify:
        return lambda raw, _: Reading(mail=parse(raw, task.trust))

    from mailbot.language.classifier import Classifier

    folder = Path(task.model) if task.model else None
    classifier = Classifier.load(task.open_above, task.ask_above, folder, task.layer)

    def read(raw: bytes, always: bool) -> Reading:
        mail = parse(raw, task.trust)
        if mail.automatic in _UNCLASSIFIED or "unparsable" in mail.notes:
            return Reading(mail=mail)
        found = understood(mail, classifier)
        traits: tuple[int, ...] = ()
        if task.traits and (always or found.route is not Route.LEAVE):
            traits = classifier.traits(mail.subject, text_to_classify(mail), *_names(mail))
        return Reading(mail=mail, classification=found, traits=traits)

    return read


def _names(mail: Mail) -> Iterator[str]:
    """Names and addresses of those whom a mail names as writers and recipients."""
    inner = mail.forwarded.sender if mail.forwarded else None
    for each in (mail.sender, inner, *mail.reply_to, *mail.to, *mail.cc):
        if each is not None:
            yield each.name
            yield each.address
    yield mail.signature


def understood(mail: Mail, classifier: "Classifier") -> Classification:
    """What the classifier says of a mail that was read; what stands only in unmarked quotes is
    for staff to see."""
    found = classifier.classify(
        subject=mail.subject,
        text=text_to_classify(mail),
        attachments=any(not attached.inline for attached in mail.attachments),
    )
    if found.route is Route.OPEN and mail.text.strip() and not written(mail):
        return replace(found, route=Route.ASK)
    return found


def written(mail: Mail) -> str:
    """What the sender wrote; with a forwarded mail also what they passed on, since staff forward
    requests with no word of their own."""
    passed_on = mail.forwarded.text if mail.forwarded else ""
    return "\n\n".join(filter(None, (mail.new_text.strip(), passed_on.strip())))


def text_to_classify(mail: Mail) -> str:
    """What the sender wrote. Where that seems to be nothing, the whole text: some answer below or
    inside an unmarked quote, and no request may be lost in one (staff are asked)."""
    return written(mail) or mail.text


def _take(source: BinaryIO) -> bytes | None:
    head = source.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    return source.read(_LENGTH.unpack(head)[0])


def _give(sink: BinaryIO, message: bytes) -> None:
    sink.write(_LENGTH.pack(len(message)) + message)
    sink.flush()


def _limit(task: _Task) -> None:
    """Bounds for the rest of the child's life: memory, no files written, no core left behind."""
    octets = task.memory_mb * 1024 * 1024
    for kind, bound in (
        (resource.RLIMIT_AS, octets),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        most = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(kind, (most, most))


def _allow_time(seconds: int) -> None:
    """Processor time for one mail more; the kernel counts it over the whole life of a process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + seconds + 1
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(
        resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard)
    )


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
