"""What came of a task that a person did by hand: "UTFØRT 5: ingen treff i GA4".

No decision and no approval: it says of a plan that was approved what mailbot itself cannot know.
Read as narrowly as a decision: the word stands first, the same in every part of the mail.
"""

import re
from dataclasses import dataclass

from mailbot.mailtext.decisions import SPOILS
from mailbot.mailtext.same import essence
from mailbot.message import Automatic, Mail

_WORDS = "utført|utfoert|utfort|utfört|udført|done|erledigt"
_NUMBERS = r"\d{1,4}(?:[ \t]*(?:,|og|and|och|und)[ \t]*\d{1,4}){0,20}"
_HEAD = re.compile(
    rf"\s*(?:{_WORDS})(?:[ \t]+(?:nr\.?|no\.?|punkt)?[ \t]*(?P<numbers>{_NUMBERS}))?"
    r"[ \t]*(?:[.:!–—-][ \t]*(?P<text>\S.*)?|\n.*|)\s*\Z",
    re.IGNORECASE | re.DOTALL,
)
_LONGEST = 2_000  # characters of an outcome that are kept
# Told between the lines of the question or below it, it may be about one of them alone.
_SPOILS = frozenset((*SPOILS, "interleaved", "below-quote"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOutcome:
    """Which tasks were done (none named: the only one), and what the person says of them."""

    items: tuple[int, ...]
    text: str


def read_outcome(mail: Mail) -> TaskOutcome | None:
    """The outcome that a reply of staff tells; None if it tells none beyond doubt."""
    if mail.automatic is not Automatic.NO or _SPOILS & set(mail.notes):
        return None
    found = [_read(text) for text in mail.alternatives or (mail.new_text,)]
    first = found[-1]
    if first is None or any(
        other is None or other.items != first.items or essence(other.text) != essence(first.text)
        for other in found
    ):
        return None
    return first


def _read(text: str) -> TaskOutcome | None:
    head = _HEAD.match(text[: _LONGEST * 4])
    if head is None or "?" in text[: head.end("numbers") if head["numbers"] else 20]:
        return None
    numbers = tuple(dict.fromkeys(int(part) for part in re.findall(r"\d+", head["numbers"] or "")))
    said = head["text"] or text.strip().partition("\n")[2]
    return TaskOutcome(items=numbers, text=said.strip()[:_LONGEST])
