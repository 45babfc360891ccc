"""The value that reading a reply gives."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a reply decides.

    decision: approve | reject | edit | extend | keep | ask | identity | not_privacy | right |
    assign | redact | unclear | autoreply.
    items: numbers of actions, for keep and redact. rights: labels, for right.
    reason: what the approver gave as one (for assign: to whom). edited_text: the new letter.
    why: named reason for unclear. strong: said by its own word, not a mere yes.
    said: the words of an approval, without its courtesies.
    """

    decision: str
    items: tuple[int, ...] = ()
    rights: tuple[str, ...] = ()
    reason: str | None = None
    edited_text: str | None = None
    why: str = ""
    strong: bool = False
    said: tuple[str, ...] = ()


def unclear(why: str) -> Reply:
    """No decision, and the named reason."""
    return Reply(decision="unclear", why=why)
