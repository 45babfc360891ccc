"""What a database says of itself: tables, columns, keys and who refers to whom."""

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.engine.reflection import Inspector, ObjectKind, ObjectScope

from mailbot.record import Row
from mailbot.sources import catalogue
from mailbot.sources.catalogue import MYSQL

TEXT, INTEGER, NUMBER, BOOLEAN, DATE, DATETIME, TIME, BYTES, UUID, JSON, OTHER = (
    "text", "integer", "number", "boolean", "date", "datetime", "time", "bytes", "uuid", "json",
    "other",
)  # fmt: skip

TableName = tuple[str | None, str]  # schema (None: the default one), table


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `family` is what it holds; `generated`: the database computes it itself."""

    name: str
    family: str
    nullable: bool
    length: int | None
    generated: bool
    bits: int = 63  # of a whole number, without its sign
    zoned: bool = False  # a moment with its time zone
    exact: bool = True  # what was read from it can be compared with = and is found again
    truth: bool = False  # a number that stands for yes and no: TINYINT(1), BIT
    document: bool = False  # text that must be JSON
    folds: bool = False  # its collation takes words for equal that differ in case or accents


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: `child`'s columns name a row of `parent`. on_delete: CASCADE, SET NULL, ""…"""

    child: TableName
    columns: tuple[str, ...]
    parent: TableName
    to: tuple[str, ...]
    on_delete: str


@dataclass(frozen=True, slots=True)
class Shape:
    """A table as it is: its columns, its key (empty: none) and what must be unique in it."""

    name: TableName
    columns: Mapping[str, Column]
    key: tuple[str, ...]
    unique: frozenset[str]  # columns that stand in a unique key or index
    view: bool
    table: sa.Table = field(compare=False)
    dialect: str = ""
    rows: float = 0  # about how many
    indexed: Mapping[str, Set[str]] = field(default_factory=dict, compare=False)  # see catalogue

    @property
    def label(self) -> str:
        """The table's name as people write it."""
        schema, name = self.name
        return f"{schema}.{name}" if schema else name

    @property
    def key_columns(self) -> tuple[str, ...]:
        """What names a row: the primary key, or all columns where there is none."""
        return self.key or tuple(self.columns)

    def folds(self, columns: Iterable[str]) -> bool:
        """Whether the database compares any of these columns without regard to case."""
        return any(name in self.columns and self.columns[name].folds for name in columns)

    def key_of(self, row: Row) -> Row:
        """What names one row: its primary key; all columns where there is none, or where it is
        empty in part (SQLite allows that, and such keys tell nothing apart)."""
        if any(row[name] is None for name in self.key):
            return dict(row)
        return {name: row[name] for name in self.key_columns}

    def is_whole(self, key: Row) -> bool:
        """Whether a key is no primary key but all columns of its row."""
        return set(key) != set(self.key)


@dataclass(frozen=True, slots=True)
class Catalog:
    """All tables of the schemas that the data map touches, and every foreign key among them."""

    shapes: Mapping[TableName, Shape]
    references: tuple[Reference, ...]
    default: str | None

    def find(self, text: str) -> Shape | None:
        """A table by the name in the data map: "table" or "schema.table"."""
        plain = self.shapes.get((self.default, text))
        if plain is not None or "." not in text:
            return plain
        schema, _, name = text.partition(".")
        return self.shapes.get((schema, name))

    def label(self, name: TableName) -> str:
        """The name by which the data map would call a table."""
        schema, table = name
        return table if schema == self.default or not schema else f"{schema}.{table}"


def reflect(connection: sa.Connection, default: str | None, mapped: Iterable[str]) -> Catalog:
    """Read the shape of the default schema, of every other one that a mapped name mentions, and of
    those whose tables refer to them: a deletion would reach there."""
    inspector = sa.inspect(connection)
    known = set(inspector.get_schema_names())
    own = default or inspector.default_schema_name or ""
    others = {text.partition(".")[0] for text in mapped if "." in text} & known
    others |= catalogue.referring(connection, {own, *others}) & known - {own}
    parts = catalogue.partitions(connection)
    shapes: dict[TableName, Shape] = {}
    references: list[Reference] = []
    for schema in (default, *sorted(others - {default})):
        hidden = {name for place, name in parts if place == (schema or own)}
        found = _shapes(inspector, schema, connection)
        shapes |= {place: shape for place, shape in found.items() if place[1] not in hidden}
        rules = catalogue.delete_rules(connection, (table for _, table in found))
        for one in _references(inspector, schema, default, own):
            rule = rules.get((one.child[1], one.columns))
            references.append(one if rule is None else replace(one, on_delete=rule))
    filled = (_filled(one, shapes) for one in references if one.child in shapes)
    return Catalog(shapes, tuple(reference for reference in filled if reference), default)


def _shapes(
    inspector: Inspector, schema: str | None, connection: sa.Connection
) -> dict[TableName, Shape]:
    dialect = connection.dialect.name
    folding = catalogue.folding(connection, schema)
    documents = catalogue.documents(connection, schema)
    rows, indexed = catalogue.sizes(connection, schema), catalogue.indexes(connection, schema)
    everything: dict[str, Any] = {
        "schema": schema, "kind": ObjectKind.ANY, "scope": ObjectScope.DEFAULT,
    }  # fmt: skip
    views = set(inspector.get_view_names(schema))
    views |= set(_materialized(inspector, schema))
    keys = inspector.get_multi_pk_constraint(**everything)
    unique = inspector.get_multi_unique_constraints(**everything)
    indexes = inspector.get_multi_indexes(**everything)
    found: dict[TableName, Shape] = {}
    for (_, name), columns in inspector.get_multi_columns(**everything).items():
        place = (schema, name)
        constraint = keys.get(place)
        key = tuple(constraint["constrained_columns"] or ()) if constraint else ()
        alone: set[str] = set()
        for rule in unique.get(place) or ():
            alone.update(rule["column_names"])
        for index in indexes.get(place) or ():
            if index.get("unique"):
                alone.update(column for column in index["column_names"] if column)
        shape_columns = {
            column["name"]: _column(column, dialect, folding.get(name, ()), documents.get(name, ()))
            for column in columns
        }
        table = sa.Table(
            name,
            sa.MetaData(),
            *(sa.Column(column["name"], _wire_type(column, dialect)) for column in columns),
            schema=schema,
        )
        found[place] = Shape(
            place, shape_columns, key, frozenset(alone), name in views, table, dialect,
            rows.get(name, 0), indexed.get(name, {}),
        )  # fmt: skip
    return found


def _materialized(inspector: Inspector, schema: str | None) -> list[str]:
    try:
        return inspector.get_materialized_view_names(schema)
    except NotImplementedError:
        return []


def _references(
    inspector: Inspector, schema: str | None, default: str | None, own: str
) -> Iterable[Reference]:
    for (_, name), keys in inspector.get_multi_foreign_keys(
        schema=schema, kind=ObjectKind.TABLE, scope=ObjectScope.DEFAULT
    ).items():
        for key in keys:
            options: Mapping[str, Any] = key.get("options") or {}
            named = key.get("referred_schema")
            parent = named if named and named != own else default
            yield Reference(
                child=(schema, name),
                columns=tuple(key["constrained_columns"]),
                parent=(parent, key["referred_table"]),
                to=tuple(key["referred_columns"] or ()),
                on_delete=str(options.get("ondelete") or "").upper(),
            )


def _filled(reference: Reference, shapes: Mapping[TableName, Shape]) -> Reference | None:
    """A foreign key that names no columns means the parent's primary key (SQL-92)."""
    parent = shapes.get(reference.parent)
    if parent is None:
        return None
    to = reference.to if all(reference.to) and reference.to else parent.key
    if len(to) != len(reference.columns):
        return None
    return Reference(reference.child, reference.columns, reference.parent, to, reference.on_delete)


def _wire_type(column: ReflectedColumn, dialect: str) -> types.TypeEngine[Any]:
    """SQLite stores any value in any column: its values are taken as they are, not as declared.

    MySQL's floats are read as floats, since ten decimals of them are not the number; its TIME is
    a span of up to 838 hours, of which a time of day would lose the days.
    """
    kind = column["type"]
    if dialect == "sqlite":
        return types.NullType()
    if dialect in MYSQL:
        if isinstance(kind, types.Float):
            return types.Double() if isinstance(kind, types.Double) else types.Float()
        if isinstance(kind, types.Time):
            return types.NullType()
        plain: dict[str, types.TypeEngine[Any]]
        plain = {"YEAR": types.Integer(), "SET": types.String()}  # a set in its declared order
        return plain.get(type(kind).__name__, kind)
    return kind


_FAMILIES: tuple[tuple[type[types.TypeEngine[Any]], str], ...] = (
    (types.Boolean, BOOLEAN),
    (types.Integer, INTEGER),
    (types.Numeric, NUMBER),
    (types.Float, NUMBER),
    (types.DateTime, DATETIME),
    (types.Date, DATE),
    (types.Time, TIME),
    (types.JSON, JSON),
    (types.Uuid, UUID),
    (types.Enum, OTHER),
    (types.LargeBinary, BYTES),
    (types.String, TEXT),
)


def _bits(kind: types.TypeEngine[Any], dialect: str) -> int:
    """Only PostgreSQL casts a parameter to the column's own size, and then refuses a larger one."""
    if dialect != "postgresql" or isinstance(kind, types.BigInteger):
        return 63
    return 15 if isinstance(kind, types.SmallInteger) else 31


def _column(
    column: ReflectedColumn, dialect: str, folding: Collection[str], documents: Collection[str]
) -> Column:
    kind = column["type"]
    family = next((name for type_, name in _FAMILIES if isinstance(kind, type_)), "")
    if not family:
        family = _by_name(kind)
    # MySQL's truth values are small numbers, and may hold other ones than 0 and 1.
    truth = dialect in MYSQL and (family == BOOLEAN or getattr(kind, "display_width", 0) == 1)
    length = getattr(kind, "length", None) if family == TEXT else None
    return Column(
        name=column["name"],
        family=INTEGER if truth else family,
        nullable=bool(column.get("nullable", True)),
        length=length if isinstance(length, int) and length > 0 else None,
        generated=bool(column.get("computed") or column.get("identity")),
        bits=_bits(kind, dialect),
        zoned=bool(getattr(kind, "timezone", False)),
        exact=dialect == "sqlite" or _is_exact(kind, family, dialect),
        truth=truth,
        document=column["name"] in documents,
        folds=column["name"] in folding or type(kind).__name__ == "CITEXT",
    )


def _is_exact(kind: types.TypeEngine[Any], family: str, dialect: str) -> bool:
    """Types without "=" (json, xml, point), and short floats, which "=" finds unlike themselves."""
    if dialect in MYSQL and (family == TIME or isinstance(kind, types.Enum)):
        return family != TIME
    if isinstance(kind, types.NullType) or family in (JSON, OTHER):
        return False
    if dialect == "mssql" and isinstance(kind, types.Text):  # text, ntext, xml
        return False
    return not isinstance(kind, types.Float) or isinstance(kind, types.Double)


def _by_name(kind: types.TypeEngine[Any]) -> str:
    """Types that an engine adds of its own, by the name of their class."""
    name = type(kind).__name__.upper()
    if "BINARY" in name or name in ("BYTEA", "IMAGE", "ROWVERSION", "TIMESTAMP"):
        return BYTES
    if name in ("CITEXT", "SQL_VARIANT", "TINYTEXT", "MEDIUMTEXT", "LONGTEXT", "NTEXT"):
        return TEXT
    if name == "BIT":
        return BOOLEAN
    if name == "YEAR":
        return INTEGER
    return TEXT if name == "NULLTYPE" else OTHER
