"""The statements of a plan as they would be sent, for a person to read before (a dry run)."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from mailbot.plan import Action, Do
from mailbot.record import from_value
from mailbot.sources.mapping import Mapped
from mailbot.sources.statements import Unfit, bound, key_match


def spelt_out(mapped: Mapped, dialect: sa.Dialect, actions: Sequence[Action]) -> list[str]:
    """One line for each action that changes something, in the order in which they are done."""
    changing = [action for action in actions if action.changes]
    ordered = sorted(changing, key=lambda a: (a.do is Do.DELETE, a.order, a.number))
    return [f"{action.number}. {_one(mapped, dialect, action)};" for action in ordered]


def _one(mapped: Mapped, dialect: sa.Dialect, action: Action) -> str:
    shape = mapped.catalog.find(action.table)
    if shape is None:
        return f"-- there is no table {action.table} any more"
    where = key_match(shape, action.key, dialect.name, action.volatile)
    statement: sa.Delete | sa.Update = sa.delete(shape.table).where(*where)
    if action.do is not Do.DELETE:
        try:
            values = {
                name: bound(from_value(value), shape.columns[name], dialect.name)
                for name, value in action.after.items()
            }
        except (Unfit, KeyError):
            return f"-- {action.table} no longer has the columns of this action"
        statement = sa.update(shape.table).where(*where).values(values)
    try:
        compiled = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    except (SQLAlchemyError, NotImplementedError):
        # A value that no literal can be written for: the statement with its parameters beside it.
        plain = statement.compile(dialect=dialect)
        shown = ", ".join(f"{name}={value!r}" for name, value in plain.params.items())
        return " ".join(f"{plain} -- {shown}".split())
    return " ".join(str(compiled).split())
