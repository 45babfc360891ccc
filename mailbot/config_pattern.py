"""Whether a regular expression from the configuration may be let loose on hostile text.

Python's engine backtracks: a pattern can try each way in which its repetitions may share out a
text. The ways are counted from the pattern alone; a pattern with too many is refused.
"""

import re
from dataclasses import dataclass

LONGEST_PATTERN = 200
_MOST_WAYS = 500  # so that one open-ended quantifier passes and two do not
_UNBOUNDED = 64  # as many repetitions as an open-ended quantifier counts for


class BadPattern(ValueError):
    """The text is one sentence on what is wrong with a pattern."""


@dataclass(slots=True)
class _Reader:
    """Walks through a pattern once, multiplying the ways of what follows one another."""

    pattern: str
    place: int = 0

    def alternatives(self) -> int:
        """The ways of everything up to the end or the closing bracket: branches add up."""
        total, ways = 0, 1
        while self.place < len(self.pattern) and self.pattern[self.place] != ")":
            if self.pattern[self.place] == "|":
                total, ways = total + ways, 1
                self.place += 1
            else:
                ways *= self.repeated(self.atom())
            if ways > _MOST_WAYS:
                raise BadPattern("it can be matched in too many ways; bound its repetitions")
        return total + ways

    def atom(self) -> int:
        """The ways of one sign, class or group, without its quantifier."""
        sign = self.pattern[self.place]
        self.place += 1
        if sign == "\\":
            if self.pattern[self.place].isdigit() and self.pattern[self.place] != "0":
                raise BadPattern("it refers back to a group; write the group out")
            self.place += 1
        elif sign == "[":
            self._skip_class()
        elif sign == "(":
            return self._group()
        return 1

    def repeated(self, ways: int) -> int:
        """The ways of an atom together with the quantifier after it, if there is one."""
        least, most = self._quantifier()
        if most <= 1:
            return ways + (least == 0)
        each = int(ways**most)
        if ways > 1 and each > _MOST_WAYS:
            raise BadPattern("a repeated group holds choices of its own; write them side by side")
        return (most - least + 1) * each

    def _quantifier(self) -> tuple[int, int]:
        found = _QUANTIFIER.match(self.pattern, self.place)
        if found is None:
            return 1, 1
        self.place = found.end()
        sign, low, comma, high = found.groups()
        if sign:
            return (0, 1) if sign == "?" else (sign == "+", _UNBOUNDED)
        least = int(low or 0)
        most = least if not comma else int(high) if high else least + _UNBOUNDED
        if most > 1000:
            raise BadPattern("it repeats more than a thousand times; no key is so long")
        return least, most

    def _skip_class(self) -> None:
        if self.pattern[self.place] == "^":
            self.place += 1
        self.place += 1  # a bracket that comes first is a sign like any other
        while self.pattern[self.place] != "]":
            self.place += 2 if self.pattern[self.place] == "\\" else 1
        self.place += 1

    def _group(self) -> int:
        found = _GROUP.match(self.pattern, self.place)
        if found is None:
            raise BadPattern("it holds a group of a kind that keys do not need; write (?:…)")
        self.place = found.end()
        ways = self.alternatives()
        self.place += 1  # the closing bracket
        return ways


_QUANTIFIER = re.compile(r"(?:([*+?])|\{(\d*)(,?)(\d*)\})[?+]?")
# Plain, named and non-capturing groups, and looking ahead or behind.
_GROUP = re.compile(r"(?:\?(?:P<\w+>|:|=|!|<=|<!))?(?!\?)")


def check_pattern(pattern: str) -> None:
    """Raise BadPattern unless a key's pattern is sound, bounded and matches more than nothing."""
    if not pattern:
        raise BadPattern("it is empty")
    if len(pattern) > LONGEST_PATTERN:
        raise BadPattern(f"it is longer than {LONGEST_PATTERN} signs")
    try:
        compiled = re.compile(f"(?:{pattern})", re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        reason = getattr(error, "msg", "too large")
        raise BadPattern(f"it is no regular expression ({reason})") from None
    _Reader(pattern).alternatives()
    if compiled.fullmatch(""):
        raise BadPattern("it also matches nothing at all, and would find a key everywhere")
