"""A proposal put into the text of an existing data map: lines are added, none is changed or lost.

What a person has written stays as it stands, byte for byte and in order. Tables that the map does
not know are added at the end of their database; what is new about a known table is added to its
entry as a comment. The result must read as the old map with additions, else nothing is written.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mailbot.datamap import DataMap
from mailbot.errors import ConfigError, Problem
from mailbot.sources.discovery.entries import Block, Line
from mailbot.sources.discovery.proposal import Proposal
from mailbot.sources.discovery.writing import entry, general, value_of, written
from mailbot.sources.reading import parse

_HEADER = re.compile(r"\s*\[{1,2}\s*([^\]]*?)\s*\]{1,2}\s*(?:#.*)?$")


@dataclass(slots=True)
class _Part:
    """A stretch of lines under one header: "database", "database.table", "own" or "" before any."""

    name: str
    start: int
    end: int = 0
    document: dict[str, Any] = field(default_factory=dict)


def merged(
    text: str, proposal: Proposal, datamap: DataMap, new: Sequence[tuple[str, str]] = ()
) -> str:
    """The text of a data map with a proposal added. `new`: name and URL of databases not in it yet.

    Raises ConfigError if the text is written in a way that nothing can be added to.
    """
    lines = _lines(text)
    parts = _parts(lines)
    adds: dict[int, list[str]] = {}
    extra: dict[str, list[str]] = {"own": [], "key": []}
    for section, found in general(proposal, datamap.own.domains, list(datamap.key)).items():
        extra[section] = found
    _add_general(lines, parts, extra, adds, has_domains=_says_domains(text))
    for system, blocks in proposal.blocks.items():
        place = _end_of(parts, system)
        if place is None:
            continue
        known = _known(datamap, system)
        fresh = [block for block in blocks if block.table.label not in known]
        if fresh and _is_inline(text, system):
            raise _inline(system)
        for block in blocks:
            if block.table.label in known:
                _add_news(lines, parts, system, block, datamap, adds)
        adds.setdefault(place, []).extend(line for block in fresh for line in ("", *entry(block)))
    result: list[str] = []
    for number, line in enumerate([*lines, None]):
        result += adds.get(number, [])
        if line is not None:
            result.append(line)
    for name, url in new:
        result += ["", "[[database]]", f"name = {value_of(name)}", f"read_url = {value_of(url)}"]
        result += [line for block in proposal.blocks.get(name, ()) for line in ("", *entry(block))]
    ending = "\r\n" if "\r\n" in text else "\n"
    whole = ending.join(result).strip("\r\n") + ending
    _verify(text, whole)
    return whole


def _lines(text: str) -> list[str]:
    """The lines of TOML, which only line feeds end (a comment may hold other such signs)."""
    return text.replace("\r\n", "\n").split("\n")


def _parts(lines: Sequence[str]) -> list[_Part]:
    """The stretches of a file by header. Headers inside texts of several lines are none."""
    inside = _inside_texts(lines)
    found = [_Part("", 0)]
    for number, line in enumerate(lines):
        header = None if inside[number] else _HEADER.match(line)
        if header and line.lstrip().startswith("["):
            found[-1].end = number
            found.append(_Part(re.sub(r"\s|\"|'", "", header.group(1)), number))
    found[-1].end = len(lines)
    for part in found:
        body = "\n".join(lines[part.start + (part.name != "") : part.end])
        try:
            part.document = tomllib.loads(body)
        except tomllib.TOMLDecodeError:
            part.document = {}
    return found


def _inside_texts(lines: Sequence[str]) -> list[bool]:
    """Whether each line begins inside a text of several lines or a list that is not closed."""
    found: list[bool] = []
    quote, depth = "", 0
    for line in lines:
        found.append(bool(quote) or depth > 0)
        place = 0
        while place < len(line):
            three = line[place : place + 3]
            if quote:
                if line.startswith(quote, place) and not (
                    quote[0] == '"' and line[place - 1 : place] == "\\"
                ):
                    place += len(quote)
                    quote = ""
                    continue
            elif three in ('"""', "'''"):
                quote, place = three, place + 3
                continue
            elif line[place] in "\"'":
                quote = line[place]
            elif line[place] == "#":
                break
            elif line[place] in "[{":
                depth += 1
            elif line[place] in "]}":
                depth -= 1
            place += 1
        if len(quote) == 1:
            quote = ""
        if not quote and _HEADER.match(line) and not found[-1]:
            depth = 0
    return found


def _end_of(parts: Sequence[_Part], system: str) -> int | None:
    """The line before which tables of a database are added; None if it is not in the file."""
    end: int | None = None
    within = False
    for part in parts:
        if part.name == "database":
            within = part.document.get("name") == system
        elif not part.name.startswith("database."):
            within = False
        if within:
            end = part.end
    if end is None:
        return None
    return end


def _known(datamap: DataMap, system: str) -> set[str]:
    return {table.name for part in datamap.database if part.name == system for table in part.table}


def _is_inline(text: str, system: str) -> bool:
    """Whether a database's tables are written as table = [{…}], to which no [[…]] can be added."""
    return any(
        part.name == "database" and part.document.get("name") == system and "table" in part.document
        for part in _parts(_lines(text))
    )


def _inline(system: str) -> ConfigError:
    problem = Problem(
        f"datamap.toml: database {system}: table",
        "is written as a list on one line, to which nothing can be added",
        "write each table under a [[database.table]] of its own",
    )
    return ConfigError([problem])


def _says_domains(text: str) -> bool:
    document = tomllib.loads(text)
    return "domains" in document.get("own", {})


def _add_general(
    lines: Sequence[str],
    parts: Sequence[_Part],
    extra: dict[str, list[str]],
    adds: dict[int, list[str]],
    has_domains: bool,
) -> None:
    for section, found in extra.items():
        if not found:
            continue
        if section == "own" and has_domains:
            found = [f"# {line}" for line in found]
        found = [line for line in found if line not in lines]
        if not found:
            continue
        part = next((part for part in parts if part.name == section), None)
        if part is None:
            first = next((part.start for part in parts if part.name), len(lines))
            before = adds.setdefault(first, [])
            before += [f"[{section}]", *found, ""]
        else:
            adds.setdefault(part.start + 1, []).extend(found)


def _add_news(
    lines: Sequence[str],
    parts: Sequence[_Part],
    system: str,
    block: Block,
    datamap: DataMap,
    adds: dict[int, list[str]],
) -> None:
    """What is new about a table that the map knows, as comments at the end of its entry."""
    part = _part_of(parts, system, block.table.label)
    if part is None:
        return
    news = [text for text in _news(system, block, datamap) if text not in lines]
    end = part.end
    while end > part.start + 1 and not lines[end - 1].strip():
        end -= 1
    if news:
        adds.setdefault(end, []).extend(news)


def _part_of(parts: Sequence[_Part], system: str, table: str) -> _Part | None:
    within = False
    found = None
    for part in parts:
        if part.name == "database":
            within = part.document.get("name") == system
        if within and part.name == "database.table":
            found = part if part.document.get("name") == table else None
            if found:
                return _with_children(parts, found)
    return None


def _with_children(parts: Sequence[_Part], part: _Part) -> _Part:
    """An entry together with the [database.table.…] and [[database.table.…]] below it."""
    place = list(parts).index(part)
    end = part.end
    for below in parts[place + 1 :]:
        if not below.name.startswith("database.table."):
            break
        end = below.end
    return _Part(part.name, part.start, end, part.document)


def _news(system: str, block: Block, datamap: DataMap) -> Iterator[str]:
    """Columns and references that no entry of the table mentions yet, as comments."""
    specs = [
        t
        for d in datamap.database
        if d.name == system
        for t in d.table
        if t.name == block.table.label
    ]
    shape = block.table.shape
    mentioned = {
        leaf.column
        for spec in specs
        for texts in (
            *spec.identify.values(),
            *spec.personal.values(),
            tuple(spec.read),
            spec.volatile,
            tuple(column for join in spec.join for column in join.columns),
            tuple(column for values in spec.set.values() for column in values),
            (str(spec.source.get("column", "")),),
        )
        for text in texts
        for leaf in parse(text, shape.columns) or ()
    }
    if all(spec.is_ == "none" for spec in specs):
        return
    for line in block.lines:
        if not line.active:
            continue
        fresh = _fresh(line, mentioned, shape.columns)
        if fresh is not None:
            text = (
                written(fresh)
                if fresh.key != "join"
                else written(Line("join", [fresh.value], fresh.confidence, fresh.why))
            )
            yield f"# new: {text}"


def _fresh(line: Line, mentioned: set[str], columns: Any) -> Line | None:
    """The part of a line that speaks of columns which the map does not mention."""
    head, _, rest = line.key.partition(".")
    if head == "read":
        return None if rest in mentioned else line
    if head == "join":
        assert isinstance(line.value, dict)
        return None if set(line.value["columns"]) <= mentioned else line
    if head == "source":
        return None if line.value in mentioned else line
    values = [line.value] if isinstance(line.value, str) else line.value
    assert isinstance(values, list)
    new = [
        t for t in values if not any(leaf.column in mentioned for leaf in parse(t, columns) or ())
    ]
    return Line(line.key, new, line.confidence, line.why) if new else None


def _verify(old: str, new: str) -> None:
    """The new text reads as the old with additions, and every old line is still there, in order."""
    rest = iter(_lines(new))
    if not all(any(line == other for other in rest) for line in _lines(old) if line.strip()):
        raise _failed()
    try:
        before, after = tomllib.loads(old), tomllib.loads(new)
    except tomllib.TOMLDecodeError:
        raise _failed() from None
    if not _within(before, after):
        raise _failed()


def _within(old: object, new: object) -> bool:
    if isinstance(old, dict):
        return isinstance(new, dict) and all(
            k in new and _within(v, new[k]) for k, v in old.items()
        )
    if isinstance(old, list) and old and all(isinstance(one, dict) for one in old):
        return isinstance(new, list) and len(new) >= len(old) and all(map(_within, old, new))
    return old == new


def _failed() -> ConfigError:
    problem = Problem(
        "datamap.toml",
        "is written in a way that the proposal cannot be added to without a change",
        "take the lines from `mailbot discover` by hand",
    )
    return ConfigError([problem])
