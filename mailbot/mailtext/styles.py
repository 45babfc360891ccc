"""What CSS makes of text: is it seen? Only the declarations by which mail hides words are read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

Colour = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)
_NAMED: Mapping[str, Colour] = {
    "white": WHITE, "black": (0, 0, 0), "red": (255, 0, 0), "blue": (0, 0, 255),
    "navy": (0, 0, 128), "green": (0, 128, 0), "gray": (128, 128, 128), "grey": (128, 128, 128),
    "silver": (192, 192, 192), "yellow": (255, 255, 0), "snow": (255, 250, 250),
    "ivory": (255, 255, 240), "whitesmoke": (245, 245, 245), "ghostwhite": (248, 248, 255),
    "windowtext": (0, 0, 0), "window": WHITE, "floralwhite": (255, 250, 240),
}  # fmt: skip
_ALIKE = 20  # of 255, in each channel: nobody reads such text

_STYLE = re.compile(r"<style\b[^>]{0,500}>(.*?)(?:</style|\Z)", re.I | re.S)
_CSS_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.S)
_SIMPLE = re.compile(r"\*|[a-z][a-z0-9]*|(?:[a-z][a-z0-9]*)?[.#][\w-]{1,100}")
_LENGTH = re.compile(r"(-?\d*\.?\d+)\s*(px|pt|em|rem|%|cm|mm|in|ex|ch|vh|vw)?")
_RGB = re.compile(r"rgba?\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})(?:[\s,/]+([\d.]+%?))?\s*\)")
_CLIPPED = re.compile(r"rect\(\s*[01](px)?[\s,]+[01](px)?[\s,]+[01](px)?")
_HEX = re.compile(r"#([0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{3,4})\b")


@dataclass(frozen=True, slots=True)
class Look:
    """How text looks at one place; inherited by what stands inside."""

    gone: bool = False  # display:none and the like: cannot be undone from inside
    invisible: bool = False  # visibility: an inner element may show itself again
    tiny: bool = False
    clear: bool = False  # transparent ink
    ink: Colour = (0, 0, 0)
    paper: Colour | None = WHITE  # None: a picture, or not known

    @property
    def hidden(self) -> bool:
        """Whether a reader sees nothing here."""
        if self.gone or self.invisible or self.tiny or self.clear:
            return True
        return self.paper is not None and all(
            abs(ink - paper) <= _ALIKE for ink, paper in zip(self.ink, self.paper, strict=True)
        )


def style_rules(source: str) -> dict[str, str]:
    """The declarations of each simple selector in the style elements of a page.

    Rules inside @media are left out: they speak of some screens only.
    """
    rules: dict[str, str] = {}
    for style in _STYLE.findall(source)[:50]:
        css = _without_at_rules(_CSS_COMMENT.sub(" ", style[:200_000]).lower())
        for rule in css.split("}")[:3000]:
            selectors, _, body = rule.rpartition("{")
            for selector in selectors[-2000:].split(",")[:50]:
                name = selector.strip()
                if _SIMPLE.fullmatch(name) and _MATTERS.search(body):
                    rules[name] = (rules.get(name, "") + ";" + body)[:4000]
    return rules


_MATTERS = re.compile(
    r"display|visibility|font|opacity|color|background|height|width|indent|position|hide|clip"
)


def _without_at_rules(css: str) -> str:
    """CSS without its nested blocks (@media {...{...}...})."""
    out: list[str] = []
    depth, nested, start = 0, False, 0
    for match in re.finditer(r"[{}]|@(?:media|supports)\b", css):
        token = match.group()
        if token == "{":
            depth += 1
        elif token == "}":
            depth = max(0, depth - 1)
            if nested and depth == 0:
                nested, start = False, match.end()
        elif depth == 0 and not nested:
            out.append(css[start : match.start()])
            nested = True
    if not nested:
        out.append(css[start:])
    return "".join(out)


def apply(look: Look, declarations: str) -> Look:
    """The look inside an element with these declarations."""
    wanted: dict[str, str] = {}
    for piece in declarations.lower()[:8000].split(";"):
        name, colon, value = piece.partition(":")
        if colon:
            wanted[name.strip()] = value.replace("!important", "").strip()
    if not wanted:
        return look
    shown = wanted.get("visibility")
    size = wanted.get("font-size") or _font_size(wanted.get("font", ""))
    ink, clear = look.ink, look.clear
    if "color" in wanted:
        ink, clear = _ink(wanted["color"], look)
    paper = look.paper
    if any(name in wanted for name in ("background", "background-color", "background-image")):
        told = wanted.get("background-color") or wanted.get("background") or "url("
        paper = _paper(told, look)
    return Look(
        gone=look.gone or _box_is_gone(wanted),
        invisible=look.invisible if shown is None else shown in ("hidden", "collapse"),
        tiny=_is_tiny(size, look.tiny) if size else look.tiny,
        clear=clear,
        ink=ink,
        paper=paper,
    )


def _box_is_gone(wanted: Mapping[str, str]) -> bool:
    if wanted.get("display") == "none" or wanted.get("mso-hide") == "all":
        return True
    if _number(wanted.get("opacity", "1"), 1.0) < 0.05:
        return True
    clipped = "hidden" in wanted.get("overflow", "") or "hidden" in wanted.get("overflow-y", "")
    sizes = [wanted.get(name) for name in ("max-height", "height", "max-width", "width")]
    if clipped and any(size is not None and 0 <= _number(size, 99.0) < 2 for size in sizes):
        return True
    if _number(wanted.get("text-indent", "0"), 0.0) <= -200:
        return True
    placed = wanted.get("position") in ("absolute", "fixed")
    sides = (wanted.get("left", "0"), wanted.get("top", "0"), wanted.get("margin-left", "0"))
    if placed and any(_number(side, 0.0) <= -200 for side in sides):
        return True
    return _CLIPPED.match(wanted.get("clip", "")) is not None


def _number(text: str, default: float) -> float:
    match = _LENGTH.match(text)
    return float(match[1]) if match else default


def _font_size(font: str) -> str:
    match = re.search(r"(?<![\w-])\d*\.?\d+(px|pt|em|rem|%)?(?=[\s/])", font)
    return match.group() if match else ""


def _is_tiny(size: str, inherited: bool) -> bool:
    match = _LENGTH.match(size)
    if match is None:
        return inherited and size in ("smaller", "larger", "inherit")
    number, unit = float(match[1]), match[2] or "px"
    if unit in ("em", "%", "ex", "ch"):
        return inherited or number < (5 if unit == "%" else 0.05)
    return number < (0.15 if unit in ("rem", "cm", "mm", "in", "vh", "vw") else 1.6)


def _ink(value: str, look: Look) -> tuple[Colour, bool]:
    if value == "transparent":
        return look.ink, True
    colour, opaque = colour_of(value)
    return (look.ink, look.clear) if colour is None else (colour, not opaque)


def _paper(value: str, look: Look) -> Colour | None:
    if "url(" in value or "gradient" in value:
        return None
    if value in ("transparent", "none", "inherit", "initial"):
        return look.paper
    colour, opaque = colour_of(value)
    if colour is None:
        return None  # a colour that we cannot name: nothing can be said against the ink
    return colour if opaque else look.paper


def colour_of(value: str) -> tuple[Colour | None, bool]:
    """A CSS colour and whether it covers at all; (None, True) for one that is not known."""
    if match := _RGB.search(value):
        alpha = match[4]
        opaque = alpha is None or _number(alpha, 1.0) > 0.05
        return (int(match[1]), int(match[2]), int(match[3])), opaque
    if match := _HEX.search(value):
        digits = match[1]
        if len(digits) < 6:
            digits = "".join(2 * c for c in digits)
        opaque = len(digits) < 8 or int(digits[6:8], 16) > 12
        return (int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)), opaque
    for word in value.split():
        if word in _NAMED:
            return _NAMED[word], True
    return None, True
