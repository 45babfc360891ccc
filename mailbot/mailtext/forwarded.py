"""What a forwarded mail says of its original: a picture of a mail, verified by nobody."""

from collections.abc import Sequence

from mailbot.mailtext import vocabulary as words
from mailbot.mailtext.addresses import read_addresses
from mailbot.mailtext.dates import written_date
from mailbot.mailtext.lines import Line, Mark, joined, without_marks
from mailbot.mailtext.quotes import header_block, is_cut
from mailbot.message import Address, Forwarded

_HEADER_LINES = 25


def forwarded_inline(lines: Sequence[Line], subject: str) -> Forwarded | None:
    """The original inside a mail that was forwarded within its text; None if it was not.

    Outlook writes the same header lines above a reply and a forward: there the subject decides.
    """
    announced = words.FORWARD_SUBJECT.match(subject) is not None
    if not announced and words.REPLY_SUBJECT.match(subject):
        return None
    for at, line in enumerate(lines):
        text = line.text[:400].strip()
        if not text:
            continue
        if words.FORWARD_LINE.fullmatch(text) or words.APPLE_FORWARD.fullmatch(text):
            return _read(lines, at + 1)
        if announced and line.mark is not Mark.SIGNATURE:
            if words.ORIGINAL_LINE.fullmatch(text):
                return _read(lines, at + 1)
            plain = [Line(without_marks(each.text)) for each in lines[at : at + _HEADER_LINES]]
            if header_block(plain, 0) or (line.mark is Mark.NEW and is_cut(lines, at)):
                return _read(lines, at)
    return None


def _read(lines: Sequence[Line], at: int) -> Forwarded:
    """The header lines that begin at `at`, and the text below them."""
    found: dict[str, str] = {}
    last = ""
    body = at
    for i in range(at, min(at + _HEADER_LINES, len(lines))):
        text = without_marks(lines[i].text).strip()
        body = i
        if not text:
            if {"from", "subject"} <= found.keys() or len(found) >= 3:
                break
            continue
        label, value = _labelled(text)
        if label:
            found.setdefault(label, value)
            last = label
        elif last and len(found) < 3 and last != "subject":
            found[last] += " " + text  # a list of recipients goes on
        elif found or not words.UNDERSCORES.fullmatch(text):
            break
        body = i + 1
    sender = read_addresses((_without_mailto(found.get("from", "")),))
    name = found.get("from", "").strip(" *<>")
    return Forwarded(
        sender=sender[0] if sender else (Address(address="", name=name[:200]) if name else None),
        date=written_date(found["date"]) if "date" in found else None,
        subject=found.get("subject", "")[:500],
        text=joined(without_marks(line.text) for line in lines[body:]),
    )


def _labelled(text: str) -> tuple[str, str]:
    for name, label in words.LABELS.items():
        match = label.match(text[:2000])
        if match is not None:
            return name, match["value"].strip(" *")
    return "", ""


def _without_mailto(text: str) -> str:
    """`Kari [mailto:kari@example.no]`, as older Outlooks write."""
    return text.replace("[mailto:", "<").replace("<mailto:", "<").replace("]", ">")
