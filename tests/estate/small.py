"""Small SQLite databases for one question each: a script, a map, and what is found."""

import sqlite3
import tomllib
from collections.abc import Mapping
from pathlib import Path

from mailbot.case import Key, Subject
from mailbot.datamap import DataMap
from mailbot.record import Certainty, Finding, SearchResult
from mailbot.sources import AllSources
from tests.estate.build import opened


def sources(folder: Path, map_text: str, **scripts: str) -> AllSources:
    """Databases made by SQL scripts, by name, under one map."""
    urls = {}
    for name, script in scripts.items():
        path = folder / f"{name}.db"
        path.unlink(missing_ok=True)
        with sqlite3.connect(path) as connection:
            connection.executescript(script)
        connection.close()
        urls[name] = f"sqlite:///{path}"
    return opened(DataMap.model_validate(tomllib.loads(map_text)), urls)


def person(language: str = "nb", **keys: str) -> Subject:
    """A subject with proven keys."""
    return Subject(
        keys=tuple(
            Key(kind=kind, value=value, origin="staff", verified=True)
            for kind, value in keys.items()
        ),
        language=language,
    )


def rows(result: SearchResult, certainty: Certainty = Certainty.CERTAIN) -> set[tuple[str, object]]:
    """(table, id) of what was found."""
    return {
        (finding.table, next(iter(finding.key.values())))
        for finding in result.findings
        if finding.certainty is certainty
    }


def by_table(result: SearchResult) -> Mapping[str, Finding]:
    """The findings, one per table."""
    return {finding.table: finding for finding in result.findings}
