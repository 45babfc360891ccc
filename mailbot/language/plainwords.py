"""Requests in words so plain that no statistics may overrule them: "delete all you have on me".

A mail in which one of a few patterns of meanings stands is at least asked about, however little
its other sentences sound like a request. The patterns were chosen for what they hold in the
corpus: of the mails in which they stand, more than nine in ten are requests.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mailbot.language.concepts import Lexicon
from mailbot.language.features import Tokens

_REMOVE = ("DELETE", "FORGET", "DISAPPEAR")
_PERSONAL_DATA = ("PERSONAL", "DATA", "CUSTOMERDATA", "PERSONID")
_SELF = ("ME", "MY")
_HOLD = ("STORE", "HAVE", "REGISTER", "KNOW", "HOLDING")
_ALL = ("ALL", "WHAT", "ATHING")

_Numbers = frozenset[int]


@dataclass(frozen=True, slots=True)
class PlainWords:
    """The patterns, by the numbers of the concepts in them."""

    remove: _Numbers
    data: _Numbers
    self: _Numbers
    hold: _Numbers
    all: _Numbers
    me: _Numbers
    about: _Numbers
    refusal: _Numbers

    @classmethod
    def of(cls, lexicon: Lexicon) -> "PlainWords":
        """The patterns in the numbers of a lexicon."""

        def numbers(*names: str) -> _Numbers:
            return frozenset(at for at, name in enumerate(lexicon.names) if name in names)

        return cls(
            remove=numbers(*_REMOVE),
            data=numbers(*_PERSONAL_DATA),
            self=numbers(*_SELF),
            hold=numbers(*_HOLD),
            all=numbers(*_ALL),
            me=numbers("ME"),
            about=numbers("ABOUT"),
            refusal=numbers("NOT"),
        )

    def asked(self, tokens: Tokens) -> bool:
        """Whether any sentence asks to remove one's data, or names what is held about oneself."""
        meanings = tokens.concepts.tolist()
        present = set(meanings)
        if present.isdisjoint(self.self) or present.isdisjoint(self.remove | self.about):
            return False
        end = 0
        for size in tokens.sizes.tolist():
            sentence = meanings[end : end + size]
            end += size
            if not self.self.isdisjoint(sentence) and self._plain(sentence):
                return True
        return False

    def _plain(self, meanings: Sequence[int]) -> bool:
        if not self.refusal.isdisjoint(meanings):
            return False
        about_me = any(
            first in self.about and second in self.me
            for first, second in zip(meanings, meanings[1:], strict=False)
        )
        if about_me:
            return _near(meanings, self.hold, self.about, 6) or _near(
                meanings, self.remove, self.all, 5
            )
        return _near(meanings, self.remove, self.data, 6) and _near(
            meanings, self.self, self.data, 4
        )


def _near(meanings: Sequence[int], these: _Numbers, those: _Numbers, distance: int) -> bool:
    """Whether one of these stands within so many words of one of those."""
    last_one = last_other = -distance - 1
    for at, meaning in enumerate(meanings):
        if meaning in these:
            last_one = at
        if meaning in those:
            last_other = at
        if last_one >= 0 and last_other >= 0 and abs(last_one - last_other) <= distance:
            return True
    return False
