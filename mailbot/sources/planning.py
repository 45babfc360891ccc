"""Actions from findings: what each right makes of them, and what foreign keys allow.

Nothing may disappear or change as a side effect: every row that a deletion would reach is an
action of its own, and what others refer to is emptied instead of deleted.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from mailbot.case import Label
from mailbot.errors import Permanent
from mailbot.plan import Action, Do
from mailbot.record import Certainty, Finding, Row, Value, as_json, canonical, same
from mailbot.sources.blanking import blank
from mailbot.sources.facts import Fact
from mailbot.sources.mapping import Entry, Mapped
from mailbot.sources.matching import Traits
from mailbot.sources.reading import asked_values, fits, folded, referred
from mailbot.sources.schema import Reference, Shape
from mailbot.sources.statements import by_values, row_of

_DISCLOSING = frozenset({Label.ACCESS, Label.PORTABILITY})
_SETTING = frozenset({Label.OBJECTION, Label.RESTRICTION, Label.CONSENT_WITHDRAWAL})
NO_MARK = "nothing in it can be marked: see to it that it is only stored"
_CHANGING = frozenset({Do.BLANK, Do.REPLACE})
RowId = tuple[str, bytes]  # table as the data map calls it, canonical key


def row_id(table: str, key: Row) -> RowId:
    """The same row is the same id."""
    return table, canonical({name: as_json(value) for name, value in key.items()})


def plain_actions(right: Label, findings: Sequence[Finding], *, writable: bool) -> list[Action]:
    """Every right but erasure: hand over, or write what the map says the right writes."""
    certain = [finding for finding in findings if finding.certainty is Certainty.CERTAIN]
    if right is Label.PORTABILITY:
        certain = [f for f in certain if any(f.row.get(c) is not None for c in f.provided)]
    if right in _DISCLOSING:
        return [Action.on(finding, Do.DISCLOSE) for finding in certain]
    if right not in _SETTING:
        return []
    set_ = [finding for finding in certain if finding.settings.get(right.value)]
    found: list[Action] = []
    for finding in set_:
        after = {
            name: value
            for name, value in finding.settings[right.value].items()
            if not same(finding.row.get(name), value)
        }
        if not after:
            continue  # it says so already
        do, reason = (Do.SET, "") if writable else (Do.MANUAL, "no write access here")
        found.append(replace(Action.on(finding, do), after=after, reason=reason))
    return found


def unmarked(
    findings: Sequence[Finding], marked: Sequence[Action], kinds: Mapping[str, str]
) -> list[Action]:
    """What a restriction cannot mark is a task for staff (GDPR art. 18). A record that hangs below
    a person's marked record is restricted with it."""
    done = {row_id(action.table, action.key) for action in marked}
    certain = [finding for finding in findings if finding.certainty is Certainty.CERTAIN]
    covered = any(f.settings.get(Label.RESTRICTION.value) for f in certain)
    return [
        replace(Action.on(finding, Do.MANUAL), reason=NO_MARK)
        for finding in certain
        if row_id(finding.table, finding.key) not in done
        and not finding.settings.get(Label.RESTRICTION.value)
        and (kinds.get(finding.table) == "person" or not covered)
    ]


def erasing(finding: Finding) -> Action:
    """What the data map makes of one finding when it is to be erased."""
    treatment = finding.treatment
    return replace(
        Action.on(finding, Do(treatment.do)),
        after=treatment.after,
        reason=treatment.reason,
        rule=treatment.rule,
        until=treatment.until,
    )


@dataclass(frozen=True, slots=True)
class Blocker:
    """Why a row cannot be deleted: another one that stays refers to it."""

    table: str
    action: Action | None  # what becomes of that row; None: it is not the person's


@dataclass(slots=True)
class Planner:
    """Makes an erasure plan that the foreign keys of one database allow."""

    mapped: Mapped
    connection: sa.Connection
    system: str
    _children: dict[tuple[Reference, RowId], list[Row]] = field(default_factory=dict)

    def erasure(self, findings: Sequence[Finding]) -> list[Action]:
        """Delete, blank, replace or keep each certain finding. Permanent: that is unsafe."""
        first = {
            row_id(finding.table, finding.key): erasing(finding)
            for finding in findings
            if finding.certainty is Certainty.CERTAIN
        }
        spared: dict[RowId, Blocker] = {}
        while True:
            actions = dict(first)
            for name, blocker in spared.items():
                actions[name] = self._spare(first[name], blocker)
            blocked = self._settle(actions)
            if not blocked:
                return self._ordered({**actions, **self._hindered(actions)})
            for name, blocker in blocked.items():
                if name not in first:
                    # A row that only went along with its parent: the parent is what must stay.
                    raise Permanent(
                        f"{self.system}: rows of {blocker.table} refer to rows of {name[0]}, which"
                        " would go with a deleted record; map these tables first"
                    )
            spared |= blocked

    def _hindered(self, actions: Mapping[RowId, Action]) -> dict[RowId, Action]:
        """Changes that are left to staff: other rows refer to the very value that would change,
        and the database would refuse that, or change those rows on the side (ON UPDATE)."""
        touched: dict[Reference, list[RowId]] = {}
        for name, action in actions.items():
            if action.do is Do.DELETE or not action.changes:
                continue
            shape = self._shape(action.table)
            for reference in self.mapped.catalog.references:
                if reference.parent == shape.name and set(reference.to) & set(action.after):
                    touched.setdefault(reference, []).append(name)
        hindered: dict[RowId, Action] = {}
        for reference, names in touched.items():
            self._read_children(reference, names, actions)
            table = self._table(self.mapped.catalog.shapes[reference.child])
            for name in names:
                if self._children[(reference, name)]:
                    reason = f"rows of {table} refer to what would be emptied"
                    hindered[name] = replace(actions[name], do=Do.MANUAL, after={}, reason=reason)
        return hindered

    def _settle(self, actions: dict[RowId, Action]) -> dict[RowId, Blocker]:
        """Add the rows that deletions reach; return those that must not be deleted after all."""
        blocked: dict[RowId, Blocker] = {}
        waiting = [name for name, action in actions.items() if action.do is Do.DELETE]
        while waiting:
            reached: list[RowId] = []
            for reference, parents in self._referenced(waiting, actions):
                self._read_children(reference, parents, actions)
                for parent in parents:
                    for child in self._children[(reference, parent)]:
                        blocker = self._reach(reference, parent, child, actions, reached)
                        if blocker:
                            blocked.setdefault(parent, blocker)
            waiting = reached
        return blocked

    def _referenced(
        self, names: Iterable[RowId], actions: Mapping[RowId, Action]
    ) -> Iterator[tuple[Reference, list[RowId]]]:
        by_table: dict[str, list[RowId]] = {}
        for name in names:
            by_table.setdefault(name[0], []).append(name)
        for table, rows in by_table.items():
            shape = self._shape(table)
            for reference in self.mapped.catalog.references:
                if reference.parent == shape.name:
                    yield reference, rows

    def _read_children(
        self, reference: Reference, parents: Sequence[RowId], actions: Mapping[RowId, Action]
    ) -> None:
        """Rows that refer to any of these, read together."""
        values: dict[tuple[str, ...], list[RowId]] = {}
        asked: set[tuple[str, ...]] = set()
        shape = self.mapped.catalog.shapes[reference.child]
        above = self.mapped.catalog.shapes[reference.parent]
        folds = shape.folds(reference.columns) or above.folds(reference.to)
        for parent in parents:
            if (reference, parent) in self._children:
                continue
            self._children[(reference, parent)] = []
            found = _values(actions[parent].before, reference.to, folds)
            if found is not None:
                values.setdefault(found, []).append(parent)
                asked |= asked_values(actions[parent].before, reference.to)
        dialect = self.connection.dialect.name
        for statement in by_values(shape, reference.columns, sorted(asked), {}, dialect):
            for raw in self.connection.execute(statement):
                row = row_of(raw)
                for parent in values.get(_values(row, reference.columns, folds) or (), ()):
                    self._children[(reference, parent)].append(row)

    def _reach(
        self,
        reference: Reference,
        parent: RowId,
        row: Row,
        actions: dict[RowId, Action],
        reached: list[RowId],
    ) -> Blocker | None:
        """What a deletion means for a row that refers to the deleted one."""
        shape = self.mapped.catalog.shapes[reference.child]
        table = self._table(shape)
        key = shape.key_of(row)
        name = row_id(table, key)
        action = actions.get(name)
        if name == parent or (action and action.do is Do.DELETE):
            return None
        if action is not None:
            freed = _freed(shape, reference)
            if action.do in _CHANGING and freed:
                actions[name] = replace(action, after={**action.after, **freed})
                return None
            return Blocker(table, action)
        if self.mapped.of(table) or reference.on_delete not in ("CASCADE", "SET NULL"):
            return Blocker(table, None)
        # The map does not know this table, but the database would change the row: said openly.
        actions[name] = self._side_effect(reference, shape, key, row, actions[parent])
        if actions[name].do is Do.DELETE:
            reached.append(name)
        return None

    def _side_effect(
        self, reference: Reference, shape: Shape, key: Row, row: Row, parent: Action
    ) -> Action:
        cascade = reference.on_delete == "CASCADE"
        freed: dict[str, Value] = {} if cascade else dict.fromkeys(reference.columns)
        return Action(
            number=0,
            do=Do.DELETE if cascade else Do.BLANK,
            system=self.system,
            table=self._table(shape),
            key=key,
            before=row,
            after=freed,
            reason="goes with the record that it refers to" if cascade else "reference removed",
            trail=f"{parent.trail} ← {self._table(shape)}.{'+'.join(reference.columns)}",
            title=self._table(shape),
            order=0,
        )

    def _spare(self, action: Action, blocker: Blocker) -> Action:
        """Empty a row that must stay because another one refers to it."""
        fact = self._fact(action)
        personal = {name for names in fact.entry.personal.values() for name in names}
        emptied = blank(fact, sorted(personal))
        reason = f"rows of {blocker.table} that stay refer to it"
        if emptied.after and not emptied.stuck:
            return replace(action, do=Do.BLANK, after=emptied.after, reason=reason)
        if blocker.action is not None and not emptied.stuck:
            # Nothing personal in it: it stays as long as what needs it.
            kept = blocker.action
            return replace(action, do=Do.KEEP, rule=kept.rule, until=kept.until, reason=reason)
        links = [name for link in fact.entry.links for name in link.columns]
        freed = blank(fact, [n for n in links if fact.entry.shape.columns[n].nullable])
        if freed.after and not emptied.stuck:
            return replace(action, do=Do.BLANK, after=freed.after, reason=reason)
        raise Permanent(
            f"{self.system}: a row of {action.table} cannot be deleted, since rows of"
            f" {blocker.table} refer to it, and it has no column that can be emptied instead"
        )

    def _fact(self, action: Action) -> Fact:
        entry = self._entry(action)
        return Fact(entry, action.key, action.before, Traits())

    def _entry(self, action: Action) -> Entry:
        fitting = [e for e in self.mapped.of(action.table) if fits(action.before, e.spec.where)]
        if not fitting:
            raise Permanent(f"{self.system}: {action.table} is no longer as the data map says")
        return max(fitting, key=lambda entry: bool(entry.spec.where))

    def _shape(self, table: str) -> Shape:
        shape = self.mapped.catalog.find(table)
        if shape is None:
            raise Permanent(f"{self.system}: there is no table {table} any more")
        return shape

    def _table(self, shape: Shape) -> str:
        """The name of a table in actions: the data map's, where it has one."""
        for entry in self.mapped.entries:
            if entry.shape.name == shape.name:
                return entry.place[1]
        return self.mapped.catalog.label(shape.name)

    def _ordered(self, actions: Mapping[RowId, Action]) -> list[Action]:
        """Rows that refer to others come before them, whatever their tables."""
        before: dict[RowId, set[RowId]] = {name: set() for name in actions}
        for (reference, parent), children in self._children.items():
            if parent not in actions:
                continue
            shape = self.mapped.catalog.shapes[reference.child]
            for row in children:
                child = row_id(self._table(shape), shape.key_of(row))
                if child in actions and child != parent:
                    before[parent].add(child)
        ordered: list[RowId] = []
        placed: set[RowId] = set()
        rest = sorted(actions, key=lambda name: (actions[name].order, name))
        while rest:
            ready = [name for name in rest if before[name] <= placed]
            # In a circle somebody must be first: the acting transaction cuts it open.
            for name in ready or rest[:1]:
                ordered.append(name)
                placed.add(name)
            rest = [name for name in rest if name not in placed]
        return [replace(actions[name], order=place) for place, name in enumerate(ordered, start=1)]


def _values(row: Row, columns: Sequence[str], folds: bool) -> tuple[str, ...] | None:
    found = [text for column in columns if (text := referred(row.get(column))) is not None]
    if len(found) < len(columns):
        return None
    return tuple(folded(text) if folds else text for text in found)


def _freed(shape: Shape, reference: Reference) -> dict[str, Value]:
    """Columns whose NULL takes a reference back; {} where the schema allows none."""
    return {
        name: None
        for name in reference.columns
        if shape.columns[name].nullable and name not in shape.key
    }
