"""The style sheets of an HTML mail: which declarations hold for an element?

Selectors of type, class and id, beneath one another or side by side in lists, are followed as
programs do (Selectors Level 4). What hangs on more than that (attributes, positions, the size of a
screen) holds in some programs and not in others: it is told apart as `doubtful`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from mailbot.mailtext.styles import compact, unescaped

_MAX_RULES = 3000
_STYLE = re.compile(r"<style\b([^>]{0,500})>(.*?)(?:</style|\Z)", re.I | re.S)
_MARKS = re.compile(r"<!--|-->")
_TOKEN = re.compile(r"[{}]")
_COMPOUND = re.compile(
    r"(\*|[a-z][\w-]*)?((?:[.#][\w-]+)*)((?:\[[^\]]*\]|::?[\w-]+(?:\([^)]*\))?)*)"
)
_TOUCHED = re.compile(r":(?:hover|active|focus[\w-]*|visited|checked|target|:[\w-]+)")
_MATTERS = re.compile(
    r"display|visibility|font|opacity|color|background|height|width|indent|position|hide|clip"
    r"|transform|filter|spacing|margin"
)
_EVERYWHERE = re.compile(r"\s*@media\s+(?:only\s+)?(?:all|screen)\s*(?:,.*)?", re.S)
_ELSEWHERE = re.compile(r"\s*@(?:media\s+(?:print|speech)|font-face|page|keyframes|-\w+-keyframes)")

_MOST_STEPS = 300_000  # rules looked at, and elements around them, on one page

Names = frozenset[str]  # ".class" and "#id" of an element
_HIDES = "display:none"
_LONG = 1000
_REMEMBERED = 20_000  # characters of a sheet


class Element(Protocol):
    """An element around the one that is looked at."""

    @property
    def tag(self) -> str:
        """Its type, lower-case."""

    @property
    def names(self) -> Names:
        """Its classes and id."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """One selector with its declarations; `parts` from the element outwards."""

    parts: tuple[tuple[str, Names, bool], ...]  # tag, names, whether it must be the very parent
    weight: tuple[int, int, int]
    body: str
    doubtful: bool


@dataclass(slots=True)
class Sheet:
    """The rules of a page, by what the element itself must be called."""

    by_name: dict[str, list[_Rule]] = field(default_factory=dict)
    _steps: int = 0
    _known: dict[tuple[str, Names], tuple[str, str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.by_name)

    def settled(self, tag: str, names: Names) -> bool:
        """Whether the same is told of such an element wherever it stands."""
        return not self.by_name or (tag, names) in self._known

    def told(self, tag: str, names: Names, outer: Sequence[Element]) -> tuple[str, str]:
        """The declarations for an element inside `outer`; then those that some programs add.

        A page whose rules are too many to follow may hide anything from anybody.
        """
        known = self._known.get((tag, names))
        if known is not None:
            return known
        if self._steps > _MOST_STEPS:
            return "", _HIDES
        rules = [rule for name in (tag, "*", *names) for rule in self.by_name.get(name, ())]
        nested = any(len(rule.parts) > 1 for rule in rules)
        self._steps += 1 + sum(1 + (len(rule.parts) - 1) * len(outer) for rule in rules)
        rules = [rule for rule in rules if _fits(rule, tag, names, outer)]
        rules.sort(key=lambda rule: rule.weight)
        sure = [rule.body for rule in rules if not rule.doubtful]
        perhaps = [rule.body for rule in rules if rule.doubtful]
        told = _together(sure), _together(perhaps)
        if not nested and len(self._known) < 1000:
            self._known[tag, names] = told
        return told


def _together(bodies: list[str]) -> str:
    # Where a body stands twice, its last place is the one that counts.
    told = ";".join(reversed(list(dict.fromkeys(reversed(bodies)))))
    return told if len(told) < _LONG else compact(told)


def sheet_of(source: str) -> Sheet:
    """The style elements of a page."""
    sheet = Sheet()
    count = 0
    for attributes, style in _STYLE.findall(source)[:50]:
        if re.search(r"media\s*=\s*[\"']?\s*(print|speech)", attributes, re.I):
            continue
        plain = _MARKS.sub(" ", style[:200_000])
        # Programs write the same sheet into every mail.
        css = _known_blocks(plain) if len(plain) < _REMEMBERED else unescaped_blocks(plain)
        for selectors, body, doubtful in css:
            if not _MATTERS.search(body):
                continue
            for selector in selectors[-4000:].split(",")[:100]:
                count += 1
                rule = _rule(selector.strip(), body[:4000], doubtful, count)
                if rule is not None and count <= _MAX_RULES:
                    _, names, _ = rule.parts[0]
                    key = next(iter(names)) if names else rule.parts[0][0]
                    sheet.by_name.setdefault(key, []).append(rule)
    return sheet


@lru_cache(maxsize=64)
def _known_blocks(css: str) -> list[tuple[str, str, bool]]:
    return unescaped_blocks(css)


def unescaped_blocks(css: str) -> list[tuple[str, str, bool]]:
    """Selectors, declarations and whether they hold everywhere, of each rule of a sheet."""
    text = unescaped(css)
    found: list[tuple[str, str, bool]] = []
    around: list[str] = []  # the at-rules that we are in: "", "doubtful" or "elsewhere"
    head, at = "", 0
    inside = False
    for match in _TOKEN.finditer(text):
        piece = text[at : match.start()]
        at = match.end()
        if match.group() == "{":
            head = piece.rpartition(";")[2] if not inside else piece
            if head.lstrip().startswith("@"):
                around.append(_reach(head))
            else:
                inside = True
        elif inside:
            inside = False
            if "elsewhere" not in around and len(found) < _MAX_RULES:
                found.append((head, piece, "doubtful" in around))
        elif around:
            around.pop()
    if inside and len(found) < _MAX_RULES:
        found.append((head, text[at:], "doubtful" in around))
    return found


def _reach(head: str) -> str:
    if _ELSEWHERE.match(head):
        return "elsewhere"
    return "" if _EVERYWHERE.fullmatch(head) and "(" not in head else "doubtful"


_Read = tuple[tuple[tuple[str, Names, bool], ...], int, int, bool]


def _rule(selector: str, body: str, doubtful: bool, order: int) -> _Rule | None:
    read = _read_selector(selector) if len(selector) <= 300 else None
    if read is None:
        return None
    parts, ids, classes, unsure = read
    return _Rule(parts, (ids, classes, order), body, doubtful or unsure)


@lru_cache(maxsize=2048)
def _read_selector(selector: str) -> _Read | None:
    """The parts of a selector, how many ids and classes it names, whether it asks for more."""
    if not selector or _TOUCHED.search(selector):
        return None
    parts: list[tuple[str, Names, bool]] = []
    ids = classes = 0
    direct = doubtful = False
    for piece in reversed(re.sub(r"\s*([>+~])\s*", r" \1 ", selector).split()):
        if piece == ">":
            direct = True
            continue
        if piece in ("+", "~"):
            doubtful = True  # what stands before is not looked at: the rest must fit
            break
        match = _COMPOUND.fullmatch(piece)
        if match is None:
            return None
        names = re.findall(r"[.#][\w-]+", match[2])
        ids += sum(name.startswith("#") for name in names)
        classes += sum(name.startswith(".") for name in names)
        doubtful = doubtful or bool(match[3])
        if parts:
            parts.append((match[1] or "*", frozenset(names), direct))
        else:
            parts.append((match[1] or "*", frozenset(names), False))
        direct = False
    return (tuple(parts), ids, classes, doubtful) if parts else None


def _fits(rule: _Rule, tag: str, names: Names, outer: Sequence[Element]) -> bool:
    kind, wanted, _ = rule.parts[0]
    if kind not in ("*", tag) or not wanted <= names:
        return False
    places = {len(outer)}  # where the part before may stand
    for kind, wanted, direct in rule.parts[1:]:
        within = {place - 1 for place in places} if direct else range(max(places))
        places = {
            place
            for place in within
            if place >= 0 and kind in ("*", outer[place].tag) and wanted <= outer[place].names
        }
        if not places:
            return False
    return True
