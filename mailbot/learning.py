"""When and how what staff taught comes into use.

A trial (language/trial.py) is held in a process of its own at a quiet moment, at most once a day:
there is no hurry, a mail more to be asked about harms nobody, and staff must not find that the
program has changed its mind in the middle of their work. Whatever is forgotten (an erasure, a
purge, the end of its time) is out of use within a minute, without a trial: then the shipped model
judges alone until the next one.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from importlib.resources import files

import structlog

from mailbot import __version__
from mailbot.codec import from_json, to_json
from mailbot.config import Classify
from mailbot.errors import MailbotError
from mailbot.language.lessons import Layer, Lesson, Trial, Verdict
from mailbot.lessons import expire, lessons_in_force
from mailbot.ports import Clock, Store
from mailbot.reader import Reader, bare_environment
from mailbot.record import canonical

log = structlog.get_logger()

ADOPTED, REFUSED, FAILED, NOTHING = "adopted", "refused", "failed", "nothing-to-learn"
_NOTE = "learning"
_BETWEEN = timedelta(hours=20)
_QUIET = timedelta(minutes=10)  # since the last decision: staff often answer several in a row
_TIDY_EVERY = timedelta(hours=6)
_TRIAL_SECONDS = 900.0
_SLICE = 1.0

Runner = Callable[[Trial, threading.Event], Verdict]


class Learning:
    """Keeps the reader's lessons true to what the store holds. Used by one thread at a time."""

    def __init__(
        self,
        store: Store,
        reader: Reader,
        settings: Classify,
        clock: Clock,
        run: Runner | None = None,
    ) -> None:
        self.store = store
        self.reader = reader
        self.settings = settings
        self.clock = clock
        self._run = run or hold_trial
        self._lock = threading.Lock()
        self._tidy_next = datetime.min.replace(tzinfo=UTC)

    def refresh(self) -> Layer | None:
        """Use the lessons that were adopted, if every one of them still stands; else none."""
        with self._lock:
            if self.clock.now() >= self._tidy_next:
                self._tidy()
            layer = self._in_force(self._lessons())
            self.reader.learn(layer)
            return layer

    def _tidy(self) -> int:
        """Forget what is past its time; everything, where learning was switched off."""
        now = self.clock.now()
        months = self.settings.learn_keep_months if self.settings.learn else 0
        with self.store.begin() as tx:
            gone = expire(self.store, tx, now, months)
        self._tidy_next = now + _TIDY_EVERY
        return gone

    def due(self) -> bool:
        """Whether a trial should be held now."""
        if not self.settings.learn:
            return False
        lessons = self._lessons()
        tried = self._note("tried")
        if tried.get("digest") == self._digest(lessons) and tried.get("said") != FAILED:
            return False
        if not lessons and not tried:
            return False
        now = self.clock.now()
        quiet = all(lesson.at + _QUIET <= now for lesson in lessons[-1:])
        at = tried.get("at")
        return quiet and (not isinstance(at, str) or datetime.fromisoformat(at) + _BETWEEN <= now)

    def hold(self, stopping: threading.Event | None = None) -> str:
        """Forget what is past its time, try what is left, adopt it if it does no harm."""
        with self._lock:
            gone = self._tidy()
            lessons = self._lessons()
            if not lessons:
                return self._conclude((), NOTHING, None)
            trial = Trial(
                lessons=lessons,
                before=self._in_force(lessons),
                open_above=self.settings.open_above,
                ask_above=self.settings.ask_above,
            )
            try:
                verdict = self._run(trial, stopping or threading.Event())
            except MailbotError as error:
                log.warning("learning-failed", lessons=len(lessons), why=str(error))
                return self._conclude(lessons, FAILED, None)
            log.info("lessons-tried", lessons=len(lessons), forgotten=gone, mails=verdict.mails)
            said = ADOPTED if verdict.reach is not None else REFUSED
            return self._conclude(lessons, said, verdict)

    def _conclude(self, lessons: tuple[Lesson, ...], said: str, verdict: Verdict | None) -> str:
        figures = (
            {
                "mails": verdict.mails,
                "before": list(verdict.before),
                "after": list(verdict.after),
                "reach": verdict.reach,
            }
            if verdict
            else {}
        )
        tried = {
            "digest": self._digest(lessons),
            "at": self.clock.now().isoformat(),
            "said": said,
            "lessons": len(lessons),
            **figures,
        }
        adopted: Mapping[str, object] = self._note("adopted")
        if said == NOTHING:
            adopted = {}
        elif verdict is not None and verdict.reach is not None:
            adopted = {
                "digest": tried["digest"],
                "ids": [lesson.id for lesson in lessons],
                "reach": verdict.reach,
                "common": [list(pair) for pair in verdict.common],
            }
        with self.store.begin() as tx:
            tx.note(_NOTE, json.dumps({"tried": tried, "adopted": adopted}))
            tx.record(None, "lessons-tried", said, {"lessons": len(lessons), **figures})
        if said == REFUSED:
            log.warning("lessons-refused", **{k: v for k, v in tried.items() if k != "digest"})
        elif said == ADOPTED:
            log.info("lessons-adopted", lessons=len(lessons), reach=figures["reach"])
        self.reader.learn(self._in_force(lessons))
        return said

    def _lessons(self) -> tuple[Lesson, ...]:
        if not self.settings.learn:
            return ()
        months = self.settings.learn_keep_months
        return lessons_in_force(self.store, self.clock.now(), months)

    def _in_force(self, lessons: tuple[Lesson, ...]) -> Layer | None:
        adopted = self._note("adopted")
        ids = adopted.get("ids")
        if not isinstance(ids, list):
            return None
        mine = tuple(lesson for lesson in lessons if lesson.id in set(ids))
        if len(mine) != len(ids) or self._digest(mine) != adopted.get("digest"):
            return None
        return from_json(
            Layer,
            {"lessons": to_json(mine), "reach": adopted["reach"], "common": adopted["common"]},
        )

    def _digest(self, lessons: tuple[Lesson, ...]) -> str:
        """Of everything that a trial's outcome depends on."""
        return _digest(lessons, self.settings.open_above, self.settings.ask_above)

    def _note(self, part: str) -> dict[str, object]:
        return state_of_learning(self.store).get(part, {})


def state_of_learning(store: Store) -> dict[str, dict[str, object]]:
    """The last trial and what was adopted, for people and for monitoring."""
    noted = store.noted(_NOTE)
    found: dict[str, dict[str, object]] = json.loads(noted) if noted else {}
    return found


def in_a_sentence(store: Store) -> str:
    """What a person should know of the last trial."""
    tried = state_of_learning(store).get("tried", {})
    said, number = tried.get("said"), tried.get("lessons")
    if not tried or said == NOTHING:
        return "nothing is learnt: the shipped model judges alone"
    if said == FAILED:
        return f"the trial of {number} lessons did not come to an end; it is held again tomorrow"
    before, after = tried.get("before"), tried.get("after")
    figures = f"missed, bothered, wrong rights: before {before}, with them {after}"
    if said == REFUSED:
        return f"{number} lessons did worse on the check set and are not used ({figures})"
    return f"{number} lessons are in use ({figures})"


def hold_trial(trial: Trial, stopping: threading.Event) -> Verdict:
    """A trial in a process of its own. Raises MailbotError if it does not end well in time."""
    with subprocess.Popen(
        [sys.executable, "-B", "-m", "mailbot.language.trial"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=bare_environment(),
        cwd="/",
        start_new_session=True,
    ) as child:
        told: bytes | None = json.dumps(to_json(trial)).encode()
        end = time.monotonic() + _TRIAL_SECONDS
        while True:
            try:
                answer, _ = child.communicate(told, timeout=_SLICE)
                break
            except subprocess.TimeoutExpired:
                told = None
                if stopping.is_set() or time.monotonic() > end:
                    child.kill()
                    why = "mailbot stops" if stopping.is_set() else "it took too long"
                    raise MailbotError(f"the trial was ended: {why}") from None
    if child.returncode != 0:
        raise MailbotError(f"the trial ended with code {child.returncode}")
    try:
        return from_json(Verdict, json.loads(answer))
    except ValueError:
        raise MailbotError("the trial gave no verdict") from None


@cache
def _shipped() -> str:
    return sha256(files("mailbot.language").joinpath("model.npz").read_bytes()).hexdigest()


def _digest(lessons: tuple[Lesson, ...], *thresholds: float) -> str:
    document = [__version__, _shipped(), list(thresholds), to_json(lessons)]
    return sha256(canonical(document)).hexdigest()
