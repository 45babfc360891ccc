"""One entry of a proposed data map: whose it is, what is personal, what to read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mailbot.datamap import Table
from mailbot.sources.discovery.belonging import Decider
from mailbot.sources.discovery.keeping import comments
from mailbot.sources.discovery.kinds import Kind
from mailbot.sources.discovery.references import Found
from mailbot.sources.discovery.roles import NAMES, Role
from mailbot.sources.discovery.study import Studied
from mailbot.sources.mapping import missing_columns

_OWN_PARTIES = ("", "sender", "billing")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an entry: a dotted key, its value, how sure it is and why.

    `active` False: written as a comment, for a person to confirm.
    """

    key: str
    value: object
    confidence: float
    why: str
    active: bool = True


@dataclass(slots=True)
class Block:
    """A proposed [[database.table]]."""

    table: Studied
    kind: Kind
    lines: list[Line] = field(default_factory=list)
    where: dict[str, object] = field(default_factory=dict)

    def document(self) -> dict[str, object]:
        """The entry as TOML would be read, comments left out."""
        found: dict[str, object] = {"name": self.table.label, "is": self.kind.is_}
        if self.where:
            found["where"] = self.where
        joins = [line.value for line in self.lines if line.key == "join" and line.active]
        if joins:
            found["join"] = joins
        for line in self.lines:
            if not line.active or line.key == "join":
                continue
            place: dict[str, object] = found
            head, dot, rest = line.key.partition(".")
            if dot:
                inner = place.setdefault(head, {})
                assert isinstance(inner, dict)
                place, head = inner, rest
            place[head] = line.value
        return found


def fill(
    block: Block, references: Sequence[Found], decider: Decider, mapped: set[tuple[str, str]]
) -> None:
    table, kind = block.table, block.kind.is_
    if kind == "none":
        return
    joins = list(_joins(references, decider, mapped))
    if kind in ("own", "company"):
        _identify_others(block)
        return
    owned = any(decider.decide(one).as_ in ("owner", "same") for one in references)
    joined = {
        column
        for one in references
        if decider.decide(one).as_ or one.declared
        for column in one.columns
    }
    _identify(block, joined, owned)
    _personal(block, joined)
    _read(block, joined)
    for what, key in (("source", "source.column"),):
        best = max(table.having(what).items(), key=lambda pair: pair[1].confidence, default=None)
        if best and best[0] not in joined:
            block.lines.append(Line(key, best[0], best[1].confidence, best[1].why))
    volatile = table.having("volatile")
    if volatile:
        sure = min(role.confidence for role in volatile.values())
        block.lines.append(Line("volatile", list(volatile), sure, "changes by itself, by its name"))
    if joins:
        block.lines += joins
    block.lines += [
        Line(*comment, active=False) for comment in comments(table, kind, decider.references)
    ]


def _joins(
    references: Sequence[Found], decider: Decider, mapped: set[tuple[str, str]]
) -> Iterator[Line]:
    for one in references:
        belongs = decider.decide(one)
        if not belongs.as_ or (one.declared and belongs.as_ == "owner"):
            continue
        foreign = one.parent.system != one.child.system
        name = f"{one.parent.system}:{one.parent.label}" if foreign else one.parent.label
        value: dict[str, object] = {"columns": list(one.columns), "table": name, "to": list(one.to)}
        if one.where:
            value["where"] = dict(one.where)
        if belongs.as_ != "owner":
            value["as"] = belongs.as_
        why = one.why if belongs.as_ == "owner" else f"{belongs.why} ({one.why})"
        yield Line("join", value, one.confidence, why, active=one.parent.place in mapped)


def _identify_others(block: Block) -> None:
    """Staff and companies: keys that are nobody's else."""
    groups: dict[str, list[str]] = {}
    roles = block.table.roles
    for name, role in roles.items():
        if role.what in ("email", "phone") and role.party != "other":
            groups.setdefault(role.what, []).append(name)
    names = _name_expressions(
        {name: role for name, role in roles.items() if role.what in NAMES and role.party != "other"}
    )
    if names:
        groups["name"] = names
    for kind, found in groups.items():
        block.lines.append(_line(f"identify.{kind}", found, roles))


def _line(key: str, expressions: Sequence[str], roles: Mapping[str, Role]) -> Line:
    shown = [roles[part] for text in expressions for part in _parts(text, roles)]
    sure = min((role.confidence for role in shown), default=0.6)
    why = "; ".join(dict.fromkeys(role.why for role in shown[:3]))
    return Line(key, list(expressions), sure, why)


def _parts(text: str, roles: Mapping[str, Role]) -> list[str]:
    return [text] if text in roles else [part for part in text.split() if part in roles]


def _name_expressions(roles: Mapping[str, Role]) -> list[str]:
    """ "fornavn etternavn" is one name; a maiden name or a full name is an alternative."""
    found: list[str] = []
    parties = dict.fromkeys(role.party for role in roles.values())
    for party in parties:
        one = {name: role for name, role in roles.items() if role.party == party}
        by = {what: [n for n, role in one.items() if role.what == what] for what in NAMES}
        if by["first"] and by["last"]:
            for first, last in zip(by["first"], by["last"], strict=False):
                middle = by["middle"][:1] if len(by["first"]) == 1 else []
                found.append(" ".join([first, *middle, last]))
        elif by["first"] and by["name"]:
            # A first name beside a "name": the other is the surname.
            found.append(f"{by['first'][0]} {by['name'][0]}")
            by["name"] = by["name"][1:]
        else:
            found += by["last"]
        found += by["fullname"] + by["name"] + by["maiden"]
    return found


def _identify(block: Block, joined: set[str], owned: bool) -> None:
    table = block.table
    person = block.kind.is_ == "person"
    roles = {**table.roles, **table.leaves}
    mine = {name: role for name, role in roles.items() if name not in joined}
    main = [n for n, r in mine.items() if r.what == "email" and r.party in _OWN_PARTIES]
    mails = [
        name
        for name, role in mine.items()
        if role.what == "email"
        and (
            role.party in (*_OWN_PARTIES, "to")
            # Who receives somebody's order or gift does not own it.
            or (role.party == "delivery" and not main and not owned)
        )
    ]
    phones = [
        name
        for name, role in mine.items()
        if role.what == "phone"
        and (
            role.party in _OWN_PARTIES
            or role.party in ("delivery", "to")
            and not owned
            and not main
        )
    ]
    names = _name_expressions(
        {
            name: role
            for name, role in mine.items()
            if role.what in NAMES
            and (role.what != "name" or _is_a_persons(table, name, role))
            and (role.party in _OWN_PARTIES or role.party == "delivery" and not owned and not main)
        }
    )
    keyed = bool(mails or phones)
    if names and (person or keyed or not owned):
        pass
    else:
        names = []
    for kind, found in (("email", mails), ("phone", phones), ("name", names)):
        if found:
            block.lines.append(_line(f"identify.{kind}", found, roles))
    numbers = [n for n, r in mine.items() if r.what == "customer_no" and _is_own(block, r)]
    if numbers:
        block.lines.append(_line("identify.customer_no", numbers, roles))
    ids = [
        n
        for n, r in mine.items()
        if r.what == "user_id" and r.looks.number < 0.2 and r.looks.email < 0.2
    ]
    ids = [n for n in ids if _tells(roles[n])]
    if ids:
        block.lines.append(_line("identify.user_id", ids, roles))


def _is_a_persons(table: Studied, name: str, role: Role) -> bool:
    """Whether a column that is merely called a name holds people's: by its values, or because it
    stands beside first names and so holds surnames."""
    beside = name in table.roles and bool(table.having("first")) and not table.having("last")
    return role.detail != "corporate" and (role.confidence >= 0.6 or beside)


def _tells(role: Role) -> bool:
    """Whether a user id is more than a small number that another table may use as well."""
    return role.looks.count > 0 and (
        role.looks.uuid > 0.5 or role.looks.length >= 8 or role.looks.own_key > 0.5
    )


def _is_own(block: Block, role: Role) -> bool:
    """A customer number that is only digits counts where the customers themselves bear it."""
    return block.kind.is_ == "person" or role.looks.own_key > 0.6


def _named_in(block: Block, key: str) -> set[str]:
    """The columns that lines of one key name."""
    found: set[str] = set()
    for line in block.lines:
        if line.key.startswith(key) and isinstance(line.value, list):
            for text in line.value:
                found.update([text, *text.split()])
    return found


def _personal(block: Block, joined: set[str]) -> None:
    taken = _named_in(block, "identify.") | joined
    groups: dict[str, list[str]] = {}
    roles = {**block.table.roles, **block.table.leaves}
    for name, role in roles.items():
        if name in taken:
            continue
        if role.what == "personal":
            groups.setdefault(role.detail, []).append(name)
        elif role.what in NAMES and role.detail == "" and role.confidence >= 0.5:
            groups.setdefault("name", []).append(name)
        elif role.what == "phone" and role.party in (*_OWN_PARTIES, "delivery", "to"):
            groups.setdefault("phone", []).append(name)
        elif role.what == "customer_no":
            groups.setdefault("customer_no", []).append(name)
    for category, names in groups.items():
        block.lines.append(_line(f"personal.{category}", names, roles))


def _read(block: Block, joined: set[str]) -> None:
    """Text, and columns with keys that may be another person's: they count where nobody else owns
    the row."""
    taken = _named_in(block, "identify.") | joined
    for name, role in block.table.roles.items():
        if name in joined:
            continue
        if role.what in ("text", "json", "list"):
            block.lines.append(
                Line(f"read.{name}", role.detail or "text", role.confidence, role.why)
            )
        elif (
            role.what in ("email", "phone")
            and name not in taken
            and role.party not in ("staff", "actor")
        ):
            known = name in _named_in(block, "personal.")
            if not known:
                how = "list" if role.looks.several_emails > 0.2 else "text"
                why = f"{role.why}; perhaps another person's"
                block.lines.append(Line(f"read.{name}", how, 0.6, why))


def sound(block: Block) -> Block:
    """Leave out what the data map cannot express: names of columns with dots or spaces in them."""
    for line in list(block.lines):
        if not line.active:
            continue
        alone = Block(block.table, block.kind, [line])
        if missing_columns(Table.model_validate(alone.document()), block.table.shape):
            block.lines.remove(line)
    return block
