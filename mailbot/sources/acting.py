"""Carrying out approved actions: each record is checked under lock, then changed, then read again.

Everything happens in the caller's transaction; any exception leaves the database as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from mailbot.errors import Permanent, Stale
from mailbot.plan import Action, Do
from mailbot.ports import ActionReceipt
from mailbot.record import Row, Value, fingerprint, from_value, same
from mailbot.sources.mapping import Mapped, follows
from mailbot.sources.planning import RowId, row_id
from mailbot.sources.reading import asked_values, fits
from mailbot.sources.schema import Reference, Shape
from mailbot.sources.statements import Unfit, bound, by_key, by_values, key_match, row_of, value_of


@dataclass(slots=True)
class Actor:
    """Acts inside one transaction. `key` is the case key of the fingerprints."""

    mapped: Mapped
    connection: sa.Connection
    key: bytes
    _doomed: set[RowId] = field(default_factory=set)  # rows still to be deleted
    _known: set[RowId] = field(default_factory=set)  # every row that the plan speaks of

    def apply(self, actions: Sequence[Action]) -> list[ActionReceipt]:
        """Check all records first, then act. Raises Stale or Permanent."""
        ordered = sorted(actions, key=lambda a: (a.do is Do.DELETE, a.order, a.number))
        receipts = {action.number: self._untouched(action) for action in actions}
        open_ = [action for action in ordered if action.changes and not self._is_done(action)]
        self._known = {_name(action) for action in actions}
        self._doomed = {_name(action) for action in open_ if action.do is Do.DELETE}
        for action in open_:
            if action.do is Do.DELETE:
                self._delete(action)
            else:
                self._update(action)
            receipts[action.number] = ActionReceipt(number=action.number, outcome="done")
        return [receipts[action.number] for action in actions]

    def _untouched(self, action: Action) -> ActionReceipt:
        detail = "was so already" if action.changes else "nothing to change"
        return ActionReceipt(number=action.number, outcome="already", detail=detail)

    def _is_done(self, action: Action) -> bool:
        """Whether a record is as it will be; Stale if it is neither that nor as approved."""
        if not action.fingerprint:
            raise Permanent(f"{action.system}: an action on {action.table} has no fingerprint")
        rows = self._locked(action, action.key)
        as_approved = [row for row in rows if self._mark(row, action) == action.fingerprint]
        if len(as_approved) == 1:
            if len(rows) > 1:
                raise Permanent(
                    f"{action.system}: rows of {action.table} have no key and are alike in every"
                    " column that the database can compare"
                )
            return False
        if action.do is Do.DELETE and not (as_approved if self._is_whole(action) else rows):
            return True
        if not as_approved and action.do is not Do.DELETE and self._is_after(action, rows):
            return True
        raise Stale(f"{action.system}: a row of {action.table} is not as it was approved")

    def _is_after(self, action: Action, rows: Sequence[Row]) -> bool:
        expected = {**action.before, **self._written(action)}
        if self._is_whole(action):
            rows = self._locked(action, _key_after(action, expected))
        fixed = [name for name in expected if name not in action.volatile]
        return len(rows) == 1 and all(
            name in rows[0] and same(rows[0][name], expected[name]) for name in fixed
        )

    def _is_whole(self, action: Action) -> bool:
        """Whether a row is named by all its columns: another content is another row."""
        return self._shape(action.table).is_whole(action.key)

    def _mark(self, row: Row, action: Action) -> str:
        return fingerprint(self.key, row, action.volatile)

    def _locked(self, action: Action, key: Row) -> list[dict[str, Value]]:
        """The row, held against other writers until the transaction ends."""
        shape = self._shape(action.table)
        if set(key) not in (set(shape.key), set(shape.columns)):
            raise Stale(f"{action.system}: the columns of {action.table} are not as approved")
        statement = by_key(shape, key, self._dialect, action.volatile)
        statement = statement.with_hint(shape.table, "WITH (UPDLOCK, HOLDLOCK)", "mssql")
        return [row_of(row) for row in self.connection.execute(statement.with_for_update())]

    @property
    def _dialect(self) -> str:
        return self.connection.dialect.name

    def _shape(self, table: str) -> Shape:
        shape = self.mapped.catalog.find(table)
        if shape is None:
            raise Permanent(f"{self.mapped.system}: there is no table {table} any more")
        return shape

    def _update(self, action: Action) -> None:
        shape = self._shape(action.table)
        written = self._written(action)
        values = {name: self._raw(value, shape, name) for name, value in action.after.items()}
        for reference in self.mapped.catalog.references:
            if reference.parent == shape.name and set(reference.to) & set(action.after):
                self._none_refers(reference, action)
        statement = sa.update(shape.table).where(*self._match(action))
        self._one(self.connection.execute(statement.values(values)), action)
        self._known.add(row_id(action.table, _key_after(action, written)))
        rows = self._locked(action, _key_after(action, written))
        if len(rows) != 1 or any(
            not same(rows[0].get(name), value) for name, value in written.items()
        ):
            raise Permanent(f"{action.system}: {action.table} did not keep what was written to it")

    def _delete(self, action: Action) -> None:
        shape = self._shape(action.table)
        self._doomed.discard(_name(action))
        for reference in self.mapped.catalog.references:
            if reference.parent == shape.name:
                self._release(reference, action)
        self._leave_none_behind(action)
        statement = sa.delete(shape.table).where(*self._match(action))
        self._one(self.connection.execute(statement), action)
        if self._locked(action, action.key):
            raise Permanent(f"{action.system}: {action.table} still shows what was deleted from it")

    def _match(self, action: Action) -> list[sa.ColumnElement[bool]]:
        return key_match(self._shape(action.table), action.key, self._dialect, action.volatile)

    def _one(self, result: sa.CursorResult[tuple[object, ...]], action: Action) -> None:
        if result.rowcount != 1:
            raise Stale(f"{action.system}: not exactly one row of {action.table} was as approved")

    def _written(self, action: Action) -> Row:
        """The new values as they read back: "2026-03-15" as a date, "true" as a truth value."""
        shape = self._shape(action.table)
        unknown = set(action.after) - set(shape.columns)
        if unknown or not action.after:
            raise Permanent(f"{action.system}: an action on {action.table} names no such columns")
        return {n: value_of(self._raw(v, shape, n)) for n, v in action.after.items()}

    def _raw(self, value: Value, shape: Shape, name: str) -> object:
        try:
            return bound(from_value(value), shape.columns[name], self._dialect)
        except Unfit as error:
            raise Permanent(f"{self.mapped.system}: {shape.label}: {error}") from None

    def _release(self, reference: Reference, action: Action) -> None:
        """No row may be changed by the database on the side; a circle of deletions is cut open."""
        shape = self.mapped.catalog.shapes[reference.child]
        for row in self._referring(reference, action):
            key = shape.key_of(row)
            name = row_id(self._table(shape), key)
            if name == _name(action):
                continue
            if name not in self._doomed:
                raise self._unforeseen(name[0], action)
            self._cut(shape, key, reference)

    def _none_refers(self, reference: Reference, action: Action) -> None:
        """A value that rows refer to is not changed: the database would change those as well."""
        if self._referring(reference, action):
            shape = self.mapped.catalog.shapes[reference.child]
            raise self._unforeseen(self._table(shape), action)

    def _leave_none_behind(self, action: Action) -> None:
        """What belongs to a record by the data map's word alone, and came after the plan was made:
        with the record gone nothing would lead to it any more."""
        for entry in self.mapped.entries:
            for link in entry.links:
                if link.parent != (self.mapped.system, action.table) or not follows(entry, link):
                    continue
                wanted = asked_values(action.before, link.to)
                where, dialect = entry.spec.where, self._dialect
                for one in by_values(entry.shape, link.columns, wanted, where, dialect):
                    for row in [row_of(raw) for raw in self.connection.execute(one)]:
                        name = row_id(entry.place[1], entry.shape.key_of(row))
                        if fits(row, link.where) and name not in self._known:
                            raise self._unforeseen(entry.place[1], action)

    def _unforeseen(self, table: str, action: Action) -> Stale:
        return Stale(
            f"{action.system}: a row of {table} refers to a row of {action.table}"
            " and is not part of what was approved"
        )

    def _referring(self, reference: Reference, action: Action) -> list[Row]:
        """The rows that refer to a record as it was approved."""
        shape = self.mapped.catalog.shapes[reference.child]
        wanted = asked_values(action.before, reference.to)
        statements = by_values(shape, reference.columns, wanted, {}, self._dialect)
        return [row_of(raw) for one in statements for raw in self.connection.execute(one)]

    def _cut(self, shape: Shape, key: Row, reference: Reference) -> None:
        """Two rows that refer to each other both go: the first reference is taken back."""
        freed = [n for n in reference.columns if shape.columns[n].nullable and n not in shape.key]
        if not freed or shape.is_whole(key):
            raise Permanent(
                f"{self.mapped.system}: rows of {shape.label} refer to each other in a circle that"
                " the schema does not let us open"
            )
        match = key_match(shape, key, self._dialect)
        nothing = dict.fromkeys(freed)
        self.connection.execute(sa.update(shape.table).where(*match).values(nothing))

    def _table(self, shape: Shape) -> str:
        for entry in self.mapped.entries:
            if entry.shape.name == shape.name:
                return entry.place[1]
        return self.mapped.catalog.label(shape.name)


def _name(action: Action) -> RowId:
    return row_id(action.table, action.key)


def _key_after(action: Action, written: Row) -> Row:
    """The key by which a changed row is found: a row without a primary key is all its columns."""
    return {name: written.get(name, value) for name, value in action.key.items()}
