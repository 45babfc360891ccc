"""What the daemon and its reader process say to each other (see `reader`)."""

import struct
from dataclasses import dataclass

from mailbot.case import Classification
from mailbot.language.lessons import Layer
from mailbot.mailtext.authenticity import Trust
from mailbot.message import Mail

LENGTH = struct.Struct(">I")  # stands before each message
READY = b"ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A parsed mail and, where it was asked for and makes sense, what the classifier says.

    `traits`: what may be kept of the mail for learning; none of a mail that is left alone.
    """

    mail: Mail
    classification: Classification | None = None
    traits: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
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
