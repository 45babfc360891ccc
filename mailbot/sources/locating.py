"""From a data subject to findings, over one database or all of them."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Protocol

from mailbot.case import Subject
from mailbot.datamap import DataMap
from mailbot.record import NotSearched, Row, SearchResult, Value
from mailbot.sources.finding import Describer, depths, learnt_keys
from mailbot.sources.keeping import Keeper
from mailbot.sources.mapping import Place
from mailbot.sources.matching import Rules
from mailbot.sources.searching import Database, Found, Watch, search


class Searchable(Database, Protocol):
    """A database that can be searched, asked for single rows, and perhaps changed."""

    @property
    def writable(self) -> bool:
        """Whether anything can be changed here."""

    def lookup(self, table: str, column: str, value: Value) -> Sequence[Row]:
        """Rows of any table by one column."""


def locate(
    databases: Sequence[Searchable],
    datamap: DataMap,
    subject: Subject,
    today: date,
    watch: Watch = lambda *_: None,
) -> SearchResult:
    """Every record of the person in these databases, and what could not be searched."""
    rules = Rules(datamap)
    stated = rules.wanted(subject.keys)
    found = search(databases, rules, stated, watch)
    by_name = {database.name: database for database in databases}
    judge = found.judge

    def lookup(system: str, table: str, column: str, value: Value) -> Sequence[Row]:
        database = by_name.get(system)
        return database.lookup(table, column, value) if database else ()

    writable = {database.name: database.writable for database in databases}
    unsearched = judge.known.unread | _absent(datamap, by_name.keys())
    keeper = Keeper(judge.facts, judge, today, writable, unsearched)
    order = depths(judge.facts.mapped.values())
    describer = Describer(judge, keeper, lookup, subject.language, order, found.piles)
    return SearchResult(
        findings=describer.findings(),
        searched=found.searched,
        not_searched=found.not_searched + _own_keys(rules, subject, found),
        learnt=learnt_keys(judge),
        seconds=found.seconds,
    )


def _absent(datamap: DataMap, present: Collection[str]) -> frozenset[Place]:
    """Databases of the map that take no part in this search."""
    return frozenset((part.name, "") for part in datamap.database if part.name not in present)


def _own_keys(rules: Rules, subject: Subject, found: Found) -> tuple[NotSearched, ...]:
    """Keys that were not searched because they are the organisation's: said, never hidden."""
    stated = rules.readable(subject.keys)
    left_out = len(stated - found.judge.keys)
    if not left_out:
        return ()
    why = f"{left_out} of the keys given belong to the organisation itself or its staff"
    return tuple(NotSearched(system=name, why=why) for name in found.searched)
