"""`mailbot discover DATABASE`: a proposed data map, from a schema and a few sampled rows."""

import argparse
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mailbot.config import default_path, load
from mailbot.datamap import Database, DataMap
from mailbot.errors import ConfigError, Permanent, Problem
from mailbot.terminal import working
from mailbot.wiring import discovered_in, discovered_of

if TYPE_CHECKING:
    from mailbot.wiring import Discovered

Environ = Mapping[str, str]


def discover(config: Path | None, environ: Environ, options: argparse.Namespace) -> int:
    """Print the data map with the proposal in it, or write it (`--write`). A URL needs no
    configuration and gives a map of its own."""
    names: list[str] = list(options.database)
    urls = [name for name in names if "://" in name]
    if urls and len(urls) < len(names):
        raise _usage("a URL and the name of a database do not go together", "give one kind")
    if urls:
        if options.write:
            raise _usage("--write needs a database that is configured", "name it in datamap.toml")
        new = [_from_url(url, place) for place, url in enumerate(urls, start=1)]
        datamap = DataMap(database=tuple(new))
        with working() as say:
            found = discovered_of(
                new, datamap, [part.name for part in new], _own_url(urls, new), say
            )
        text = found.merged("", DataMap(), [(part.name, _shown(part)) for part in new])
        return _print(text, found, new, options.json)
    path = config or default_path(environ)
    settings = load(path, environ)
    known = {part.name: part for part in settings.datamap.database}
    for name in names:
        if name not in known:
            listed = ", ".join(known) or "none is configured"
            raise _usage(f"there is no database {name!r} in the data map", f"name one of: {listed}")
    with working() as say:
        found = discovered_in(settings, environ, names, say)
    place = path.parent / _datamap_name(path)
    text = place.read_bytes().decode("utf-8-sig")
    whole = found.merged(text, settings.datamap)
    chosen = [known[name] for name in names]
    if not options.write:
        return _print(whole, found, chosen, options.json)
    _replace(place, whole)
    print("\n".join(_notes(found, chosen)))
    print(f"written: {place.name}; read it, then run `mailbot check-config --online`")
    return 0


def _datamap_name(path: Path) -> str:
    import tomllib

    keys = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    return str(keys.get("datamap", "datamap.toml"))


def _usage(what: str, remedy: str) -> ConfigError:
    return ConfigError([Problem("discover", what, remedy)])


def _from_url(url: str, place: int) -> Database:
    """A database that is not configured, named after its file or database."""
    tail = re.split(r"[/\\]", url.partition("?")[0].rstrip("/"))[-1].rpartition("@")[2]
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(tail).stem).strip("-_")[:40]
    return Database.model_validate({"name": name or f"database{place}", "read_url": url})


def _own_url(urls: Sequence[str], new: Sequence[Database]) -> Mapping[str, str]:
    return {part.name: url for part, url in zip(new, urls, strict=True)}


def _shown(part: Database) -> str:
    """The URL as it may stand in a file: without its password."""
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1@", part.read_url)


def _notes(found: "Discovered", databases: Sequence[Database]) -> Iterator[str]:
    """What a person must add, and the database users that mailbot needs."""
    if found.proposal.todo:
        yield "What a person must still add or confirm:"
        yield from (f"- {line}" for line in found.proposal.todo)
    for part in databases:
        name = part.read_url.partition("?")[0].rpartition("/")[2]
        lines = found.grants(part.name, name)
        if lines:
            yield ""
            yield f"Users and rights for {part.name}:"
            yield from lines


def _print(text: str, found: "Discovered", databases: Sequence[Database], as_json: bool) -> int:
    if as_json:
        print(json.dumps(_document(found), ensure_ascii=False, indent=2))
        return 0
    print(text)
    for line in _notes(found, databases):
        print(f"# {line}".rstrip())
    return 0


def _document(found: "Discovered") -> dict[str, object]:
    """The proposal line by line, for programs."""
    return {
        "databases": [
            {
                "name": system,
                "tables": [
                    {
                        "name": block.table.label,
                        "is": block.kind.is_,
                        "where": block.where,
                        "confidence": round(block.kind.confidence, 2),
                        "why": block.kind.why,
                        "lines": [
                            {
                                "key": line.key,
                                "value": line.value,
                                "confidence": round(line.confidence, 2),
                                "why": line.why,
                                "confirm": not line.active,
                            }
                            for line in block.lines
                        ],
                    }
                    for block in blocks
                ],
            }
            for system, blocks in found.proposal.blocks.items()
        ],
        "own": {"domains": list(found.proposal.domains)},
        "key": {name: pattern for name, (pattern, _) in found.proposal.keys.items()},
        "todo": found.proposal.todo,
    }


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_bytes(text.encode())
        if path.exists():
            beside.chmod(path.stat().st_mode & 0o777)
        os.replace(beside, path)
    except OSError as error:
        raise Permanent(
            f"{path.name} cannot be written ({error.strerror}); run it as the file's"
            " owner, or take the lines from its output"
        ) from None
    finally:
        if beside.exists():
            beside.unlink()
