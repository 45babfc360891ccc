"""The data map against the live schema: every mismatch at once, each with a remedy."""

from collections.abc import Callable, Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from mailbot.config_until import parse_until
from mailbot.datamap import Database, DataMap, Join, Table
from mailbot.errors import ConfigError, Problem
from mailbot.sources import engines
from mailbot.sources.lookups import advice
from mailbot.sources.mapping import Mapped, expressions
from mailbot.sources.reading import known_encoding, parse
from mailbot.sources.schema import Shape
from mailbot.sources.statements import Unfit, coerce


def check(
    database: Database, datamap: DataMap, mapped: Mapped, write: Engine | None
) -> Sequence[str]:
    """Warnings about what is allowed but odd. Raises ConfigError with every fault."""
    problems: list[Problem] = []
    for spec in database.table:
        problems += _table(database, spec, datamap, mapped)
    if write is not None:
        problems += _grants(database, mapped, write)
    if problems:
        raise ConfigError(problems)
    return list(_warnings(database, mapped))


def _where(database: Database, table: str, part: str = "") -> str:
    place = f"datamap.toml: database {database.name}: table {table}"
    return f"{place}: {part}" if part else place


def _table(database: Database, spec: Table, datamap: DataMap, mapped: Mapped) -> Iterator[Problem]:
    shape = mapped.catalog.find(spec.name)
    if shape is None:
        yield Problem(
            _where(database, spec.name),
            "the database has no such table or shows none to this user",
            "correct the name or the schema, or grant SELECT",
        )
        return
    for part, text in expressions(spec):
        if parse(text, shape.columns) is None:
            yield Problem(
                _where(database, spec.name, part), f"no column {text!r}", "correct the name"
            )
    yield from _values(database, spec, shape)
    yield from _keep(database, spec, datamap, shape)
    for join in spec.join:
        yield from _join(database, spec, join, datamap, mapped)
    yield from _recipient(database, spec, datamap, mapped)
    if spec.erase in ("blank", "replace") and not (
        spec.identify or spec.personal or spec.read or spec.replace
    ):
        yield Problem(
            _where(database, spec.name, "erase"),
            "no personal column is named, so nothing would be emptied",
            "name the columns under identify, personal, read or replace",
        )


def _values(database: Database, spec: Table, shape: Shape) -> Iterator[Problem]:
    written = [("replace", spec.replace), *((f"set.{r}", values) for r, values in spec.set.items())]
    for part, values in written:
        for name, value in values.items():
            column = shape.columns.get(name)
            if column is None:
                continue
            try:
                coerce(value, column)
            except Unfit:
                yield Problem(
                    _where(database, spec.name, part),
                    f"column {name} ({column.family}) cannot hold that value",
                    "write a value of the column's type",
                )
            if name in shape.key:
                yield Problem(
                    _where(database, spec.name, part),
                    f"column {name} is part of the primary key",
                    "choose another column, or erase the row",
                )
    for text, kind in spec.read.items():
        if not known_encoding(kind):
            yield Problem(
                _where(database, spec.name, f"read.{text}"),
                f"unknown encoding in {kind!r}",
                'write "text", "json", "list" or "text ENCODING", such as "text latin-1"',
            )


def _keep(database: Database, spec: Table, datamap: DataMap, shape: Shape) -> Iterator[Problem]:
    if spec.keep is None:
        return
    where = _where(database, spec.name, "keep.until")
    try:
        rule = parse_until(spec.keep.until)
    except ValueError as error:
        yield Problem(where, "cannot be read", str(error))
        return
    column = rule.column or rule.year_end
    if column and column not in shape.columns:
        yield Problem(where, f"no column {column!r}", "correct the name")
    for table in rule.kept:
        if not _is_mapped(table, database, datamap):
            yield Problem(
                where, f"no table {table!r} in the data map", "name a table that is in the data map"
            )


def _is_mapped(table: str, database: Database, datamap: DataMap) -> bool:
    system, colon, name = table.partition(":")
    wanted = (system.strip(), name.strip()) if colon else (database.name, table)
    return any(
        part.name == wanted[0] and any(spec.name == wanted[1] for spec in part.table)
        for part in datamap.database
    )


def _join(
    database: Database, spec: Table, join: Join, datamap: DataMap, mapped: Mapped
) -> Iterator[Problem]:
    where = _where(database, spec.name, f"join to {join.table}")
    if len(join.columns) != len(join.to) or not join.columns:
        yield Problem(where, "columns and to differ in number", "name a column for each column")
    system, colon, table = join.table.partition(":")
    if colon and system != database.name:
        if not _is_mapped(join.table, database, datamap):
            yield Problem(where, "the data map has no such table", "write database:table")
        return
    shape = mapped.catalog.find(table if colon else join.table)
    if shape is None:
        yield Problem(where, "the database has no such table", "correct the name")
        return
    if join.as_ != "none" and not _is_mapped(join.table, database, datamap):
        yield Problem(
            where, "that table is not in the data map, so it owns nothing", "add it to the map"
        )
    for name in join.to:
        if name not in shape.columns:
            yield Problem(where, f"{join.table} has no column {name!r}", "correct the name")


def _recipient(
    database: Database, spec: Table, datamap: DataMap, mapped: Mapped
) -> Iterator[Problem]:
    recipient = spec.disclosure.recipient if spec.disclosure else {}
    table = recipient.get("table", "")
    if not table:
        return
    where = _where(database, spec.name, "disclosure.recipient")
    system, colon, _ = table.partition(":")
    if colon and system != database.name:
        if all(part.name != system for part in datamap.database):
            yield Problem(where, f"no database {system!r} in the data map", "correct the name")
        return
    shape = mapped.catalog.find(table.rpartition(":")[2])
    if shape is None:
        yield Problem(where, f"no table {table!r}", "correct the name")
        return
    for part in ("to", "name", "email"):
        name = recipient.get(part, "")
        if name and name not in shape.columns:
            yield Problem(where, f"{table} has no column {name!r}", "correct the name")


def _grants(database: Database, mapped: Mapped, write: Engine) -> Iterator[Problem]:
    """Rights that the writing user lacks, where the engine can tell (PostgreSQL)."""
    with engines.translated(database.name, "connecting to write"), write.connect() as connection:
        if connection.dialect.name != "postgresql":
            connection.execute(sa.select(sa.literal(1)))
            return
        for entry in mapped.entries:
            if entry.spec.is_ in ("own", "none") or entry.shape.view:
                continue
            schema, table = entry.shape.name
            quote = connection.dialect.identifier_preparer.quote
            name = ".".join(quote(part) for part in (schema, table) if part)
            for right, has in _needed(entry.spec).items():
                if not connection.scalar(sa.select(has(name, right))):
                    yield Problem(
                        _where(database, entry.place[1]),
                        f"the writing user may not {right} here",
                        f"GRANT SELECT, {right} ON {name} to the user of write_url",
                    )


def _needed(spec: Table) -> dict[str, Callable[[str, str], sa.ColumnElement[bool]]]:
    """The rights that acting needs, and PostgreSQL's own question for each."""
    partial = spec.keep is not None and "*" not in spec.keep.columns
    changes = spec.erase != "delete" or partial or bool(spec.set)
    # SELECT … FOR UPDATE, by which a record is held, wants UPDATE on one column at least.
    update = sa.func.has_table_privilege if changes else sa.func.has_any_column_privilege
    delete = {"DELETE": sa.func.has_table_privilege} if spec.erase == "delete" else {}
    return {"SELECT": sa.func.has_table_privilege, **delete, "UPDATE": update}


def _warnings(database: Database, mapped: Mapped) -> Iterator[str]:
    for table in mapped.unmapped:
        yield f"database {database.name}: table {table} is not in the data map, so not searched"
    for entry in mapped.entries:
        if entry.spec.is_ == "none":
            continue
        if told := advice(entry):
            yield f"database {database.name}: {entry.place[1]}: {told}"
        if entry.shape.view:
            yield f"database {database.name}: {entry.place[1]} is a view: searched, never changed"
        elif not entry.shape.key:
            yield f"database {database.name}: {entry.place[1]} has no primary key"
