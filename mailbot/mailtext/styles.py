"""What CSS makes of text: is it seen? Only the declarations by which mail hides words are read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from mailbot.mailtext.colours import WHITE, Colour, colour_of

_ALIKE = 20  # of 255, in each channel: nobody reads such text
_OUT = -200.0  # pixels to the left of, or above, what is shown
_FAR_OUT = 3000.0  # pixels to the right of it
_CACHED = 2000  # characters of declarations; longer ones are not remembered

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.S)
_ESCAPE = re.compile(r"\\(?:([0-9a-f]{1,6})\s?|(.))", re.I | re.S)
_LENGTH = re.compile(r"([+-]?\d*\.?\d+)\s*(px|pt|pc|em|rem|%|cm|mm|in|ex|ch|vh|vw|vmin|vmax|q)?")
_PIXELS = {
    "px": 1.0, "pt": 1.33, "pc": 16.0, "em": 16.0, "rem": 16.0, "%": 6.0, "cm": 37.8, "mm": 3.78,
    "in": 96.0, "ex": 8.0, "ch": 8.0, "vh": 6.0, "vw": 6.0, "vmin": 6.0, "vmax": 6.0, "q": 0.95,
}  # fmt: skip
_CLIPPED = re.compile(r"rect\(\s*[01]?(px|em)?[\s,]+[01]?(px|em)?[\s,]+[01]?(px|em)?[\s,]")
_CUT_OUT = re.compile(
    r"(?:inset\(\s*(?:100|[5-9]\d)%|(?:circle|ellipse)\(\s*0|polygon\(\s*0\s+0\s*,\s*0\s+0)"
)
_SHRUNK = re.compile(r"(?:scale\w*|matrix)\(\s*0(?:\.0\d*)?\s*[,)]|rotate[xy]\(\s*90deg")
_MOVED = re.compile(r"translate\w*\(\s*([+-]?[\d.]+)([a-z%]*)(?:\s*,\s*([+-]?[\d.]+)([a-z%]*))?")
_FADED = re.compile(r"opacity\(\s*([\d.]+)(%?)\s*\)")
_READ = frozenset(
    "visibility font-size font color -webkit-text-fill-color background background-color"
    " background-image display opacity height max-height width max-width content-visibility"
    " letter-spacing mso-hide overflow overflow-x overflow-y line-height text-indent margin-left"
    " margin-top position left top right bottom clip clip-path filter transform".split()
)
_COMPUTED = re.compile(r"\b(?:calc|var|min|max|clamp|env|attr)\(")


@dataclass(frozen=True, slots=True)
class Look:
    """The look of text at one place; inherited by what stands inside."""

    gone: bool = False  # display:none and the like: cannot be undone from inside
    invisible: bool = False  # visibility: an inner element may show itself again
    tiny: bool = False
    clear: bool = False  # transparent ink
    doubtful: bool = False  # some programs show it and others do not
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


def apply(look: Look, declarations: str) -> Look:
    """The look inside an element with these declarations."""
    # Mail repeats the same few declarations for every paragraph.
    if len(declarations) < _CACHED:
        return _apply_known(look, declarations)
    return _apply(look, declarations)


@lru_cache(maxsize=4096)
def _apply_known(look: Look, declarations: str) -> Look:
    return _apply(look, declarations)


def unescaped(css: str) -> str:
    """CSS without comments and escapes (CSS Syntax Level 3, § 4.3.7), in lower case."""
    text = _COMMENT.sub(" ", css) if "/*" in css else css
    if "\\" in text:
        text = _ESCAPE.sub(_unescape, text)
    return text.lower()


def _unescape(match: re.Match[str]) -> str:
    number = int(match[1], 16) if match[1] else 0
    return (chr(number) if 0 < number <= 0x10FFFF else "") if match[1] else match[2]


def declared(declarations: str) -> dict[str, str]:
    """Of what is read here, the value that counts: the last one, but an important one first."""
    found: dict[str, str] = {}
    important: dict[str, str] = {}
    for piece in unescaped(declarations[:20_000]).split(";"):
        name, colon, value = piece.partition(":")
        name = name.strip()
        if not colon or name not in _READ:
            continue
        value, mark, _ = value.partition("!")
        (important if mark else found)[name] = value.strip()
    return found | important


def compact(declarations: str) -> str:
    """Of declarations, those that are read here, each once and no value longer than is needed."""
    found = declared(declarations)
    return ";".join(f"{name}:{value[:200]}" for name, value in found.items())


def _apply(look: Look, declarations: str) -> Look:
    wanted = declared(declarations)
    if not wanted:
        return look
    shown = wanted.get("visibility")
    size = wanted.get("font-size") or _font_size(wanted.get("font", ""))
    ink, clear = look.ink, look.clear
    for name in ("color", "-webkit-text-fill-color"):
        if name in wanted:
            ink, clear = _ink(wanted[name], look)
    paper = look.paper
    if any(name in wanted for name in ("background", "background-color", "background-image")):
        told = wanted.get("background-color") or wanted.get("background") or "url("
        paper = _paper(told, look)
    return Look(
        gone=look.gone or _box_is_gone(wanted),
        invisible=look.invisible if shown is None else shown in ("hidden", "collapse"),
        tiny=_is_tiny(size, look.tiny) if size else look.tiny,
        clear=clear,
        doubtful=look.doubtful or _is_doubtful(wanted),
        ink=ink,
        paper=paper,
    )


def _is_doubtful(wanted: Mapping[str, str]) -> bool:
    """Computed values that may well come to nothing, and ways of hiding that few programs know."""
    for name in ("display", "font-size", "opacity", "color", "visibility", "height", "max-height"):
        if _COMPUTED.search(wanted.get(name, "")):
            return True
    return wanted.get("content-visibility") == "hidden" or _pixels(wanted, "letter-spacing") < -4


def _box_is_gone(wanted: Mapping[str, str]) -> bool:
    if wanted.get("display") == "none" or wanted.get("mso-hide") == "all":
        return True
    if "opacity" in wanted and _share(wanted["opacity"]) < 0.05:
        return True
    clipped = any(
        value in wanted.get(name, "")
        for name in ("overflow", "overflow-y", "overflow-x")
        for value in ("hidden", "clip")
    )
    sizes = [name for name in ("max-height", "height", "max-width", "width") if name in wanted]
    if clipped and any(0 <= _pixels(wanted, name, 99.0) < 2 for name in sizes):
        return True
    if clipped and "line-height" in wanted and _share(wanted["line-height"]) < 0.05:
        return True
    return _is_out(wanted) or _is_cut_out(wanted)


def _is_out(wanted: Mapping[str, str]) -> bool:
    """Whether the box lies where nobody looks."""
    if _pixels(wanted, "text-indent") <= _OUT or abs(_pixels(wanted, "text-indent")) > _FAR_OUT:
        return True
    if min(_pixels(wanted, "margin-left"), _pixels(wanted, "margin-top")) <= 3 * _OUT:
        return True
    if wanted.get("position") not in ("absolute", "fixed", "relative"):
        return False
    places = [_pixels(wanted, side) for side in ("left", "top", "right", "bottom")]
    return any(place <= _OUT or place > _FAR_OUT for place in places) or (
        _pixels(wanted, "margin-left") <= _OUT
    )


def _is_cut_out(wanted: Mapping[str, str]) -> bool:
    if _CLIPPED.match(wanted.get("clip", "")) or _CUT_OUT.match(wanted.get("clip-path", "")):
        return True
    faded = _FADED.search(wanted.get("filter", ""))
    if faded and _share(faded[1] + faded[2]) < 0.05:
        return True
    moves = wanted.get("transform", "")
    if not moves:
        return False
    if _SHRUNK.search(moves):
        return True
    moved = _MOVED.search(moves)
    return moved is not None and any(
        abs(_in_pixels(f"{moved[at]}{moved[at + 1] or ''}", 0.0)) >= -2 * _OUT
        for at in (1, 3)
        if moved[at]
    )


def _pixels(wanted: Mapping[str, str], name: str, default: float = 0.0) -> float:
    value = wanted.get(name)
    return default if value is None else _in_pixels(value, default)


def _in_pixels(text: str, default: float) -> float:
    match = _LENGTH.match(text)
    return float(match[1]) * _PIXELS[match[2] or "px"] if match else default


def _share(text: str) -> float:
    """A number or a percentage."""
    match = _LENGTH.match(text)
    if match is None:
        return 1.0
    return float(match[1]) / (100 if match[2] == "%" else 1)


def _font_size(font: str) -> str:
    match = re.search(r"(?<![\w-])\d*\.?\d+(px|pt|em|rem|%)?(?=[\s/])", font)
    return match.group() if match else ""


def _is_tiny(size: str, inherited: bool) -> bool:
    match = _LENGTH.match(size)
    if match is None:
        return inherited and size in ("smaller", "larger", "inherit")
    number, unit = float(match[1]), match[2] or "px"
    if unit in ("em", "%", "ex", "ch"):
        return inherited or number < (5 if unit == "%" else 0.1)
    return number < (0.15 if unit in ("rem", "cm", "mm", "in", "vh", "vw") else 1.6)


def _ink(value: str, look: Look) -> tuple[Colour, bool]:
    if value == "transparent":
        return look.ink, True
    colour, opaque = colour_of(value)
    return (look.ink, look.clear) if colour is None else (colour, not opaque)


def _paper(value: str, look: Look) -> Colour | None:
    if "url(" in value or "gradient" in value:
        return None
    if value in ("transparent", "none", "inherit", "initial", "unset"):
        return look.paper
    colour, opaque = colour_of(value)
    if colour is None:
        return None  # a colour that we cannot name: nothing can be said against the ink
    return colour if opaque else look.paper
