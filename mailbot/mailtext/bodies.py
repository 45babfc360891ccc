"""The readable bodies of a mail, part by part; its attachments; the mail that it carries inside."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from mailbot.mailtext import tnef
from mailbot.mailtext.charsets import decode, has_bidi, visible
from mailbot.mailtext.headers import one_line
from mailbot.mailtext.html import MAX_SOURCE, render
from mailbot.mailtext.lines import Line, plain_lines, unflow
from mailbot.mailtext.mime import Budget, Part
from mailbot.message import Attachment

MAX_TEXT = 1_000_000  # characters of one text part that are read
MAX_LINES = 50_000
MAX_TEXT_PARTS = 50
_READABLE = ("text/plain", "text/html")
_NOT_TEXT = frozenset(
    {"text/calendar", "text/rfc822-headers", "text/x-vcard", "text/vcard", "text/csv"}
)


@dataclass(frozen=True, slots=True)
class Bodies:
    """The two renditions of a mail. Without alternatives they are the same; `html_only`: no
    text/plain was offered where HTML was."""

    plain: tuple[Line, ...]
    rich: tuple[Line, ...]
    differ: bool
    html_only: bool


def read_bodies(root: Part, budget: Budget) -> Bodies:
    """The text of a mail as a plain reader and as an HTML reader would show it."""
    plain_parts = list(_texts(root, "text/plain"))[:MAX_TEXT_PARTS]
    rich_parts = list(_texts(root, "text/html"))[:MAX_TEXT_PARTS]
    done: dict[int, tuple[Line, ...]] = {}
    for part in (*plain_parts, *rich_parts):
        if id(part) not in done:
            done[id(part)] = _lines(part, budget)
    kinds = {part.kind for part in (*plain_parts, *rich_parts)}
    same = [id(part) for part in plain_parts] == [id(part) for part in rich_parts]
    plain = _together([done[id(part)] for part in plain_parts])
    rich = _together([done[id(part)] for part in rich_parts])
    if not any(line.text.strip() for line in (*plain, *rich)):
        packed = _packed_text(root, budget)
        if packed:
            return Bodies(packed, packed, False, False)
    return Bodies(
        plain=plain,
        rich=rich,
        differ=not same,
        html_only="text/html" in kinds and "text/plain" not in kinds,
    )


def is_tnef(part: Part) -> bool:
    """Whether a part is a winmail.dat, by whatever type it goes."""
    return part.kind in tnef.KINDS or part.name.lower() == "winmail.dat"


def _packed_text(root: Part, budget: Budget) -> tuple[Line, ...]:
    """The text of a mail that Outlook packed up whole."""
    for part in root.walk():
        if not part.children and is_tnef(part):
            packed = tnef.read_tnef(part.decoded())
            if packed.plain.strip():
                return _capped(plain_lines(visible(packed.plain)), budget)
            if packed.html.strip():
                rendered = render(packed.html, budget.elements)
                for note in rendered.notes:
                    budget.note(note)
                return _capped(rendered.lines, budget)
    return ()


def _texts(part: Part, wanted: str) -> Iterator[Part]:
    """The text parts shown, where of alternatives the one of the `wanted` kind is taken."""
    if part.attached:
        return
    if not part.children:
        if part.kind.startswith("text/") and part.kind not in _NOT_TEXT and not _is_file(part):
            yield part
        return
    if part.kind == "multipart/alternative":
        choice = [child for child in part.children if _offers(child, wanted)]
        other = [child for child in part.children if any(_offers(child, k) for k in _READABLE)]
        # RFC 2046 § 5.1.4: the last alternative is the richest; programs show that one.
        for child in (choice or other)[-1:]:
            yield from _texts(child, wanted)
    elif part.kind == "multipart/related":
        yield from _texts(part.children[0], wanted)
    elif part.kind.startswith("multipart/"):
        for child in part.children:
            yield from _texts(child, wanted)


def _offers(part: Part, kind: str) -> bool:
    return any(each.kind == kind and not each.attached for each in part.walk())


def _is_file(part: Part) -> bool:
    """A text part with a name is a file, unless it is said to be shown in place."""
    if part.kind not in ("text/plain", "text/html"):
        return bool(part.name)
    return bool(part.name) and part.disposition.value != "inline"


def _lines(part: Part, budget: Budget) -> tuple[Line, ...]:
    octets = part.decoded()
    limit = min(budget.octets, MAX_SOURCE if part.kind == "text/html" else 4 * MAX_TEXT)
    if len(octets) > limit:
        octets = octets[:limit]
        budget.note("truncated")
    budget.octets -= len(octets)
    text, bad = decode(octets, part.params.get("charset"))
    if bad:
        budget.note("bad-charset")
    if part.kind == "text/html":
        rendered = render(text, budget.elements)
        budget.elements -= rendered.elements
        for note in rendered.notes:
            budget.note(note)
        return _capped(rendered.lines, budget)
    if has_bidi(text):
        budget.note("bidi")
    clean = visible(text)
    if len(clean) > MAX_TEXT or clean.count("\n") > MAX_LINES:
        budget.note("truncated")
        clean = "\n".join(clean[:MAX_TEXT].split("\n", MAX_LINES)[:MAX_LINES])
    if part.params.get("format").lower() == "flowed":
        clean = unflow(clean, part.params.get("delsp").lower() == "yes")
    return _capped(plain_lines(clean), budget)


def _capped(lines: tuple[Line, ...], budget: Budget) -> tuple[Line, ...]:
    if len(lines) > MAX_LINES:
        budget.note("truncated")
        lines = lines[:MAX_LINES]
    if sum(len(line.text) for line in lines) + len(lines) <= MAX_TEXT:
        return lines
    total = 0
    for at, line in enumerate(lines):
        if total + len(line.text) > MAX_TEXT:
            budget.note("truncated")
            return (*lines[:at], replace(line, text=line.text[: MAX_TEXT - total]))
        total += len(line.text) + 1
    return lines


def _together(texts: list[tuple[Line, ...]]) -> tuple[Line, ...]:
    out: list[Line] = []
    for text in texts:
        if out and text:
            out.append(Line(""))
        out.extend(text)
    return tuple(out)


def read_attachments(root: Part) -> tuple[Attachment, ...]:
    """Every leaf that is not the mail's own text, with the digest of its decoded content."""
    shown = {id(part) for kind in _READABLE for part in _texts(root, kind)}
    hidden = _unchosen(root)
    found: list[Attachment] = []
    for part, inline in _files(root, False):
        if id(part) not in shown and id(part) not in hidden:
            found.append(_attachment(part, inline))
            if is_tnef(part):
                found += [
                    Attachment(
                        name=each.name,
                        media_type="application/octet-stream",
                        size=each.size,
                        sha256=each.sha256,
                    )
                    for each in tnef.read_tnef(part.decoded()).files
                ]
    return tuple(found)


def _unchosen(root: Part) -> set[int]:
    """Text alternatives that were not chosen are no attachments either."""
    return {
        id(child)
        for part in root.walk()
        if part.kind == "multipart/alternative"
        for child in part.children
        if child.kind.startswith("text/") and child.kind != "text/calendar" and not child.attached
    }


def _files(part: Part, related: bool) -> Iterator[tuple[Part, bool]]:
    """Leaves in order, and whether each only decorates the text (a logo shown in place)."""
    if part.kind.startswith("multipart/"):
        inside = part.kind == "multipart/related"
        for child in part.children:
            yield from _files(child, inside)
        return
    decorates = (
        part.kind.startswith("image/")
        and not part.attached
        and (related or part.headers.has("content-id"))
    )
    yield part, decorates


def _attachment(part: Part, inline: bool) -> Attachment:
    content = part.decoded()
    name = part.name
    if not name and part.kind == "message/rfc822" and part.children:
        name = one_line(part.children[0].headers.first("subject"))[:100] + ".eml"
    return Attachment(
        name=name,
        media_type=part.kind,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        inline=inline,
    )


def find_calendar(root: Part) -> Part | None:
    """An invitation or an answer to one that stands in place of text (RFC 6047)."""
    return next(
        (
            part
            for part in root.walk()
            if part.kind == "text/calendar" and not part.attached and part.params.get("method")
        ),
        None,
    )


def carried_mail(root: Part) -> Part | None:
    """The first mail attached to this one as message/rfc822."""
    return next((p.children[0] for p in root.walk() if p is not root and _carries(p)), None)


def _carries(part: Part) -> bool:
    return part.kind in ("message/rfc822", "message/global") and bool(part.children)
