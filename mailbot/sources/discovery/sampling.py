"""A few rows of each table, read within bounds: what they show decides, what they hold stays here.

Read-only connection, at most `ROWS` rows a table, long values cut by the database itself, a time
limit for each statement and one for all. No sampled value is logged, printed or kept.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from mailbot.record import Typed, Value, plain
from mailbot.sources import schema
from mailbot.sources.schema import Shape
from mailbot.sources.statements import Unfit, bound, value_of

ROWS = 200
_CUT, _CUT_JSON = 2_000, 20_000  # characters of one value
_BUDGET_S = 60.0  # for sampling one database
_MOST_CHECKED = 60  # values of one column that are looked up elsewhere


@dataclass(slots=True)
class Sample:
    """Rows of one table, as values. `whole`: these are all rows that there are."""

    shape: Shape
    rows: list[Mapping[str, Value]] = field(default_factory=list, repr=False)
    why: str = ""  # it could not be read
    whole: bool = False

    def filled(self, column: str) -> list[Value]:
        """The values of a column that are there and not blank."""
        found = (row.get(column) for row in self.rows)
        return [value for value in found if value is not None and plain(value) not in ("", None)]

    def texts(self, column: str) -> list[str]:
        """The filled values of a column as text; octets are read as text where they are text."""
        return [text for value in self.filled(column) if (text := _text(value)).strip()]


def _text(value: Value) -> str:
    if isinstance(value, Typed) and value.type == "bytes":
        encoding = encoding_of(value)
        if not encoding:
            return ""
        try:
            return bytes.fromhex(value.text).decode(encoding, "replace")
        except LookupError:
            return ""
    return (plain(value) or "").strip()


def encoding_of(value: Value) -> str:
    """In which encoding octets are text; "" for what is none (pictures, files)."""
    if not isinstance(value, Typed) or value.type != "bytes":
        return ""
    octets = bytes.fromhex(value.text)
    if not octets:
        return ""
    if octets[1::2].count(0) > len(octets) // 3 and octets[::2].count(0) == 0:
        return "utf-16-le"
    if any(octet < 32 and octet not in (9, 10, 13) for octet in octets):
        return ""
    try:
        octets[: len(octets) - 3 if len(octets) >= _CUT else None].decode("utf-8")
    except UnicodeDecodeError:
        letters = sum(32 <= octet < 127 or octet in (9, 10, 13) for octet in octets)
        return "latin-1" if letters >= 0.7 * len(octets) else ""
    return "utf-8"


@dataclass(slots=True)
class Sampler:
    """Reads samples of one database. `now` is a monotonic clock in seconds."""

    engine: Engine
    now: Callable[[], float] = time.monotonic
    _begun: float = field(init=False)

    def __post_init__(self) -> None:
        self._begun = self.now()

    def sample(self, shape: Shape) -> Sample:
        """Rows from the beginning and, by its key, from the end of a table. Never raises."""
        sample = Sample(shape)
        if self.now() - self._begun > _BUDGET_S:
            sample.why = "not sampled: the time for sampling was used up"
            return sample
        try:
            with self.engine.connect() as connection:
                seen: set[str] = set()
                for statement in _statements(shape, connection.dialect.name):
                    for row in connection.execute(statement):
                        values = {str(n): value_of(v) for n, v in row._mapping.items()}
                        name = repr(sorted((n, plain(v)) for n, v in values.items()))
                        if name not in seen:
                            seen.add(name)
                            sample.rows.append(values)
        except (SQLAlchemyError, ValueError, OverflowError) as error:
            sample.why = f"could not be read ({type(error).__name__})"
        sample.whole = not sample.why and len(sample.rows) < ROWS // 2
        return sample

    def among(
        self, shape: Shape, column: str, values: Sequence[str], also: Sequence[str] = ()
    ) -> list[Mapping[str, Value]] | None:
        """Rows of a table whose column holds any of these values, with some other columns.

        None if that could not be asked.
        """
        fitting: list[object] = []
        dialect = self.engine.dialect.name
        for value in list(dict.fromkeys(values))[:_MOST_CHECKED]:
            try:
                fitting.append(bound(value, shape.columns[column], dialect))
            except Unfit:
                continue
            if dialect == "sqlite" and value.isdigit() and len(value) < 19:
                fitting.append(int(value))
        if not fitting:
            return []
        names = tuple(dict.fromkeys((column, *also)))
        table = shape.table
        statement = (
            sa.select(*(_cut(shape, name, dialect) for name in names))
            .where(table.c[column].in_(fitting))
            .limit(4 * _MOST_CHECKED)
        )
        try:
            with self.engine.connect() as connection:
                found = connection.execute(statement)
                return [{str(n): value_of(v) for n, v in row._mapping.items()} for row in found]
        except (SQLAlchemyError, ValueError, OverflowError):
            return None


def _statements(shape: Shape, dialect: str) -> Iterator[sa.Executable]:
    columns = [_cut(shape, name, dialect) for name in shape.columns]
    half = sa.select(*columns).limit(ROWS // 2)
    yield half
    if len(shape.key) == 1 and not shape.view:
        yield half.order_by(shape.table.c[shape.key[0]].desc())


def _cut(shape: Shape, name: str, dialect: str) -> sa.ColumnElement[object]:
    """A column, shortened where it may be long."""
    family = shape.columns[name].family
    column: sa.ColumnElement[object] = shape.table.c[name]
    if family not in (schema.TEXT, schema.BYTES, schema.JSON, schema.OTHER):
        return column.label(name)
    cut = sa.func.substr if dialect == "sqlite" else sa.func.substring
    if family in (schema.JSON, schema.OTHER) and dialect != "sqlite":
        kind = sa.CHAR() if dialect in ("mysql", "mariadb") else sa.Unicode()
        column = sa.cast(column, kind)
    if dialect == "sqlite":
        # Anything may stand in any column: substr would make text of a number.
        long = sa.func.length(column) > _CUT_JSON
        return sa.case((long, cut(column, 1, _CUT_JSON)), else_=column).label(name)
    size = _CUT_JSON if family == schema.JSON or _may_be_json(shape, name) else _CUT
    return cut(column, 1, size).label(name)


def _may_be_json(shape: Shape, name: str) -> bool:
    column = shape.columns[name]
    return column.family == schema.TEXT and (column.length is None or column.length > _CUT)


def documents(texts: Sequence[str]) -> list[object]:
    """What of these texts is JSON with structure (objects and lists)."""
    found: list[object] = []
    for text in texts:
        if text[:1] in "{[":
            try:
                document = json.loads(text)
            except (ValueError, RecursionError):
                continue
            found.append(document)
    return found
