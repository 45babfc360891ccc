"""The search across systems: read what the present keys ask for, judge, ask on, until nothing new.

Each system reads in a thread of its own and is never waited for by the others: whoever has
answered is asked on at once, and who takes longer than its own limit is left behind and named.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from mailbot.record import NotSearched, Row, Typed, Value
from mailbot.sources.edge import Edge
from mailbot.sources.facts import Fact, Facts, Values, key_of
from mailbot.sources.judging import Judge
from mailbot.sources.mapping import Entry, Mapped, Place, follows
from mailbot.sources.matching import Rules, Wanted
from mailbot.sources.owners import Known
from mailbot.sources.piling import Pile, Piler, pileable
from mailbot.sources.reading import LONGEST, asked_values, fits

_MOST_ROUNDS = 40  # of asking on: references that lead in circles end here
_MOST_KEYS = 200  # learnt from one person's rows: more is a list, not a person
_MOST_NAMESAKES = 200  # rows of one table that bear the name and nothing else


@dataclass(frozen=True, slots=True)
class Scan:
    """One pass over an entry's rows for keys."""

    entry: Entry
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class Related:
    """Rows of an entry whose columns hold any of these values."""

    entry: Entry
    columns: tuple[str, ...]
    values: tuple[Values, ...]


Query = Scan | Related
Watch = Callable[[str, str], None]  # told of a system and what it is at, for people who wait


class Database(Protocol):
    """What a search needs of a database. Raises Transient, Permanent or ConfigError."""

    @property
    def name(self) -> str:
        """Its name in the data map."""

    @property
    def patience_s(self) -> float:
        """How long it may stay silent before it is left behind, in seconds."""

    def open(self) -> Mapped:
        """Connect and lay the data map over what is there."""

    def run(self, query: Query, rules: Rules) -> Iterator[Row]:
        """The rows of a query, streamed; for a scan, a superset of what matches."""


@dataclass(slots=True)
class Found:
    """What a search came to."""

    judge: Judge
    searched: tuple[str, ...]
    not_searched: tuple[NotSearched, ...]
    seconds: dict[str, float] = field(default_factory=dict)  # each database was busy
    piles: tuple[Pile, ...] = ()


@dataclass(slots=True)
class _Worker:
    """One system's thread: takes batches of queries, puts back what they read."""

    database: Database
    answers: "queue.SimpleQueue[_Answer]"
    batches: "queue.SimpleQueue[tuple[Query, ...] | None]" = field(
        default_factory=queue.SimpleQueue
    )
    busy: bool = True
    beat: float = 0.0  # when it last showed life
    begun: float = 0.0  # when it took up what it is at
    spent: float = 0.0  # seconds, over all it was asked
    mapped: Mapped | None = None
    alike: frozenset[Place] = frozenset()  # tables of which rows may be piled

    def start(self, rules: Rules) -> None:
        self.beat = self.begun = time.monotonic()
        threading.Thread(target=self._work, args=(rules,), daemon=True).start()

    def _alive(self) -> None:
        self.beat = time.monotonic()

    def _work(self, rules: Rules) -> None:
        opened = _Answer(self.database.name)
        with Edge() as edge:
            opened.mapped = self.database.open()
        opened.why = edge.why
        self.answers.put(opened)
        if opened.mapped is not None:
            self.mapped = opened.mapped
            self.alike = pileable(opened.mapped, rules.datamap)
        while (batch := self.batches.get()) is not None:
            read = [self._read(query, rules) for query in batch]
            self.answers.put(_Answer(self.database.name, read=read))

    def _read(self, query: Query, rules: Rules) -> "_Read":
        self._alive()
        read = _Read(query)
        with Edge() as edge:
            self._collect(read, self.database.run(query, rules), rules)
        read.why = edge.why
        return read

    def _collect(self, read: "_Read", rows: Iterator[Row], rules: Rules) -> None:
        query = read.query
        may_pile = query.entry.place in self.alike
        special = self._special(query.entry)
        copies: dict[str, Fact] = {}
        namesakes = 0
        for number, row in enumerate(rows):
            if number % 200 == 0:
                self._alive()
            entry = next((one for one in special if fits(row, one.spec.where)), query.entry)
            traits = rules.traits(entry, row)
            if isinstance(query, Scan):
                shown = rules.relevant(traits, query.wanted)
                if not shown:
                    read.long += any(_is_long(row.get(leaf.column)) for leaf, _ in entry.read)
                    continue
                namesakes += shown == "name"
                if shown == "name" and namesakes > _MOST_NAMESAKES:
                    read.cut = True
                    continue
            fact = Fact(entry, key_of(entry, row), row, traits)
            if entry.shape.is_whole(fact.key):
                known = copies.setdefault(repr(fact.id), fact)
                if known is not fact:
                    known.copies += 1
                    continue
            read.rows.add(fact, may_pile)

    def _special(self, entry: Entry) -> tuple[Entry, ...]:
        """Entries with a condition, which speak of a row rather than the one without."""
        if self.mapped is None or entry.spec.where:
            return ()
        return tuple(one for one in self.mapped.of(entry.place[1]) if one.spec.where)


@dataclass(slots=True)
class _Read:
    """What one query read; `why`: it failed. `cut`: there were more namesakes than are kept.
    `long`: texts that were not read to their end, and may show a key there."""

    query: Query
    rows: Piler = field(default_factory=Piler)
    why: str = ""
    cut: bool = False
    long: int = 0


@dataclass(slots=True)
class _Answer:
    """A system answers: open, a batch read, or dead (`why`)."""

    name: str
    mapped: Mapped | None = None
    read: list[_Read] = field(default_factory=list)
    why: str = ""


def search(
    databases: Sequence[Database], rules: Rules, stated: Wanted, watch: Watch = lambda *_: None
) -> Found:
    """Search all databases for a person's rows. Never raises for what a database does."""
    return _Search(databases, rules, stated, watch).run()


def _is_long(value: Value) -> bool:
    return len(value.text if isinstance(value, Typed) else str(value)) > LONGEST


def _counted(texts: int) -> str:
    return "1 text was" if texts == 1 else f"{texts} texts were each"


class _Search:
    def __init__(
        self, databases: Sequence[Database], rules: Rules, stated: Wanted, watch: Watch
    ) -> None:
        self.rules, self.stated, self.watch = rules, stated, watch
        self.facts = Facts(rules)
        self.piles: list[Pile] = []
        self.answers: queue.SimpleQueue[_Answer] = queue.SimpleQueue()
        self.workers = {d.name: _Worker(d, self.answers) for d in databases}
        self.scanned: dict[tuple[str, int], Wanted] = {}
        self.asked: set[tuple[str, int, tuple[str, ...], Values]] = set()
        self.resolved: set[tuple[Place, tuple[str, ...], Values]] = set()
        self.unread: dict[Place, str] = {}
        self.notes: dict[NotSearched, None] = {}
        self.rounds = dict.fromkeys(self.workers, 0)
        self.judge = Judge(self.facts, rules, stated)

    def run(self) -> Found:
        for worker in self.workers.values():
            worker.start(self.rules)
        while any(worker.busy for worker in self.workers.values()):
            self._take()
            self._leave_behind()
            self._decide()
            self._ask_on()
        for worker in self.workers.values():
            worker.batches.put(None)
        return self._found()

    def _take(self) -> None:
        """Wait a little for answers, then take all that are there."""
        try:
            answer: _Answer | None = self.answers.get(timeout=0.25)
        except queue.Empty:
            return
        while answer is not None:
            self._settle(answer)
            try:
                answer = self.answers.get_nowait()
            except queue.Empty:
                answer = None

    def _settle(self, answer: _Answer) -> None:
        worker = self.workers[answer.name]
        if (answer.name, "") in self.unread:
            return  # left behind earlier: half an answer would look like a whole one
        worker.busy = False
        worker.spent += time.monotonic() - worker.begun
        if answer.why:
            self.unread[(answer.name, "")] = answer.why
        if answer.mapped:
            self.facts.open(answer.mapped)
            for table, what in answer.mapped.faults:
                self.unread[(answer.name, table)] = f"{table}: {what}"
        for read in answer.read:
            if read.why:
                self.unread[read.query.entry.place] = f"{read.query.entry.place[1]}: {read.why}"
            elif isinstance(query := read.query, Related):
                self.resolved.update((query.entry.place, query.columns, v) for v in query.values)
            if read.cut:
                table = read.query.entry.place[1]
                why = f"{table}: more than {_MOST_NAMESAKES} rows bear the name; the rest left out"
                self.notes[NotSearched(system=answer.name, why=why)] = None
            if read.long:
                table = read.query.entry.place[1]
                why = f"{table}: {_counted(read.long)} too long to be read to its end"
                self.notes[NotSearched(system=answer.name, why=why)] = None
            for fact in read.rows.facts:
                self.facts.add(fact)
            self.piles += read.rows.piles.values()

    def _leave_behind(self) -> None:
        now = time.monotonic()
        for name, worker in self.workers.items():
            if worker.busy and now - worker.beat > worker.database.patience_s:
                worker.busy = False
                worker.spent += now - worker.begun
                self.unread[(name, "")] = "did not answer in time"

    def _decide(self) -> None:
        known = Known(frozenset(self.unread), frozenset(self.resolved))
        self.judge = Judge(self.facts, self.rules, self.stated, known).decide()

    def _ask_on(self) -> None:
        related = self._related()
        for name, worker in self.workers.items():
            mapped = self.facts.mapped.get(name)
            if worker.busy or mapped is None or (name, "") in self.unread:
                continue
            batch = related.get(name, []) + self._scans(mapped)
            if not batch:
                continue
            if self.rounds[name] >= _MOST_ROUNDS or len(self.judge.learnt) > _MOST_KEYS:
                why = "stopped: too many keys or references to follow"
                self.notes[NotSearched(system=name, why=why)] = None
                continue
            self.rounds[name] += 1
            self._mark_asked(batch)
            worker.busy = True
            worker.beat = worker.begun = time.monotonic()
            tables = dict.fromkeys(query.entry.place[1] for query in batch)
            self.watch(name, f"{len(tables)} tables, {len(self.facts.rows)} rows looked at so far")
            worker.batches.put(tuple(batch))

    def _scans(self, mapped: Mapped) -> list[Query]:
        """People's tables first, until they teach no more; then one pass over each other table."""
        teaching = [e for e in mapped.entries if e.teaches or e.spec.is_ == "own"]
        others = [e for e in mapped.entries if e not in teaching and e.spec.is_ != "none"]
        # Names that were only learnt tell rows apart; looking for namesakes of them helps nobody.
        wanted = replace(self.judge.keys, names=self.stated.names)
        for entries in (teaching, others):
            scans: list[Query] = []
            for entry in entries:
                new = wanted - self._scanned(entry)
                if len(new):
                    scans.append(Scan(entry, new))
            if scans:
                return scans
        return []

    def _scanned(self, entry: Entry) -> Wanted:
        return self.scanned.get((entry.place[0], entry.number), Wanted())

    def _mark_asked(self, batch: Sequence[Query]) -> None:
        for query in batch:
            entry = query.entry
            name = (entry.place[0], entry.number)
            if isinstance(query, Scan):
                self.scanned[name] = self._scanned(entry) | query.wanted
            else:
                self.asked.update((*name, query.columns, values) for values in query.values)

    def _related(self) -> dict[str, list[Query]]:
        """References to follow: down from what is the person's, up to who owns what is in doubt."""
        wanted: dict[tuple[str, int, tuple[str, ...]], tuple[Entry, set[Values]]] = {}

        def want(entry: Entry, columns: tuple[str, ...], values: Values) -> None:
            name = (entry.place[0], entry.number)
            if (*name, columns, values) not in self.asked:
                wanted.setdefault((*name, columns), (entry, set()))[1].add(values)

        for fact in list(self.facts.rows.values()):
            if fact.kind in ("own", "none"):
                continue
            mine = fact.id in self.judge.certain
            if mine:
                self._want_children(fact, want)
            for link, values in fact.upward():
                if link.kind == "same" or (not mine and fact.kind == "about"):
                    for entry in self.facts.entries(link.parent):
                        want(entry, link.to, values)
        batches: dict[str, list[Query]] = {}
        for (system, _, columns), (entry, tuples) in wanted.items():
            batches.setdefault(system, []).append(Related(entry, columns, tuple(sorted(tuples))))
        return batches

    def _want_children(
        self, fact: Fact, want: Callable[[Entry, tuple[str, ...], Values], None]
    ) -> None:
        for link, entry in self.facts.children(fact.entry.place):
            if entry.spec.is_ == "company" or follows(entry, link):
                for values in sorted(asked_values(fact.row, link.to)):
                    want(entry, link.columns, values)

    def _found(self) -> Found:
        dead = {system for system, table in self.unread if not table}
        unread = [
            NotSearched(system=system, why=why, failed=True)
            for (system, table), why in sorted(self.unread.items())
            if not table or system not in dead
        ]
        for mapped in self.facts.mapped.values():
            if mapped.unmapped and mapped.system not in dead:
                why = f"tables not in the data map: {', '.join(mapped.unmapped)}"
                unread.append(NotSearched(system=mapped.system, why=why))
        searched = tuple(
            name for name in self.workers if name not in dead and name in self.facts.mapped
        )
        spent = {name: worker.spent for name, worker in self.workers.items()}
        return Found(self.judge, searched, (*unread, *self.notes), spent, tuple(self.piles))
