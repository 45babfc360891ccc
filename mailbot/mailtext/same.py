"""Do two renditions of a text say the same? Spaces, punctuation and link targets aside."""

import re
import unicodedata

_LINK = re.compile(
    r"<(?:https?|mailto|tel)[^>\s]{0,2000}>|\[(?:cid:|image)[^\]]{0,200}\]|https?://\S+"
)

_NO_SIGN = re.compile(r"[\W_]+")


def essence(text: str) -> str:
    """The letters and digits of a text, in order, case folded."""
    plain = _LINK.sub(" ", text)
    if not plain.isascii():
        plain = unicodedata.normalize("NFKC", plain)
    return _NO_SIGN.sub("", plain.casefold())


def differ(one: str, other: str) -> bool:
    """Whether two renditions differ in what they say, if only by a sign that is neither."""
    return essence(one) != essence(other) or _marks(one) != _marks(other)


def differ_beyond(one: str, other: str, signature: str) -> bool:
    """Whether two renditions differ by more than a signature that only one of them marks as such.

    `other` is the rendition whose signature was set apart.
    """
    if not differ(one, other):
        return False
    told, kept = essence(one), essence(other)
    rest = told[len(kept) :] if told.startswith(kept) else ""
    return not rest or rest not in essence(signature) or _marks(one) != _marks(other)


def _marks(text: str) -> bool:
    """A question mark changes a decision as much as a word does."""
    return "?" in _LINK.sub(" ", text)
