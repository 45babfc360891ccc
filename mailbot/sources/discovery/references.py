"""Who refers to whom: declared foreign keys, likely undeclared ones, pairs of type and id.

A likely reference needs a name that says so and values that are found at the other end; a name
alone is believed only where there are no values, values alone only where they cannot be chance.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mailbot.record import plain
from mailbot.sources import schema
from mailbot.sources.discovery import words
from mailbot.sources.discovery.study import Studied, Study

_FEWEST = 3  # values found, to believe a reference by its values
_MOST_LOOKUPS = 400  # questions asked of one database about values
_ENDINGS = frozenset({"id", "number", "code", "by", "type"})


@dataclass(frozen=True, slots=True)
class Found:
    """A reference: columns of `child` name a row of `parent`. `declared`: by the database."""

    child: Studied
    columns: tuple[str, ...]
    parent: Studied
    to: tuple[str, ...]
    confidence: float
    why: str
    declared: bool = False
    where: dict[str, str] = field(default_factory=dict)


def declared(study: Study) -> list[Found]:
    """The foreign keys of a database."""
    return [
        Found(
            study.tables[one.child],
            one.columns,
            study.tables[one.parent],
            one.to,
            1.0,
            "declared by the database",
            declared=True,
        )
        for one in study.catalog.references
        if one.child in study.tables and one.parent in study.tables
    ]


@dataclass(slots=True)
class Seeker:
    """Looks for references that nobody declared, in and between databases."""

    studies: Sequence[Study]
    _asked: int = 0
    _hits: dict[tuple[object, ...], float | None] = field(default_factory=dict)

    def seek(self) -> list[Found]:
        """Declared references, then likely ones, one for each column."""
        found = [one for study in self.studies for one in declared(study)]
        taken = {(*one.child.place, column) for one in found for column in one.columns}
        for study in self.studies:
            for table in study.tables.values():
                pairs = list(self._typed(table))
                found += pairs
                taken |= {(*table.place, one.columns[0]) for one in pairs}
                for column in table.shape.columns:
                    if (*table.place, column) not in taken:
                        best = self._likely(table, column)
                        found += [best] if best else []
        return found

    # One column that names rows of one table.

    def _likely(self, child: Studied, column: str) -> Found | None:
        role = child.roles[column]
        numbered = role.what == "personal" and role.detail.endswith("_no")
        known = ("reference", "none", "customer_no", "user_id", "text", "source")
        if role.what not in known and not numbered:
            return None
        if child.shape.columns[column].family not in (
            schema.INTEGER,
            schema.NUMBER,
            schema.TEXT,
            schema.UUID,
        ):
            return None
        if role.what in ("text", "source", "none") and not self._says_id(column):
            return None
        if child.shape.view:
            return None
        own = child.shape.key == (column,)  # a key may be another table's key as well, no more
        best: Found | None = None
        closest = 0.0
        for parent, to, score, why in self._targets(child, column):
            if own and parent.shape.key != (to,):
                continue
            hits = self._share(child, column, parent, to)
            confidence = _believed(score, hits, self._is_chance(child, column))
            near = 0.1 if _same_family(child, parent) else 0.0
            if confidence and confidence + near > closest:
                closest = confidence + near
                shown = (
                    "no values to check" if hits is None else f"{round(hits * 100)} % found there"
                )
                best = Found(child, (column,), parent, (to,), confidence, f"{why}, {shown}")
        return best

    def _says_id(self, column: str) -> bool:
        tags = words.tags(column)
        return bool(tags) and bool(tags[-1] & (_ENDINGS | words.PEOPLE | {"actor", "sender"}))

    def _targets(self, child: Studied, column: str) -> Iterator[tuple[Studied, str, float, str]]:
        """Where a column may point to: table, column, how well the names fit, in which way."""
        spelt = words.words(column)
        stripped = self._bare(spelt)
        for study in self.studies:
            foreign = study.system != child.system
            for parent in study.tables.values():
                if parent is child or parent.shape.view:
                    continue
                for to in _keys(parent):
                    score, why = self._fit(
                        child, spelt, stripped, parent, to, study.system, foreign
                    )
                    if score:
                        yield parent, to, score, why

    def _fit(
        self,
        child: Studied,
        spelt: tuple[str, ...],
        bare: tuple[str, ...],
        parent: Studied,
        to: str,
        system: str,
        foreign: bool,
    ) -> tuple[float, str]:
        target = words.words(to)
        less = 0.05 if foreign else 0.0
        # KDNR in AUFTRAG and in KUNDE: the same unusual name, and there it tells rows apart.
        if spelt == target and len("".join(spelt)) >= 3 and _is_own_key(parent, to):
            score = 0.9 if parent.shape.key == (to,) else 0.8
            return score - less, f"named like {parent.label}.{to}"
        if parent.shape.key != (to,):
            return 0.0, ""
        if foreign and bare and bare[0] in words.words(system):
            rest = bare[1:]
            if not rest and parent.called("customer", "contact", "user", "member", "person"):
                return 0.75, f"named after the database {system}"
            if rest and words.same_thing(rest, parent.words):
                return 0.9, f"named after {system} and its table {parent.label}"
        if not bare:
            return 0.0, ""
        score = words.same_thing(bare, parent.words)
        if score == 0 and "sender" in words.last_tag("_".join(bare)) and not foreign:
            # post_author, innsender_id: whoever wrote it is one of the users.
            score = 0.7 if parent.called("user") and not parent.called("text") else 0.0
        if score == 0 and len(target) > 1 and spelt[-len(target) :] == target:
            score = 0.9  # ord_knd_id and knd_id
        if (
            score == 0
            and _same_family(child, parent)
            and _whose("_".join(bare))
            and _whose_table(parent)
        ):
            score = 0.66  # wp_orders.customer_id: among the wp_ tables, users are the customers
        if foreign and score < 0.85:
            return 0.0, ""
        return (score - less, f"named after {parent.label}") if score else (0.0, "")

    def _bare(self, spelt: tuple[str, ...]) -> tuple[str, ...]:
        """Without what says that it is an id: kontakt_id is kontakt."""
        found = [word for word in spelt if not word.isdigit()]
        while (
            len(found) > 1
            and words.tags(found[-1])
            and words.tags(found[-1])[0] & {"id", "number", "code", "by"}
        ):
            found.pop()
        if len(found) == 1 and found[0] in ("id", "nr", "no"):
            return ()
        return tuple(found)

    def _is_chance(self, child: Studied, column: str) -> bool:
        """Whether values of a column may be found elsewhere by mere chance: small numbers."""
        some = child.sample.texts(column)[:60]
        return not some or any(
            len(text) < 8 or (text.isdigit() and len(text) < 10) for text in some
        )

    def _share(self, child: Studied, column: str, parent: Studied, to: str) -> float | None:
        """Which share of a column's values is found at the other end; None: nothing to ask by."""
        values = list(dict.fromkeys(child.sample.texts(column)))
        return self.share(values, parent, to)

    def share(self, values: Sequence[str], parent: Studied, to: str) -> float | None:
        """Which share of values is found in a column of another table."""
        values = [value for value in values if value not in ("0", "-1")][:60]
        if not values:
            return None
        name = (*parent.place, to, tuple(values))
        if name not in self._hits:
            self._hits[name] = self._asked_for(values, parent, to)
        return self._hits[name]

    def _asked_for(self, values: Sequence[str], parent: Studied, to: str) -> float | None:
        self._asked += 1
        if self._asked > _MOST_LOOKUPS:
            return None
        study = next(one for one in self.studies if one.system == parent.system)
        rows = study.sampler.among(parent.shape, to, values)
        if rows is None:
            return None
        there = {(plain(row.get(to)) or "").strip().casefold() for row in rows}
        return sum(value.casefold() in there for value in values) / len(values)

    # Two columns: a type that names the table, and an id in it.

    def _typed(self, child: Studied) -> Iterator[Found]:
        for kind_column in child.shape.columns:
            stem = _typed_stem(kind_column)
            if stem is None:
                continue
            id_column = next((name for name in child.shape.columns if _id_stem(name, stem)), None)
            kinds = list(dict.fromkeys(child.sample.texts(kind_column)))
            if id_column is None or not 1 <= len(kinds) <= 30:
                continue
            for kind in kinds:
                values = [
                    plain(row.get(id_column)) or ""
                    for row in child.sample.rows
                    if (plain(row.get(kind_column)) or "").strip() == kind
                    and row.get(id_column) is not None
                ]
                parent = self._of_kind(child, kind, list(dict.fromkeys(filter(None, values))))
                if parent is not None:
                    yield Found(
                        child,
                        (id_column,),
                        parent,
                        parent.shape.key,
                        0.85,
                        f"{kind_column} names the table",
                        where={kind_column: kind},
                    )

    def _of_kind(self, child: Studied, kind: str, values: list[str]) -> Studied | None:
        """The table that a type names: "kontakt", "App\\Models\\Contact", "crm.contacts"."""
        spelt = words.words(re.split(r"[\\/.:]", kind)[-1])
        best: tuple[float, Studied] | None = None
        for study in self.studies:
            for parent in study.tables.values():
                if len(parent.shape.key) != 1 or parent is child or parent.shape.view:
                    continue
                score = words.same_thing(spelt, parent.words)
                score -= 0.05 if study.system != child.system else 0.0
                if score >= 0.6 and (best is None or score > best[0]):
                    share = self.share(values, parent, parent.shape.key[0])
                    if share is None or share >= 0.5:
                        best = (score, parent)
        return best[1] if best else None


def _same_family(one: Studied, other: Studied) -> bool:
    """Whether two tables bear the prefix of one application: wp_users, wp_wc_orders."""
    mine, theirs = one.words, other.words
    return (
        len(mine) > 1
        and len(theirs) > 1
        and mine[0] == theirs[0]
        and one.system == other.system
        and words.tags(mine[0]) == (frozenset(("?",)),)
    )


def _whose(name: str) -> bool:
    """Whether a name is that of a person in some role."""
    return bool(words.last_tag(name) & words.PEOPLE)


def _whose_table(table: Studied) -> bool:
    return bool(words.last_tag(table.shape.name[1]) & words.PEOPLE)


def _believed(score: float, hits: float | None, chance: bool) -> float:
    """How sure a reference is by name and values; 0: not enough."""
    if hits is None:
        return 0.6 if score >= 0.85 else 0.0
    if score >= 0.85:
        return 0.0 if hits < 0.5 else 0.75 + 0.2 * hits
    if score >= 0.65:
        return 0.0 if hits < 0.8 else 0.6 + 0.2 * hits
    return 0.0 if chance or hits < 0.8 else 0.7


def _keys(table: Studied) -> Iterator[str]:
    """Columns that tell the rows of a table apart."""
    if len(table.shape.key) == 1:
        yield table.shape.key[0]
    for name in table.shape.columns:
        if (name,) != table.shape.key and _is_own_key(table, name):
            yield name


def _is_own_key(table: Studied, name: str) -> bool:
    if table.shape.key == (name,):
        return True
    role = table.roles[name]
    numbered = role.what == "personal" and role.detail.endswith("_no")
    return (
        (role.what in ("reference", "customer_no", "user_id") or numbered)
        and len(table.sample.rows) >= 5
        and table.is_unique(name)
        and len(table.sample.texts(name)) >= 0.9 * len(table.sample.rows)
    )


def _typed_stem(name: str) -> str | None:
    """owner_type, eier_tabell, record_table, content_type, table_name: "owner", "eier", …"""
    parts = words.words(name)
    tags = words.tags(name)
    if not tags:
        return None
    if tags[-1] & {"type"} and len(parts) > 1:
        return "_".join(parts[:-1])
    if len(tags) > 1 and tags[-1] & {"name"} and parts[-2] in ("table", "tabell", "tabelle"):
        return ""
    return (
        ""
        if parts
        in (("tabell",), ("table",), ("tabelle",), ("entity",), ("objekttype",), ("objecttype",))
        else None
    )


def _id_stem(name: str, stem: str) -> bool:
    parts = words.words(name)
    tags = words.tags(name)
    if not tags or not tags[-1] & {"id", "number"} or len(parts) < 2:
        return False
    if stem:
        return "_".join(parts[:-1]) == stem
    return parts[-2] in (
        "record",
        "row",
        "rad",
        "post",
        "objekt",
        "object",
        "entity",
        "rec",
        "tabell",
        "table",
        "ref",
    )
