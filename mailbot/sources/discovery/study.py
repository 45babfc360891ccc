"""One database, read: its tables, a sample of each, and the role of every column."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from mailbot.sources import engines, schema
from mailbot.sources.discovery import words
from mailbot.sources.discovery.looks import Looks
from mailbot.sources.discovery.roles import IDENTITY, Role, role
from mailbot.sources.discovery.sampling import Sample, Sampler, documents, encoding_of
from mailbot.sources.reading import parse, texts
from mailbot.sources.schema import Catalog, Column, Shape, TableName, reflect

_SYSTEM = (
    "pg_",
    "information_schema",
    "sys",
    "guest",
    "db_",
    "INFORMATION_SCHEMA",
    "mysql",
    "performance_schema",
)
_LEAVES = 40  # of JSON, in one column
_LABELS = (
    "k",
    "key",
    "name",
    "label",
    "navn",
    "felt",
    "field",
    "feld",
    "question",
    "sporsmal",
    "title",
    "id",
    "type",
    "kode",
    "code",
    "nokkel",
)
_VALUES = (
    "v",
    "value",
    "verdi",
    "val",
    "wert",
    "answer",
    "svar",
    "text",
    "tekst",
    "content",
    "data",
)


@dataclass(slots=True)
class Studied:
    """A table with what is known of it. `leaves`: keys and personal data inside JSON."""

    system: str
    shape: Shape
    label: str
    sample: Sample
    roles: dict[str, Role]
    leaves: dict[str, Role] = field(default_factory=dict)

    @property
    def place(self) -> tuple[str, str]:
        """System and name, as references in the data map are written."""
        return self.system, self.label

    @property
    def words(self) -> tuple[str, ...]:
        """The words of its name, without the schema."""
        return words.words(self.shape.name[1])

    def called(self, *tags: str) -> bool:
        """Whether its name means any of these."""
        return words.has(self.shape.name[1], *tags)

    def having(self, *whats: str) -> dict[str, Role]:
        """Columns with one of these roles."""
        return {name: found for name, found in self.roles.items() if found.what in whats}

    def names_of(
        self, row: Mapping[str, object], parties: Sequence[str] | None = None
    ) -> list[str]:
        """The people's names that a sampled row shows, perhaps of some parties only."""

        def having(*whats: str) -> list[str]:
            roles = self.having(*whats)
            return [n for n, role in roles.items() if parties is None or role.party in parties]

        first, last = next(iter(having("first")), None), next(iter(having("last")), None)
        found = [str(row.get(name) or "") for name in having("fullname", "name")]
        if first and last:
            found.append(f"{row.get(first) or ''} {row.get(last) or ''}")
        return [text for text in found if text.strip()]

    def is_unique(self, column: str) -> bool:
        """Whether no two rows of the sample share a value (or the schema forbids it)."""
        if self.shape.key == (column,):
            return True
        filled = self.sample.texts(column)
        return bool(filled) and len(set(filled)) == len(filled) and len(filled) >= 2


@dataclass(slots=True)
class Study:
    """A whole database."""

    system: str
    dialect: str
    catalog: Catalog
    tables: dict[TableName, Studied]
    sampler: Sampler

    def find(self, label: str) -> Studied | None:
        """A table by its name in the map."""
        return next((table for table in self.tables.values() if table.label == label), None)


def study(system: str, engine: Engine, default: str | None, region: str) -> Study:
    """Reflect a database, sample its tables, judge its columns. Raises Transient or Permanent."""
    with engines.translated(system, "reading the schema"), engine.connect() as connection:
        catalog = reflect(connection, default, _all_schemas(connection, default))
        dialect = connection.dialect.name
    sampler = Sampler(engine)
    tables: dict[TableName, Studied] = {}
    for name, shape in sorted(catalog.shapes.items(), key=lambda pair: str(pair[0])):
        sample = sampler.sample(shape)
        tables[name] = _studied(system, catalog.label(name), shape, sample, region)
    return Study(system, dialect, catalog, tables, sampler)


def _all_schemas(connection: sa.Connection, default: str | None) -> list[str]:
    """Names that make `reflect` look into every schema of people, where there are schemas."""
    if default is not None or connection.dialect.name not in ("postgresql", "mssql"):
        return []
    names = sa.inspect(connection).get_schema_names()
    own = connection.dialect.default_schema_name
    return [f"{name}." for name in names if name != own and not name.startswith(_SYSTEM)]


def _studied(system: str, label: str, shape: Shape, sample: Sample, region: str) -> Studied:
    prefix = _prefix(list(shape.columns))
    dialled = words.has(shape.name[1], "call", "phone")
    table = Studied(system, shape, label, sample, {})
    for name, column in shape.columns.items():
        values = sample.filled(name)
        encodings = Counter(encoding_of(value) for value in values)
        encoding = _encoding(encodings) if column.family == schema.BYTES else ""
        looks = Looks(sample.texts(name), region, len(sample.rows))
        table.roles[name] = _role(name, prefix, column, looks, encoding, dialled)
        if table.roles[name].what == "json":
            table.leaves |= _leaves(name, looks.texts, region)
    return table


def _encoding(encodings: Counter[str]) -> str:
    """The encoding of a column of octets: most are plain ASCII, the odd ones tell."""
    readable = {name: count for name, count in encodings.items() if name}
    if sum(readable.values()) < 0.6 * sum(encodings.values()) or not readable:
        return ""
    odd = {name: count for name, count in readable.items() if name != "utf-8"}
    return max(odd, key=lambda name: odd[name]) if odd else "utf-8"


def _role(
    name: str, prefix: str, column: Column, looks: Looks, encoding: str, dialled: bool
) -> Role:
    bare = name
    parts = words.words(name)
    if prefix and len(parts) > 1 and parts[0] == prefix:
        bare = "_".join(parts[1:])
    found = role(bare, column, looks, encoding, dialled)
    if found.what in ("none", "reference") and bare != name:
        whole = role(name, column, looks, encoding, dialled)
        if whole.what != "none":
            return whole
    return found


def _prefix(columns: Sequence[str]) -> str:
    """The word that most columns of a table begin with: knd_nr, knd_navn, knd_epost."""
    firsts = Counter(parts[0] for name in columns if len(parts := words.words(name)) > 1)
    if not firsts:
        return ""
    word, count = firsts.most_common(1)[0]
    return word if count >= 3 and count >= 0.7 * len(columns) else ""


def _leaves(column: str, values: Sequence[str], region: str) -> dict[str, Role]:
    """Leaves of the JSON in a column that are keys or personal data, by path."""
    paths: Counter[str] = Counter()
    for document in documents(values):
        paths.update(set(_paths(document, column)))
    found: dict[str, Role] = {}
    for path, _ in paths.most_common(_LEAVES):
        label = _label(path)
        if not label:
            continue
        shown = [text for value in values for text in _at(path, column, value) if text.strip()]
        judged = role(label, Column(label, schema.TEXT, True, None, False), Looks(shown, region))
        if judged.what in IDENTITY or judged.what == "personal":
            found[path] = judged
    return found


def _paths(node: object, path: str, depth: int = 0) -> Iterator[str]:
    if depth > 6:
        return
    if isinstance(node, dict):
        for name, child in node.items():
            if isinstance(name, str) and name and not set(name) & set(".[] "):
                yield from _paths(child, f"{path}.{name}", depth + 1)
    elif isinstance(node, list):
        members = [member for member in node[:50] if isinstance(member, dict)]
        labelled = next((pair for member in members if (pair := _labelled(member))), None)
        if labelled:
            key, value = labelled
            for member in members:
                said = member.get(key)
                if isinstance(said, str) and value in member and not set(said) & set("[]="):
                    yield f"{path}[{key}={said}].{value}"
        else:
            for member in members:
                yield from _paths(member, path, depth + 1)
    elif isinstance(node, str | int) and not isinstance(node, bool):
        yield path


def _labelled(member: Mapping[str, object]) -> tuple[str, str] | None:
    """The two names in {"k": "E-post", "v": "…"}: a form's answers are often kept so."""
    lower = {name.lower(): name for name in member if isinstance(name, str)}
    key = next((lower[name] for name in _LABELS if name in lower), None)
    value = next((lower[name] for name in _VALUES if name in lower), None)
    return (key, value) if key and value and len(member) <= 4 else None


def _label(path: str) -> str:
    """What a leaf is called: "svar.felt[k=E-post].v" is "E-post"."""
    if path.endswith("]"):
        return ""
    head, bracket, rest = path.rpartition("[")
    if bracket and "=" in rest and rest.count(".") == 1:
        return rest.partition("=")[2].partition("]")[0].replace(" ", "_")
    return path.rpartition(".")[2] if "." in path else ""


def _at(path: str, column: str, value: str) -> Iterator[str]:
    for leaf in parse(path, (column,)) or ():
        yield from texts(leaf, {column: value})
