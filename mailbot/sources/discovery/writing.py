"""A proposal as TOML that people read: one line for each decision, with how sure it is and why."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from mailbot.sources.discovery.entries import Block, Line
from mailbot.sources.discovery.proposal import Proposal

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_WIDE = 72  # where the reasons begin


def value_of(value: object) -> str:
    """A value as TOML writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            if "\\" in value and "'" not in value and value.isprintable():
                return f"'{value}'"
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case Mapping():
            inner = ", ".join(f"{key_of(str(k))} = {value_of(v)}" for k, v in value.items())
            return f"{{ {inner} }}" if inner else "{}"
        case Sequence():
            return f"[{', '.join(value_of(one) for one in value)}]"
    raise TypeError(f"no TOML for {type(value).__name__}")


def key_of(name: str) -> str:
    """One part of a key, quoted where it must be."""
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def dotted(key: str) -> str:
    """ "read.my col" is read."my col": the first part is the map's own word."""
    head, dot, rest = key.partition(".")
    return f"{head}.{key_of(rest)}" if dot else head


def reason(confidence: float, why: str) -> str:
    """ "95 %: by its name", on one line."""
    return f"{round(confidence * 100)} %: {_plain(why)}"


def _plain(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _line(text: str, note: str) -> str:
    return f"{text.ljust(_WIDE)} # {note}" if note else text


def entry(block: Block) -> Iterator[str]:
    """The lines of one [[database.table]]."""
    yield "[[database.table]]"
    yield f"name = {value_of(block.table.label)}"
    if block.kind.is_ != "about":
        yield _line(
            f"is = {value_of(block.kind.is_)}", reason(block.kind.confidence, block.kind.why)
        )
    else:
        yield _line('is = "about"', reason(block.kind.confidence, block.kind.why))
    if block.where:
        yield f"where = {value_of(block.where)}"
    joins = [line for line in block.lines if line.key == "join"]
    for line in block.lines:
        if line.key != "join":
            yield written(line)
    if any(line.active for line in joins):
        yield "join = ["
        for line in joins:
            text = f"  {'' if line.active else '# '}{value_of(line.value)},"
            yield _line(text, reason(line.confidence, line.why))
        yield "]"
    else:
        for line in joins:
            yield _line(f"# join = [{value_of(line.value)}]", reason(line.confidence, line.why))


def written(line: Line) -> str:
    """One line of an entry; a comment where a person must confirm it."""
    text = f"{dotted(line.key)} = {value_of(line.value)}"
    return _line(text if line.active else f"# {text}", reason(line.confidence, line.why))


def general(
    proposal: Proposal, domains: Sequence[str], keys: Sequence[str]
) -> dict[str, list[str]]:
    """Lines for [own] and [key], beside what stands there (`domains`, `keys`)."""
    found: dict[str, list[str]] = {}
    new = [domain for domain in proposal.domains if domain not in domains]
    if new:
        why = "; ".join(f"{domain}: {proposal.domains[domain]}" for domain in new)
        found["own"] = [_line(f"domains = {value_of([*domains, *new])}", _plain(why))]
    for kind, (pattern, why) in proposal.keys.items():
        if kind not in keys:
            spec = {"pattern": pattern, "ignore": " -"}
            found.setdefault("key", []).append(_line(f"{key_of(kind)} = {value_of(spec)}", why))
    return found
