"""The opening tags of HTML mail: what each says, whatever page it stands on."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from mailbot.mailtext.stylesheet import Names
from mailbot.mailtext.wrappers import Role, cuts, role_of

_ATTR = re.compile(r"([^\s=/>]+)(?:\s*=\s*(?:\"([^\"]*)\"?|'([^']*)'?|([^\s>]+)))?")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


BLOCKS = _set(
    "address article aside blockquote body center dd details dialog div dl dt fieldset figcaption"
    " figure footer form h1 h2 h3 h4 h5 h6 header hr html li main nav ol p pre section summary"
    " table tbody tfoot thead tr ul"
)
_SPACED = _set("p h1 h2 h3 h4 h5 h6 ul ol pre blockquote")
_VOID = _set("area base br col embed hr img input link meta param source track wbr")
_STRUCK = frozenset({"s", "strike", "del"})
# What stands inside is shown only where the element itself is not understood.
_FALLBACK = frozenset({"audio", "video", "canvas", "object", "datalist", "optgroup", "option"})
_CACHED = 400  # characters of attributes; longer ones are not remembered
_BEYOND = re.compile(r"&#(?:[xX][0-9a-fA-F]{9,}|[0-9]{9,});?")
NOBODY: Names = frozenset()


@dataclass(frozen=True, slots=True)
class Tag:
    """An opening tag.

    `style`: its declarations, those of old attributes first. `block`, `spaced`: it begins a line,
    with an empty one before it. `cuts`: everything from here on is quoted. `doubtful`: some
    programs show what stands inside and others do not.
    """

    name: str
    style: str = ""
    names: Names = NOBODY
    role: Role = Role.NONE
    block: bool = False
    spaced: bool = False
    void: bool = False
    cuts: bool = False
    pre: bool = False
    struck: bool = False
    doubtful: bool = False


def unescaped(text: str) -> str:
    """Text with its character references resolved; those beyond Unicode are no character."""
    if "&" not in text:
        return text
    return html.unescape(_BEYOND.sub("\ufffd", text) if "&#" in text else text)


def read_tag(name: str, raw: str) -> Tag:
    """A tag by its lower-case name and the text of its attributes."""
    # Mail repeats the same few tags for every paragraph.
    return _known_tag(name, raw) if len(raw) < _CACHED else _tag(name, raw)


@lru_cache(maxsize=4096)
def _known_tag(name: str, raw: str) -> Tag:
    return _tag(name, raw)


def _tag(name: str, raw: str) -> Tag:
    attrs = _attributes(raw) if raw else {}
    style = attrs.get("style", "")
    names = f"{attrs.get('class', '')} {attrs.get('id', '')}".strip()
    if name == "a":
        names = f"{names} {attrs.get('name', '')}".strip()
    word = attrs.get("class", "").lower().startswith(("mso", "x_mso"))
    return Tag(
        name,
        ";".join(filter(None, (_old_style(name, attrs), style))),
        _called(attrs),
        role_of(name, names, style),
        block=name in BLOCKS,
        spaced=name in _SPACED and not word,
        void=name in _VOID,
        cuts=bool(names) and cuts(names),
        pre=name in ("pre", "textarea") or "pre-wrap" in style,
        struck=name in _STRUCK or "line-through" in style,
        doubtful=name in _FALLBACK
        or (name in ("dialog", "details") and "open" not in attrs)
        # Read to nobody, shown to those who see.
        or attrs.get("aria-hidden", "").strip().lower() == "true",
    )


def _attributes(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in _ATTR.finditer(text[:20_000]):
        value = match[2] or match[3] or match[4] or ""
        found.setdefault(match[1].lower(), unescaped(value))
        if len(found) >= 100:
            break
    return found


def _called(attrs: Mapping[str, str]) -> Names:
    classes, name = attrs.get("class", ""), attrs.get("id", "").lower()
    if not classes and not name:
        return NOBODY
    found = [f".{each}" for each in classes.lower().split()[:20]]
    return frozenset([*found, f"#{name}"] if name else found)


def _old_style(name: str, attrs: Mapping[str, str]) -> str:
    """Attributes from before CSS, as declarations."""
    told = []
    if "hidden" in attrs:
        told.append("display:none")
    if "bgcolor" in attrs:
        told.append(f"background-color:{attrs['bgcolor']}")
    if "background" in attrs:
        told.append("background-image:url(x)")
    if name == "font" and "color" in attrs:
        told.append(f"color:{attrs['color']}")
    if name == "body" and "text" in attrs:
        told.append(f"color:{attrs['text']}")
    if attrs.get("width") == "0" and attrs.get("height") == "0":
        told.append("display:none")
    return ";".join(told)
