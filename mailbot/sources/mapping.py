"""The data map laid over a database: entries (what to search) and links (who owns what)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mailbot.datamap import Database, Join, Table
from mailbot.sources.reading import Expression, Leaf, parse
from mailbot.sources.schema import Catalog, Shape, TableName

Place = tuple[str, str]  # system, table as the data map calls it


@dataclass(frozen=True, slots=True)
class Link:
    """A reference from a row to the row that it belongs to. kind: owner | same."""

    child: Place
    columns: tuple[str, ...]
    parent: Place
    to: tuple[str, ...]
    kind: str
    where: Mapping[str, object] = field(default_factory=dict, hash=False)

    def step(self, shown_system: bool) -> str:
        """The child's end of a trail: "orders.contact_id"."""
        system = f"{self.child[0]}:" if shown_system else ""
        return f"{system}{self.child[1]}.{'+'.join(self.columns)}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One [[database.table]] with the table that it speaks of."""

    place: Place
    number: int  # its place in the data map
    spec: Table
    shape: Shape
    identify: Mapping[str, tuple[Expression, ...]]
    read: tuple[tuple[Leaf, str], ...]
    links: tuple[Link, ...]

    @property
    def teaches(self) -> bool:
        """Whether keys of the person are read from its rows."""
        return self.spec.is_ == "person" or any(link.kind == "same" for link in self.links)

    @property
    def personal(self) -> dict[str, tuple[str, ...]]:
        """Category → columns that hold it: keys, what the map names, and text about anybody."""
        found: dict[str, list[str]] = {}
        columns = self.shape.columns
        for kind, expressions in self.identify.items():
            for expression in expressions:
                found.setdefault(kind, []).extend(leaf.column for leaf in expression)
        for category, names in self.spec.personal.items():
            for name in names:
                for leaf in parse(name, columns) or ():
                    found.setdefault(category, []).append(leaf.column)
        for leaf, _ in self.read:
            found.setdefault("text", []).append(leaf.column)
        return {category: tuple(dict.fromkeys(names)) for category, names in found.items()}

    def encoding(self, column: str) -> str:
        """The encoding that the map names for a column, if it does."""
        kinds = (kind for leaf, kind in self.read if leaf.column == column)
        return next((kind.partition(" ")[2] for kind in kinds if kind.startswith("text ")), "")


@dataclass(frozen=True, slots=True)
class Mapped:
    """One database under its map. `faults`: entries that do not fit, and so are not searched."""

    system: str
    catalog: Catalog
    entries: tuple[Entry, ...]
    faults: tuple[tuple[str, str], ...]  # table, what is wrong
    unmapped: tuple[str, ...]

    def of(self, table: str) -> tuple[Entry, ...]:
        """The entries of one table."""
        return tuple(entry for entry in self.entries if entry.place[1] == table)


def follows(entry: Entry, link: Link) -> bool:
    """Whether rows of an entry are the person's because what they refer to is: another person's
    own record is not, nor is the organisation's."""
    if entry.spec.is_ in ("own", "none", "company"):
        return False
    return link.kind == "same" or entry.spec.is_ != "person"


def lay(database: Database, catalog: Catalog) -> Mapped:
    """Lay the map over the database; what does not fit is named, never guessed at."""
    names = _names(database, catalog)
    entries: list[Entry] = []
    faults: list[tuple[str, str]] = []
    for number, spec in enumerate(database.table):
        shape = catalog.find(spec.name)
        if shape is None:
            faults.append((spec.name, "no such table"))
            continue
        missing = missing_columns(spec, shape)
        if missing:
            faults.append((spec.name, f"no column {', '.join(missing)}"))
            continue
        entries.append(_entry(database.name, number, spec, shape, catalog, names))
    mapped = set(names)
    unmapped = sorted(
        catalog.label(name)
        for name, shape in catalog.shapes.items()
        if name not in mapped and not shape.view
    )
    return Mapped(database.name, catalog, tuple(entries), tuple(faults), tuple(unmapped))


def _names(database: Database, catalog: Catalog) -> dict[TableName, str]:
    """What the data map calls each table that it mentions."""
    found: dict[TableName, str] = {}
    for spec in database.table:
        shape = catalog.find(spec.name)
        if shape is not None:
            found.setdefault(shape.name, spec.name)
    return found


def expressions(spec: Table) -> list[tuple[str, str]]:
    """Every column expression in an entry, with the key of the map under which it stands."""
    found = [(f"identify.{kind}", text) for kind, texts in spec.identify.items() for text in texts]
    found += [(f"personal.{name}", text) for name, texts in spec.personal.items() for text in texts]
    found += [("read", text) for text in spec.read]
    found += [("volatile", text) for text in spec.volatile]
    found += [("where", text) for text in spec.where]
    found += [("replace", text) for text in spec.replace]
    found += [(f"set.{right}", text) for right, texts in spec.set.items() for text in texts]
    if isinstance(spec.source.get("column"), str):
        found.append(("source.column", spec.source["column"]))
    if spec.keep:
        found += [("keep.columns", text) for text in spec.keep.columns if text != "*"]
    if spec.disclosure:
        recipient = spec.disclosure.recipient
        own = ["column"] if "table" in recipient else ["name", "email"]
        found += [(f"disclosure.{part}", recipient[part]) for part in own if recipient.get(part)]
        if spec.disclosure.date:
            found.append(("disclosure.date", spec.disclosure.date))
    for join in spec.join:
        found += [("join.columns", text) for text in join.columns]
        found += [("join.where", text) for text in join.where]
    return found


def missing_columns(spec: Table, shape: Shape) -> tuple[str, ...]:
    """Column expressions of an entry that the table has not got."""
    return tuple(
        dict.fromkeys(text for _, text in expressions(spec) if parse(text, shape.columns) is None)
    )


def _entry(
    system: str,
    number: int,
    spec: Table,
    shape: Shape,
    catalog: Catalog,
    names: Mapping[TableName, str],
) -> Entry:
    columns = shape.columns
    identify = {
        kind: tuple(found for text in texts if (found := parse(text, columns)))
        for kind, texts in spec.identify.items()
    }
    read = tuple(
        (leaf, kind) for text, kind in spec.read.items() for leaf in parse(text, columns) or ()
    )
    place = (system, spec.name)
    declared = [_declared(place, join) for join in spec.join]
    links = [link for link in declared if link.kind != "none"]
    links += _from_database(place, shape, catalog, names, declared)
    return Entry(place, number, spec, shape, identify, read, tuple(links))


def _declared(child: Place, join: Join) -> Link:
    system, colon, table = join.table.partition(":")
    parent = (system, table) if colon else (child[0], join.table)
    return Link(child, join.columns, parent, join.to, join.as_, dict(join.where))


def _from_database(
    child: Place,
    shape: Shape,
    catalog: Catalog,
    names: Mapping[TableName, str],
    declared: Sequence[Link],
) -> list[Link]:
    """Foreign keys that the database declares, unless the map says otherwise of those columns."""
    said = {link.columns for link in declared}
    found: list[Link] = []
    for reference in catalog.references:
        if reference.child != shape.name or reference.columns in said:
            continue
        parent = names.get(reference.parent)
        if parent is not None:
            found.append(Link(child, reference.columns, (child[0], parent), reference.to, "owner"))
    return found
