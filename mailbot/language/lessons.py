"""What staff said of mails, as values: plain enough for the daemon to hold (no numpy)."""

from dataclasses import dataclass
from datetime import datetime

from mailbot.case import Label

MOST_LESSONS = 500  # in force at a time: the newest
REACHES = (0.3, 0.4, 0.5, 0.6)  # from which likeness lessons speak; the widest that does no harm


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What staff said of one mail, with nothing of its text.

    `privacy`: whether it is privacy mail at all; None where they said nothing of that. `said`:
    rights that they named; `denied`: those that the model had heard and they had not. `sender`: a
    keyed hash of the address; `proven`: whether the mail was authentic.
    """

    id: str
    at: datetime
    traits: tuple[int, ...]
    sender: str
    proven: bool
    privacy: bool | None = None
    said: tuple[Label, ...] = ()
    denied: tuple[Label, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Lessons that are in force, and how far each reaches (a cosine).

    `common`: what a trait of everyday language counts (others count 1), from the shipped corpus.
    """

    lessons: tuple[Lesson, ...]
    reach: float
    common: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What is to be tried: all lessons that there are, against those in force before."""

    lessons: tuple[Lesson, ...]
    before: Layer | None
    open_above: float
    ask_above: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a trial.

    `before`, `after`: of the check mails that any lesson speaks of, how many privacy mails were
    left alone, how many ordinary ones bothered, how many rights were heard wrongly. `reach`: how
    far the lessons may speak; None: they did worse than before and are not used.
    """

    lessons: int
    mails: int
    before: tuple[int, int, int]
    after: tuple[int, int, int]
    reach: float | None
    common: tuple[tuple[int, float], ...] = ()
