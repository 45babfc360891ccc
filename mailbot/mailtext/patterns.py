"""Phrases as they are written in decisions.toml: "[herved] (godkjent|godkjennes) [<way>]".

(a|b) is a choice, [a|b] may be missing, <name> stands for a part that is named elsewhere, <*> for a
few words that mean nothing here and <**> for more of them. A pattern is matched against words, not
characters.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

# Possessive: a word is never taken apart to make a pattern around it fit.
WORD = re.compile(r"[^\W_]++(?:['\u2019][^\W_]++)*+")
MAX_WILD = {"<*>": 4, "<**>": 14}  # words that a wild card may stand for
_MAX_DEPTH = 8
_TOKEN = re.compile(r"[()\[\]|]|<\*\*?>|<[a-z_]+>|[^\s()\[\]|<>]+")

Tokens = tuple[str, ...]


def fold(text: str) -> str:
    """Text as it is compared: compatibility forms unified, case folded, apostrophes straight."""
    plain = unicodedata.normalize("NFKC", text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return unicodedata.normalize("NFC", plain.casefold())


def tokens_of(text: str) -> Tokens:
    """The words of a text, folded."""
    return tuple(WORD.findall(fold(text)))


_PLAIN = str.maketrans(
    {"æ": "a", "ø": "o", "å": "a", "ä": "a", "ö": "o", "ü": "u", "ß": "s", "é": "e", "è": "e"}
)
_PAIRS = (("ae", "a"), ("oe", "o"), ("ue", "u"), ("aa", "a"), ("ss", "s"))


def bare(word: str) -> str:
    """A word without its diacritics, however they are written round: "godkänt", "godkaent" and
    "godkant" are the same. Only to be compared with another word made bare."""
    plain = word.translate(_PLAIN)
    for pair, one in _PAIRS:
        plain = plain.replace(pair, one)
    return plain


@dataclass(frozen=True, slots=True)
class Node:
    """A piece of a pattern. kind: word | wild | all (one after the other) | any (one of them).

    empty: whether no word at all fits it. first: the words that a fitting text may begin with;
    wild: whether it may begin with any word. These are worked out once; they make matching quick.
    """

    kind: str
    word: str = ""
    parts: tuple["Node", ...] = ()
    empty: bool = field(init=False, compare=False)
    first: frozenset[str] = field(init=False, compare=False)
    wild: bool = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Work out how a fitting text may begin."""
        opening: list[Node] = []
        if self.kind == "any":
            opening = list(self.parts)
        for part in self.parts if self.kind == "all" else ():
            opening.append(part)
            if not part.empty:
                break
        first = {self.word} if self.kind == "word" else set().union(*(p.first for p in opening))
        set_once = object.__setattr__
        set_once(self, "first", frozenset(first))
        set_once(self, "wild", self.kind == "wild" or any(part.wild for part in opening))
        if self.kind == "all":
            set_once(self, "empty", all(part.empty for part in self.parts))
        else:
            set_once(self, "empty", any(part.empty for part in self.parts))


_NOTHING = Node("all")


def read_pattern(text: str, named: Mapping[str, Node]) -> Node:
    """The pattern that a text describes. Raises ValueError for one that makes no sense."""
    tokens = _TOKEN.findall(text)
    node, end = _choice(tokens, 0, named, 0)
    if end != len(tokens):
        raise ValueError(f"the brackets of {text[:60]!r} do not match")
    return node


def _choice(
    tokens: Sequence[str], at: int, named: Mapping[str, Node], depth: int
) -> tuple[Node, int]:
    if depth > _MAX_DEPTH:
        raise ValueError("a phrase nests too deeply")
    choices: list[Node] = []
    while True:
        node, at = _sequence(tokens, at, named, depth)
        choices.append(node)
        if at >= len(tokens) or tokens[at] != "|":
            break
        at += 1
    return (choices[0] if len(choices) == 1 else Node("any", parts=tuple(choices))), at


def _sequence(
    tokens: Sequence[str], at: int, named: Mapping[str, Node], depth: int
) -> tuple[Node, int]:
    parts: list[Node] = []
    while at < len(tokens) and tokens[at] not in ("|", ")", "]"):
        token = tokens[at]
        if token in ("(", "["):
            inner, at = _choice(tokens, at + 1, named, depth + 1)
            if at >= len(tokens) or tokens[at] != (")" if token == "(" else "]"):
                raise ValueError("the brackets of a phrase do not match")
            parts.append(inner if token == "(" else Node("any", parts=(inner, _NOTHING)))
            at += 1
            continue
        if token in MAX_WILD:
            parts.append(Node("wild", token))
        elif token.startswith("<"):
            if token[1:-1] not in named:
                raise ValueError(f"{token} is not among [parts]")
            parts.append(named[token[1:-1]])
        else:
            parts += [Node("word", word) for word in tokens_of(token)]
        at += 1
    return (parts[0] if len(parts) == 1 else Node("all", parts=tuple(parts))), at


def words_of(node: Node) -> Iterator[str]:
    """Every word that a pattern may use."""
    if node.kind == "word":
        yield node.word
    for part in node.parts:
        yield from words_of(part)


def has_wild(node: Node) -> bool:
    """Whether a wild card is in a pattern."""
    return node.kind == "wild" or any(has_wild(part) for part in node.parts)


def ends(node: Node, words: Sequence[str], at: int, wild_until: Sequence[int]) -> frozenset[int]:
    """Where a pattern that begins at `at` may end. `wild_until`: for each place, the end of the
    run of meaningless words that begins there."""
    match node.kind:
        case "word":
            return frozenset({at + 1}) if at < len(words) and words[at] == node.word else _NONE
        case "wild":
            last = wild_until[at] if at < len(wild_until) else at
            return frozenset(range(at + 1, min(last, at + MAX_WILD[node.word]) + 1))
        case "any":
            word = words[at] if at < len(words) else ""
            fitting = (part for part in node.parts if part.empty or part.wild or word in part.first)
            return frozenset().union(*(ends(part, words, at, wild_until) for part in fitting))
    places = frozenset({at})
    for part in node.parts:
        if len(places) == 1:
            places = ends(part, words, next(iter(places)), wild_until)
        else:
            places = frozenset().union(*(ends(part, words, here, wild_until) for here in places))
        if not places:
            break
    return places


_NONE: frozenset[int] = frozenset()
