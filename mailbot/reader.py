"""One process apart that reads hostile octets, so that nothing in a mail can harm the daemon.

Octets go in, JSON comes out, each with its length in front. The child is started fresh (never
forked: none of the daemon's memory in it), with a bare environment, and with limits on memory, time
and files. When a mail exceeds them or the child answers rubbish, it is killed and the mail is
set aside as `Unreadable`; the others get a new child. Never pickle: the child is not trusted.

One thread of ours feeds the child some mails ahead, so that it never waits for us. It answers in
order: whatever goes wrong, it is the first unanswered mail that is to blame, and no other.
"""

import json
import select
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path

from mailbot.codec import from_json
from mailbot.errors import MailbotError, Permanent
from mailbot.language.lessons import Layer
from mailbot.mailtext.authenticity import Trust
from mailbot.message import Mail
from mailbot.reader_pipe import Bell, Child, Gone, bare_environment
from mailbot.reader_words import Reading, Task

__all__ = ["Reader", "Reading", "Unreadable", "bare_environment"]

_AHEAD_MAILS, _AHEAD_OCTETS = 32, 4 * 1024 * 1024  # given to the child before it answers
# A mail this large leaves the child's memory in pieces: the next mails get a new one.
_LARGE = 8 * 1024 * 1024
_TRIES = 2  # of a mail at which the child ended: it may have been ended from outside


class Unreadable(Permanent):
    """The mail defeated the reader.

    `reason`: unreadable-time | unreadable-crash | unreadable-answer | unreadable-size.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the mail could not be read ({reason}); a person must look at it")
        self.reason = reason


@dataclass(slots=True, eq=False)
class _Job:
    """A mail to read; without octets: only see to it that a child is there."""

    message: bytes | None
    future: "Future[Reading]" = field(default_factory=Future)
    tries: int = 0


class Reader:
    """Reads mails in a child process. Safe to use from several threads.

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
        self._task = Task(
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
        self._waiting: deque[_Job] = deque()
        self._thread: threading.Thread | None = None
        self._bell: Bell | None = None
        self._closing = False
        # Of the thread alone:
        self._child: Child | None = None
        self._given: deque[_Job] = deque()  # to the child, not answered yet
        self._due = 0.0  # when the first of them must be answered
        self._outdated = False  # the child goes as soon as it has answered what it was given

    def start(self) -> None:
        """Start the child ahead of the first mail. Raises Permanent if it cannot be started."""
        self._enter(_Job(None)).result()

    def submit(self, raw: bytes, traits: bool = False) -> "Future[Reading]":
        """Have a mail read; the future raises as `read` does. Mails are read in this order."""
        if len(raw) > self._max_octets:
            refused: Future[Reading] = Future()
            refused.set_exception(Unreadable("unreadable-size"))
            return refused
        return self._enter(_Job(bytes([traits]) + raw))

    def read(self, raw: bytes, traits: bool = False) -> Reading:
        """Parse, screen and classify one mail. `traits`: find them even if it seems ordinary.

        Raises Unreadable for a mail that defeats the child, Permanent if no child can be started.
        """
        return self.submit(raw, traits).result()

    def learn(self, layer: Layer | None) -> None:
        """Use other lessons from the next mail on (a new child: nothing of the old ones stays)."""
        with self._lock:
            if self._task.layer != layer:
                self._task = replace(self._task, layer=layer)
                self._outdated = True
                if self._bell is not None:
                    self._bell.ring()

    def close(self) -> None:
        """End the child. What was not read by then is Permanent's."""
        with self._lock:
            thread, self._closing = self._thread, True
            if self._bell is not None:
                self._bell.ring()
        if thread is not None:
            thread.join()

    def __enter__(self) -> "Reader":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The child's process id, while there is one."""
        child = self._child
        return child.pid if child else None

    def _enter(self, job: _Job) -> "Future[Reading]":
        with self._lock:
            self._waiting.append(job)
            if self._thread is None:
                self._closing, self._bell = False, Bell()
                self._thread = threading.Thread(target=self._run, name="reader", daemon=True)
                self._thread.start()
            elif self._bell is not None:
                self._bell.ring()
        return job.future

    # --- the thread -----------------------------------------------------------------------------

    def _run(self) -> None:
        bell = self._bell
        assert bell is not None
        while not self._closing:
            try:
                self._turn(bell)
            except Permanent as error:  # no child can be had
                self._end_child()
                self._fail(error)
            except Exception as error:  # noqa: BLE001  whoever waits must hear of it
                self._end_child()
                self._fail(Permanent(f"the reader failed ({type(error).__name__})"))
        self._end_child()
        with self._lock:
            self._fail(Permanent("the reader was closed"))
            self._thread = self._bell = None
            bell.close()

    def _turn(self, bell: Bell) -> None:
        """Give what can be given, take what is answered."""
        if self._outdated and not self._given:
            self._end_child()
            self._outdated = False
        self._feed()
        if self._child is None or not self._given:
            _sleep(bell)
            return
        try:
            answers = self._child.pump(self._due - time.monotonic(), bell)
        except Gone as gone:
            self._lose_child(str(gone))
            return
        bell.silence()
        for answer in answers:
            self._hear(answer)
        if not answers and time.monotonic() >= self._due:
            self._lose_child("unreadable-time")

    def _feed(self) -> None:
        """Let the child have the next mails. One that it was lost at before, it reads alone."""
        octets = sum(len(job.message or b"") for job in self._given)
        while self._waiting and not self._outdated:
            if self._given and (
                octets > _AHEAD_OCTETS
                or len(self._given) >= _AHEAD_MAILS
                or self._given[0].tries
                or self._waiting[0].tries
            ):
                return
            if self._child is None:
                self._child = Child(self._task)
            job = self._waiting.popleft()
            if job.message is None:
                job.future.set_result(Reading(mail=Mail()))
                continue
            if not self._given:
                self._due = time.monotonic() + self._seconds
            self._given.append(job)
            self._child.give(job.message)
            octets += len(job.message)

    def _hear(self, answer: bytes) -> None:
        if not self._given:
            return  # the child was lost at an answer before this one
        try:
            reading = from_json(Reading, json.loads(answer))
        except (ValueError, RecursionError, MailbotError):
            self._given[0].tries = _TRIES
            self._lose_child("unreadable-answer")
            return
        job = self._given.popleft()
        self._due = time.monotonic() + self._seconds
        if len(job.message or b"") > _LARGE:
            self._outdated = True
        job.message = None
        job.future.set_result(reading)

    def _lose_child(self, reason: str) -> None:
        """The first unanswered mail did it, unless the child was ended from outside."""
        self._end_child()
        if not self._given:
            return
        first = self._given[0]
        first.tries += 1
        if first.tries >= _TRIES or reason == "unreadable-time":
            self._given.popleft().future.set_exception(Unreadable(reason))
        with self._lock:
            self._waiting.extendleft(reversed(self._given))
        self._given.clear()

    def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()

    def _fail(self, error: Permanent) -> None:
        for jobs in (self._given, self._waiting):
            while jobs:
                jobs.popleft().future.set_exception(error)


def _sleep(bell: Bell) -> None:
    poll = select.poll()
    poll.register(bell.inside, select.POLLIN)
    poll.poll()
    bell.silence()
