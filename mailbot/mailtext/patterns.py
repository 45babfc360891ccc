"""Phrases as they are written in decisions.toml: "[herved] (godkjent|godkjennes) [<way>]".

(a|b) is a choice, [a|b] may be missing, <name> stands for a part that is named elsewhere, and <*>
for a few words that mean nothing here. A pattern is matched against words, not characters.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

# Possessive: a word is never taken apart to make a pattern around it fit.
WORD = re.compile(r"[^\W_]++(?:['\u2019][^\W_]++)*+")
MAX_WILD = 4
_MAX_DEPTH = 8
_TOKEN = re.compile(r"[()\[\]|]|<\*>|<[a-z_]+>|[^\s()\[\]|<>]+")

Tokens = tuple[str, ...]


def fold(text: str) -> str:
    """Text as it is compared: compatibility forms unified, case folded, apostrophes straight."""
    plain = unicodedata.normalize("NFKC", text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return unicodedata.normalize("NFC", plain.casefold())


def tokens_of(text: str) -> Tokens:
    """The words of a text, folded."""
    return tuple(WORD.findall(fold(text)))


@dataclass(frozen=True, slots=True)
class Node:
    """A piece of a pattern. kind: word | wild | all (one after the other) | any (one of them)."""

    kind: str
    word: str = ""
    parts: tuple["Node", ...] = ()


WILD = Node("wild")
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
        if token == "<*>":
            parts.append(WILD)
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


def can_be_empty(node: Node) -> bool:
    """Whether no word at all fits the pattern."""
    match node.kind:
        case "all":
            return all(can_be_empty(part) for part in node.parts)
        case "any":
            return any(can_be_empty(part) for part in node.parts)
    return False


def first_words(node: Node) -> frozenset[str]:
    """The words that a fitting text may begin with."""
    match node.kind:
        case "word":
            return frozenset({node.word})
        case "any":
            return frozenset().union(*(first_words(part) for part in node.parts))
        case "all":
            found: frozenset[str] = frozenset()
            for part in node.parts:
                found |= first_words(part)
                if not can_be_empty(part):
                    break
            return found
    return frozenset()


def ends(node: Node, words: Sequence[str], at: int, wild_until: Sequence[int]) -> frozenset[int]:
    """Where a pattern that begins at `at` may end. `wild_until`: for each place, the end of the
    run of meaningless words that begins there."""
    match node.kind:
        case "word":
            return frozenset({at + 1}) if at < len(words) and words[at] == node.word else _NONE
        case "wild":
            last = wild_until[at] if at < len(wild_until) else at
            return frozenset(range(at + 1, min(last, at + MAX_WILD) + 1))
        case "any":
            return frozenset().union(*(ends(part, words, at, wild_until) for part in node.parts))
    places = frozenset({at})
    for part in node.parts:
        places = frozenset().union(*(ends(part, words, here, wild_until) for here in places))
        if not places:
            break
    return places


_NONE: frozenset[int] = frozenset()
