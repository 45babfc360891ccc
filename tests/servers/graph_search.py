"""Finding messages on the Graph-like server: `$search` in KQL, `$filter` in OData.

Words are matched whole, as an index does: part of a word is not found. More than 1,000 hits are
cut off without a word.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.servers.graph_store import Item, properties, stamp, text_of

MOST = 1_000
_PEOPLE = ("from", "sender", "toRecipients", "ccRecipients", "bccRecipients")
_TOKEN = re.compile(r"\s*(\(|\)|AND\b|OR\b|NOT\b|[a-zA-Z]+(?::|>=|<=|>|<)|\"[^\"]*\"|[^\s()]+)")


class BadQuery(ValueError):
    """What the server refuses with 400."""


def words(text: str) -> tuple[str, ...]:
    """The words of a text, as an index keeps them."""
    return tuple(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))


def found(items: Sequence[Item], search: str) -> list[Item]:
    """The hits of a `$search`, newest first, at most 1,000."""
    if len(search) < 2 or search[0] != '"' or search[-1] != '"':
        raise BadQuery("the expression must be a quoted string")
    inner = search[1:-1]
    if re.search(r'(?<!\\)"', inner):
        raise BadQuery("an unescaped quote")
    test = _Parser(inner.replace('\\"', '"').replace("\\\\", "\\")).parse()
    hits = [item for item in items if test(item)]
    hits.sort(key=lambda item: item.received, reverse=True)
    return hits[:MOST]


Test = Callable[[Item], bool]


class _Parser:
    """KQL as far as mail needs it: words, phrases, properties, AND, OR, NOT, brackets."""

    def __init__(self, text: str) -> None:
        self._tokens = _TOKEN.findall(text)
        if not self._tokens or len(text) > 4_000:
            raise BadQuery("an empty or too long expression")

    def parse(self) -> Test:
        test = self._any()
        if self._tokens:
            raise BadQuery("something is left over")
        return test

    def _any(self) -> Test:
        tests = [self._all()]
        while self._tokens[:1] == ["OR"]:
            self._tokens.pop(0)
            tests.append(self._all())
        return lambda item: any(test(item) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._tokens and self._tokens[0] not in ("OR", ")"):
            if self._tokens[0] == "AND":
                self._tokens.pop(0)
            tests.append(self._one())
        return lambda item: all(test(item) for test in tests)

    def _one(self) -> Test:
        if not self._tokens:
            raise BadQuery("something is missing")
        token = self._tokens.pop(0)
        if token == "NOT":
            inner = self._one()
            return lambda item: not inner(item)
        if token == "(":
            test = self._any()
            if self._tokens[:1] != [")"]:
                raise BadQuery("a bracket is not closed")
            self._tokens.pop(0)
            return test
        property_ = re.fullmatch(r"([a-zA-Z]+)(:|>=|<=|>|<)", token)
        if property_ and self._tokens:
            return _property(property_[1].lower(), property_[2], self._tokens.pop(0).strip('"'))
        wanted = words(token.strip('"'))
        if not wanted:
            raise BadQuery("no word to search for")
        return lambda item: _phrase(wanted, _index(item))


def _index(item: Item) -> tuple[str, ...]:
    if item.words is None:
        shown = properties(item)
        people = " ".join(_names(item, ("from",)))
        item.words = words(f"{shown.get('subject') or ''} \n {people} \n {text_of(item)}")
    return item.words


def _phrase(wanted: tuple[str, ...], there: tuple[str, ...]) -> bool:
    if wanted[0] not in there:
        return False
    length = len(wanted)
    return any(there[at : at + length] == wanted for at in range(len(there) - length + 1))


def _names(item: Item, fields: Sequence[str]) -> list[str]:
    shown = properties(item)
    people: list[Any] = []
    for name in fields:
        value = shown.get(name)
        people += value if isinstance(value, list) else [value] if value else []
    return [
        f"{one['emailAddress'].get('name', '')} {one['emailAddress'].get('address', '')}"
        for one in people
    ]


def _property(name: str, operator: str, value: str) -> Test:
    if name in ("received", "sent"):
        return _dated(operator, value)
    wanted = words(value)
    if not wanted:
        raise BadQuery("no word to search for")
    fields = {"participants": _PEOPLE, "from": ("from",), "to": ("toRecipients",)}.get(name)
    if fields:
        return lambda item: any(_phrase(wanted, words(one)) for one in _names(item, fields))
    if name == "subject":
        return lambda item: _phrase(wanted, words(properties(item).get("subject") or ""))
    if name == "attachment":
        return lambda item: _phrase(wanted, words(_file_names(item)))
    raise BadQuery(f"unknown property {name}")


def _file_names(item: Item) -> str:
    from tests.servers.graph_store import files_of

    if not properties(item).get("hasAttachments"):
        return ""
    return " | ".join(str(file["name"]) for file in files_of(item))


def _dated(operator: str, value: str) -> Test:
    first, dots, last = value.partition("..")
    compare: dict[str, Callable[[str, str], bool]] = {
        ">=": lambda day, limit: day >= limit,
        "<=": lambda day, limit: day <= limit,
        ">": lambda day, limit: day > limit,
        "<": lambda day, limit: day < limit,
        ":": lambda day, limit: day == limit,
    }
    for one in (first, last) if dots else (first,):
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", one):
            raise BadQuery("not a date")
    if dots:
        return lambda item: first <= _day(item) <= last
    return lambda item: compare[operator](_day(item), first)


def _day(item: Item) -> str:
    return item.received.astimezone(UTC).date().isoformat()


# --- OData filters, as far as mail has them

_RECEIVED = re.compile(r"receivedDateTime (ge|gt|le|lt) (\S+)")
_EQUAL = re.compile(r"(internetMessageId|from/emailAddress/address|subject) eq '((?:[^']|'')*)'")
_EXTENDED = re.compile(
    r"singleValueExtendedProperties/any\((\w+):\s*\1/id eq '([^']*)' and \1/value eq "
    r"'((?:[^']|'')*)'\)"
)

_CATEGORY = re.compile(r"categories/any\((\w+):\s*\1 eq '((?:[^']|'')*)'\)")


def filtered(items: Sequence[Item], expression: str) -> list[Item]:
    """The messages that a `$filter` lets through."""
    tests = [_test(part.strip()) for part in re.split(r"\band\b(?![^(]*\))", expression)]
    return [item for item in items if all(test(item) for test in tests)]


def _test(part: str) -> Test:
    if match := _RECEIVED.fullmatch(part):
        how, limit = match[1], match[2]
        datetime.fromisoformat(limit)
        return {
            "ge": lambda item: stamp(item.received) >= limit,
            "gt": lambda item: stamp(item.received) > limit,
            "le": lambda item: stamp(item.received) <= limit,
            "lt": lambda item: stamp(item.received) < limit,
        }[how]
    if match := _CATEGORY.fullmatch(part):
        name = match[2].replace("''", "'").casefold()
        return lambda item: any(one.casefold() == name for one in item.categories)
    if match := _EXTENDED.fullmatch(part):
        name, value = match[2].lower(), match[3].replace("''", "'")
        return lambda item: extended(item).get(name) == value
    if match := _EQUAL.fullmatch(part):
        name, value = match[1], match[2].replace("''", "'")
        if name == "from/emailAddress/address":
            return lambda item: (
                ((properties(item).get("from") or {}).get("emailAddress") or {})
                .get("address", "")
                .lower()
                == value.lower()
            )
        return lambda item: properties(item).get(name) == value
    raise BadQuery("InefficientFilter or not supported: " + part)


def extended(item: Item) -> dict[str, str]:
    """Extended properties; each x- header is one (MS-OXPROPS, PS_INTERNET_HEADERS)."""
    from tests.servers.graph_store import INTERNET_HEADERS

    headers = properties(item).get("internetMessageHeaders") or ()
    named = {
        f"string {INTERNET_HEADERS} name {one['name'].lower()}": one["value"]
        for one in headers
        if one["name"].lower().startswith("x-")
    }
    return {**named, **item.extended}
