"""Lines of a mail's text, with what their markup or their ">" says of them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """Whose words a line is."""

    NEW = "new"
    QUOTE = "quote"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of visible text. `sure`: the markup says so, not a guess from the words."""

    text: str
    mark: Mark = Mark.NEW
    sure: bool = False


_QUOTED = re.compile(r"[ \t]{0,3}(?:>[ \t]?)+")
_FLOW_QUOTES = re.compile(r">*")


def plain_lines(text: str) -> tuple[Line, ...]:
    """The lines of a text/plain part; those behind ">" are quotes, and keep their mark."""
    # (Most lines hold no ">" at all, which is soon told.)
    return tuple(
        Line(line.rstrip(), Mark.QUOTE if ">" in line and _QUOTED.match(line) else Mark.NEW)
        for line in text.split("\n")
    )


def without_marks(text: str) -> str:
    """A quoted line without its ">" marks."""
    match = _QUOTED.match(text) if ">" in text else None
    return text[match.end() :] if match else text


def unflow(text: str, delsp: bool) -> str:
    """Undo format=flowed (RFC 3676): stuffed spaces away, soft line breaks joined."""
    out: list[str] = []
    held: list[str] = []
    held_depth = -1
    for raw in text.split("\n"):
        match = _FLOW_QUOTES.match(raw)
        depth = match.end() if match else 0
        line = raw[depth:]
        line = line[1:] if line.startswith(" ") else line
        signature = line == "-- "
        if held and (depth != held_depth or signature):
            out.append(_unheld(held, held_depth))
            held = []
        held_depth = depth
        soft = line.endswith(" ") and not signature
        held.append(line[:-1] if soft and delsp else line)
        if not soft:
            out.append(_unheld(held, held_depth))
            held = []
    if held:
        out.append(_unheld(held, held_depth))
    return "\n".join(out)


def _unheld(held: Sequence[str], depth: int) -> str:
    return (">" * depth + " " if depth else "") + "".join(held)


def joined(lines: Iterable[str]) -> str:
    """Lines as text: runs of empty lines become one, none at the ends."""
    out: list[str] = []
    for line in lines:
        kept = line.rstrip()
        if kept or (out and out[-1]):
            out.append(kept)
    return "\n".join(out).strip("\n")
