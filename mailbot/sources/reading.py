"""From a stored value to what it says: columns, pairs of columns, leaves of JSON, odd encodings."""

import codecs
import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from urllib.parse import unquote

from mailbot.record import Row, Typed, Value, plain, to_value

FILLED = "*"  # in a condition of the data map: any value at all
LONGEST = 1_000_000  # characters of one value that are looked at
_DEEPEST = 40  # levels of JSON
_SEGMENT = re.compile(r"\.?([^.\[\]]+)|\[([^\[\]]*)\]")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A column, or the leaves of the JSON in it that a path names."""

    column: str
    path: tuple[str, ...] = ()  # "felt", "[k=Tlf]", "[0]", "[]", "v"


Expression = tuple[Leaf, ...]  # one key made of one or more columns


def parse(text: str, columns: Collection[str]) -> Expression | None:
    """The meaning of a column name in the data map; None if a column of it does not exist."""
    if text in columns:
        return (Leaf(text),)
    leaves = [_leaf(part, columns) for part in _apart(text)]
    found = tuple(leaf for leaf in leaves if leaf is not None)
    return found if found and len(found) == len(leaves) else None


def _apart(text: str) -> list[str]:
    """Split at spaces, but not inside [k=Some words]."""
    return re.findall(r"(?:\[[^\[\]]*\]|[^\s\[\]])+", text)


def _leaf(text: str, columns: Collection[str]) -> Leaf | None:
    if text in columns:
        return Leaf(text)
    fitting = [name for name in columns if text.startswith((f"{name}.", f"{name}["))]
    if not fitting:
        return None
    column = max(fitting, key=len)
    rest = text[len(column) :]
    path: list[str] = []
    place = 0
    while place < len(rest):
        step = _SEGMENT.match(rest, place)
        if step is None or step.end() == place:
            return None
        path.append(step.group(1) if step.group(1) is not None else f"[{step.group(2)}]")
        place = step.end()
    return Leaf(column, tuple(path))


def texts(leaf: Leaf, row: Row, encoding: str = "") -> Iterator[str]:
    """Every text that a leaf shows in a row."""
    value = row.get(leaf.column)
    if value is None:
        return
    if not leaf.path:
        yield decoded(value, encoding)[:LONGEST]
        return
    for found in _walk(_document(value, encoding), leaf.path):
        yield from _leaves(found, 0)


def shown(value: Value, kind: str) -> str:
    """All that a `read` column shows, as one text. kind: text | json | list | text ENCODING."""
    if value is None:
        return ""
    encoding = kind.partition(" ")[2].strip()
    text = decoded(value, encoding)[:LONGEST]
    if kind.startswith("json") or (isinstance(value, Typed) and value.type == "json"):
        document = _document(value, encoding)
        if not isinstance(document, str):
            text = "\n".join(_leaves(document, 0))
    if kind.startswith("list"):
        text = re.sub(r"[,;|]", "\n", text)
    return _unescaped(text)


def _unescaped(text: str) -> str:
    """Addresses in HTML and in web addresses are addresses: ola&#64;…, ola%40…."""
    if "&" in text:
        text = unescape(text)
    return unquote(text) if "%40" in text else text


def decoded(value: Value, encoding: str = "") -> str:
    """Text of a value; octets are read in the given encoding, else as UTF-8, else as Latin-1."""
    if isinstance(value, Typed) and value.type == "bytes":
        octets = bytes.fromhex(value.text)
        for name in (encoding, "utf-8"):
            if name:
                try:
                    return octets.decode(name)
                except (UnicodeDecodeError, LookupError):
                    continue
        return octets.decode("latin-1")
    return value if isinstance(value, str) else plain(value) or ""


def known_encoding(kind: str) -> bool:
    """Whether the encoding in "text ENCODING" is one that can be read."""
    name = kind.partition(" ")[2].strip()
    try:
        codecs.lookup(name or "utf-8")
    except LookupError:
        return False
    return True


def _document(value: Value, encoding: str) -> object:
    text = decoded(value, encoding)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text  # what claims to be JSON and is none is read as it stands


def _walk(node: object, path: tuple[str, ...]) -> Iterator[object]:
    if not path:
        yield node
        return
    step, rest = path[0], path[1:]
    for child in _children(node, step):
        yield from _walk(child, rest)


def _children(node: object, step: str) -> Iterator[object]:
    if not step.startswith("["):
        # A name on a list means that name in each of its members.
        members = node if isinstance(node, list) else [node]
        yield from (m[step] for m in members if isinstance(m, dict) and step in m)
        return
    inner = step[1:-1]
    if isinstance(node, dict) and inner in node:
        yield node[inner]
        return
    if not isinstance(node, list):
        return
    if inner in ("", "*"):
        yield from node
    elif inner.isdigit():
        yield from node[int(inner) : int(inner) + 1]
    elif "=" in inner:
        yield from (member for member in node if _fits(member, inner))


def _fits(member: object, condition: str) -> bool:
    name, _, wanted = condition.partition("=")
    if not isinstance(member, dict) or name.strip() not in member:
        return False
    found = member[name.strip()]
    return str(found).strip().casefold() == wanted.strip().strip("'\"").casefold()


def _leaves(node: object, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(node, dict):
        for name, child in node.items():
            if "@" in name or any(sign.isdigit() for sign in name):
                yield name  # {"ola@x.no": {…}}: a key of the person used as a key of the document
            yield from _leaves(child, depth + 1)
    elif isinstance(node, list):
        for child in node:
            yield from _leaves(child, depth + 1)
    elif isinstance(node, float) and node.is_integer():
        yield str(int(node))
    elif node is not None and not isinstance(node, bool):
        yield str(node)


def without_leaves(value: Value, paths: Collection[tuple[str, ...]]) -> str | None:
    """The JSON of a value with the named leaves set to null; None if it is no JSON."""
    document = _document(value, "")
    if not isinstance(document, dict | list):
        return None
    for path in paths:
        for parent in _walk(document, path[:-1]):
            _empty(parent, path[-1])
    return json.dumps(document, ensure_ascii=False, sort_keys=True)


def _empty(parent: object, step: str) -> None:
    members = parent if isinstance(parent, list) and not step.startswith("[") else [parent]
    for member in members:
        if isinstance(member, dict) and step.strip("[]") in member:
            member[step.strip("[]")] = None
        elif isinstance(member, list):
            for child in tuple(_children(member, step)):
                member[member.index(child)] = None


def fits(row: Row, where: Mapping[str, object]) -> bool:
    """Whether a row meets a condition of the data map (a list holds alternatives)."""
    for column, wanted in where.items():
        found = plain(row.get(column))
        allowed = wanted if isinstance(wanted, list | tuple) else [wanted]
        if FILLED in allowed:
            if found in (None, ""):
                return False
            continue
        if found not in [plain(to_value(one)) for one in allowed]:
            return False
    return True


def folded(text: str) -> str:
    """A text as collations that know neither case nor accents compare it."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def referred(value: Value) -> str | None:
    """A value as references compare it: plain, and a UUID kept as text in one case."""
    text = plain(value)
    return text.lower() if text and _UUID.fullmatch(text) else text


def asked_values(row: Row, columns: Iterable[str]) -> set[tuple[str, ...]]:
    """The values by which other rows may refer to a row, with and without the spaces at their end:
    one column may be padded and the other not. Empty: nothing can refer to it."""
    values = [row.get(column) for column in columns]
    bare = [referred(value) for value in values]
    if any(text in (None, "") for text in bare):
        return set()
    padded = (v if isinstance(v, str) else p or "" for v, p in zip(values, bare, strict=True))
    return {tuple(text or "" for text in bare), tuple(padded)}
