"""All systems as one: searched side by side, keys learnt in one searched in the others."""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from mailbot.case import Key, Subject
from mailbot.datamap import DataMap
from mailbot.errors import Permanent
from mailbot.ports import Source
from mailbot.record import Finding, NotSearched, SearchResult
from mailbot.sources.edge import Edge
from mailbot.sources.locating import locate
from mailbot.sources.piling import Findings, in_order, place_of
from mailbot.sources.searching import Watch
from mailbot.sources.sql import SqlSource

_MOST_ROUNDS = 4
_DATABASES = "all databases"  # as one search; a system's name holds no space
Named = tuple[str, str]  # kind and value of a key
Search = Callable[[Subject], SearchResult]


@dataclass(slots=True)
class AllSources:
    """Every system of the data map. `patience_s`: how long one that is no database may search;
    `watch` is told what each one is at."""

    sources: Sequence[Source]
    datamap: DataMap
    today: Callable[[], date]
    patience_s: float = 120.0
    watch: Watch = lambda *_: None
    _by_name: Mapping[str, Source] = field(init=False)

    def __post_init__(self) -> None:
        self._by_name = {source.name: source for source in self.sources}

    def find(self, subject: Subject) -> SearchResult:
        """The union of what all sources found; a failing or hanging one becomes `not_searched`."""
        results: dict[str, SearchResult] = {}
        asked: dict[str, frozenset[Named]] = {}
        for _ in range(_MOST_ROUNDS):
            full = _with_learnt(subject, results.values())
            keys = frozenset((key.kind, key.value) for key in full.keys)
            searches = {
                name: search
                for name, search in self._searches().items()
                if name not in results or _may_find_more(results[name], keys - asked[name])
            }
            if not searches:
                break
            asked |= dict.fromkeys(searches, keys)
            results |= self._round(searches, full)
        return _merged([results[name] for name in sorted(results)])

    def get(self, system: str) -> Source:
        """The source of one system. Raises Permanent if the data map has no such system."""
        if system not in self._by_name:
            raise Permanent(f"{system} is not (any more) a system of the data map")
        return self._by_name[system]

    def names(self) -> Iterable[str]:
        """The names of all systems."""
        return tuple(self._by_name)

    def _searches(self) -> dict[str, Search]:
        """What is searched side by side: the databases as one, since references join them."""
        databases = [source for source in self.sources if isinstance(source, SqlSource)]
        others = [source for source in self.sources if not isinstance(source, SqlSource)]
        found: dict[str, Search] = {source.name: source.find for source in others}
        if databases:
            # Bounded by itself: a database that hangs is left behind by the search.
            found[_DATABASES] = lambda subject: locate(
                databases, self.datamap, subject, self.today(), self.watch
            )
        return found

    def _round(self, searches: Mapping[str, Search], subject: Subject) -> dict[str, SearchResult]:
        answers: queue.SimpleQueue[_Task] = queue.SimpleQueue()
        for name, search in searches.items():
            task = _Task(name, search, subject, answers)
            self.watch("" if name == _DATABASES else name, "searching")
            threading.Thread(target=task.work, daemon=True).start()
        deadline = time.monotonic() + self.patience_s
        found: dict[str, SearchResult] = {}
        while waiting := searches.keys() - found.keys():
            # The databases keep their own time; nobody else is waited for beyond the deadline.
            left = max(deadline - time.monotonic(), 0.0) if waiting - {_DATABASES} else None
            try:
                task = answers.get(timeout=left)
            except queue.Empty:
                for name in waiting - {_DATABASES}:
                    found[name] = _missing(name, "did not answer in time")
            else:
                result = task.result or _missing(task.name, task.why)
                if task.name != _DATABASES:  # they tell their time one by one
                    result = replace(result, seconds={task.name: task.seconds})
                found.setdefault(task.name, result)
        return found


@dataclass(slots=True)
class _Task:
    """One search in a thread of its own."""

    name: str
    search: Search
    subject: Subject
    answers: "queue.SimpleQueue[_Task]"
    result: SearchResult | None = None
    why: str = ""
    seconds: float = 0.0

    def work(self) -> None:
        """Search, and answer whatever happens."""
        begun = time.monotonic()
        with Edge() as edge:
            self.result = self.search(self.subject)
        self.why = edge.why
        self.seconds = time.monotonic() - begun
        self.answers.put(self)


def _missing(name: str, why: str) -> SearchResult:
    return SearchResult(not_searched=(NotSearched(system=name, why=why, failed=True),))


def _with_learnt(subject: Subject, results: Iterable[SearchResult]) -> Subject:
    """The subject with the keys read from the person's own records, which prove themselves."""
    have = {(key.kind, key.value.casefold()) for key in subject.keys}
    new: list[Key] = []
    for result in results:
        for key in result.learnt:
            if (key.kind, key.value.casefold()) not in have:
                have.add((key.kind, key.value.casefold()))
                new.append(replace(key, verified=True))
    return replace(subject, keys=(*subject.keys, *new))


def _may_find_more(result: SearchResult, new: frozenset[Named]) -> bool:
    """Whether keys are new to a system that can be searched; its own it has followed already."""
    own = {(key.kind, key.value) for key in result.learnt}
    return bool(result.searched) and bool(new - own)


def _merged(results: Sequence[SearchResult]) -> SearchResult:
    total = SearchResult()
    for result in results:
        total = total + replace(result, findings=())
    missing = {(part.system, part.why): part for part in total.not_searched}
    return replace(
        total,
        findings=_findings([result.findings for result in results]),
        searched=tuple(sorted(total.searched)),
        not_searched=tuple(missing[name] for name in sorted(missing)),
    )


def _findings(found: Sequence[Sequence[Finding]]) -> Sequence[Finding]:
    """Each record once, in order; where there are too many for memory, as they come."""
    short = [sorted(each, key=place_of) for each in found if not isinstance(each, Findings)]
    long = [each for each in found if isinstance(each, Findings)]
    if not long:
        return tuple(in_order(*short))
    if len(long) == 1 and not any(short):
        return long[0]
    return Findings(lambda: in_order(*short, *long))
