"""From what was read to a proposed data map: all tables together, and what a person must add."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mailbot.datamap import DataMap
from mailbot.sources.discovery.belonging import Decider
from mailbot.sources.discovery.entries import Block, fill, sound
from mailbot.sources.discovery.kinds import (
    Kind,
    companies_among,
    first_guess,
    keys_of,
    own_domains,
    settle,
    staff_among,
)
from mailbot.sources.discovery.references import Found, Seeker
from mailbot.sources.discovery.roles import NAMES
from mailbot.sources.discovery.study import Studied, Study

_LOOK = re.compile(r"([A-Za-zÆØÅæøå]{1,6})([-_ .]?)(\d{3,12})")


@dataclass(slots=True)
class Proposal:
    """What `discover` proposes: entries by database, and what belongs to the whole map."""

    blocks: dict[str, list[Block]]
    domains: dict[str, str]
    keys: dict[str, tuple[str, str]]  # kind of key → pattern, why
    todo: list[str] = field(default_factory=list)


def propose(studies: Sequence[Study], datamap: DataMap, wanted: Sequence[str]) -> Proposal:
    """Entries for the databases named in `wanted`; the other studies are only referred to."""
    tables = [table for study in studies for table in study.tables.values() if not table.shape.view]
    domains = own_domains(tables, datamap.own.domains)
    guesses = {t.place: kind for t in tables if (kind := first_guess(t, domains))}
    references = Seeker(studies).seek()
    references = [
        one for one in references if not one.child.shape.view and not one.parent.shape.view
    ]
    kinds = settle(tables, guesses, references)
    kinds |= dict(_others(tables, kinds, references, studies))
    decider = Decider(studies, kinds, references)
    mapped = {(d.name, t.name) for d in datamap.database for t in d.table}
    mapped |= {table.place for table in tables if table.system in wanted}
    proposal = Proposal({name: [] for name in wanted}, domains, _patterns(tables, kinds))
    for study in studies:
        if study.system not in wanted:
            continue
        for table in study.tables.values():
            if table.shape.view:
                proposal.todo.append(
                    f"{study.system}: {table.label} is a view and left out: map it by"
                    " hand if it shows rows that lie in no table here"
                )
                continue
            for kind, where in _divided(table, kinds[table.place]):
                block = Block(table, kind, where=where)
                fill(block, [one for one in references if one.child is table], decider, mapped)
                proposal.blocks[study.system].append(sound(block))
            if table.sample.why:
                proposal.todo.append(
                    f"{study.system}: {table.label} {table.sample.why}: judged by names alone"
                )
    proposal.todo += list(_todo(proposal, datamap))
    return proposal


def _divided(table: Studied, kind: Kind) -> Iterator[tuple[Kind, dict[str, object]]]:
    """One entry, or two where a column tells staff or companies from the others in one table."""
    firms = companies_among(table) if kind.is_ == "person" else None
    if firms is not None:
        where, why = firms
        yield kind, {}
        yield Kind("company", 0.8, why), where
        return
    divided = staff_among(table) if kind.is_ == "person" else None
    if divided is None:
        yield kind, {}
        return
    column, staff, rest = divided
    if rest is not False:
        # Rows with a value that is not seen yet would not be searched: only yes or no is whole.
        yield kind, {}
        return
    why = f"{column} tells staff"
    yield Kind("own", 0.85, why), {column: staff}
    yield kind, {column: rest}


def _others(
    tables: Sequence[Studied],
    kinds: Mapping[tuple[str, str], Kind],
    references: Sequence[Found],
    studies: Sequence[Study],
) -> Iterator[tuple[tuple[str, str], Kind]]:
    """Guests of a booking, participants of somebody's order: people of their own."""
    decider = Decider(studies, kinds, references)
    for table in tables:
        if not table.called("participant", "guest") or kinds[table.place].is_ != "about":
            continue
        if not any(table.roles[name].what in NAMES for name in keys_of(table)):
            continue
        up = [
            one
            for one in references
            if one.child is table and kinds[one.parent.place].is_ in ("person", "about")
        ]
        if up and not any(
            pairs >= 3 and agree >= 0.9 for agree, pairs in map(decider.agreement, up)
        ):
            yield table.place, Kind("person", 0.7, "people of their own, whoever ordered for them")


def _patterns(
    tables: Sequence[Studied], kinds: Mapping[tuple[str, str], Kind]
) -> dict[str, tuple[str, str]]:
    """How customer numbers look, where they look like nothing else."""
    looks: dict[str, list[tuple[str, int]]] = {}
    for table in tables:
        if kinds[table.place].is_ not in ("person", "about"):
            continue
        for role in table.having("customer_no").values():
            found = [match for text in role.looks.texts if (match := _LOOK.fullmatch(text))]
            if len(found) >= 3 and len(found) >= 0.8 * role.looks.count:
                for match in found:
                    looks.setdefault(match[1].upper(), []).append((match[2], len(match[3])))
    if not looks:
        return {}
    heads = [head for head, found in looks.items() if len(found) >= 3][:4]
    if not heads:
        return {}
    sizes = [size for head in heads for _, size in looks[head]]
    head = heads[0] if len(heads) == 1 else f"(?:{'|'.join(heads)})"
    pattern = rf"{head}[-_ .]?\d{{{min(sizes)},{max(sizes) + 1}}}"
    return {"customer_no": (pattern, f"as {sum(map(len, looks.values()))} sampled values look")}


def _todo(proposal: Proposal, datamap: DataMap) -> Iterator[str]:
    """What no schema tells (for a person)."""
    if not proposal.domains:
        yield "[own] domains: write the organisation's own, so that staff are never the person"
    if not datamap.own.phones:
        yield "[own] phones: write the organisation's own numbers or series"
    for system, blocks in proposal.blocks.items():
        for block in blocks:
            waiting = [line.key for line in block.lines if not line.active]
            if waiting:
                keys = ", ".join(dict.fromkeys(waiting))
                yield f"{system}: {block.table.label}: confirm or remove the comments ({keys})"
        if not any(block.kind.is_ == "own" for block in blocks):
            yield f'{system}: no table of staff was recognised: mark it is = "own" if there is one'
    if not datamap.retention:
        yield "[retention]: name the rules by which records are kept, such as bookkeeping"
    if "customer_no" not in proposal.keys and "customer_no" not in datamap.key:
        yield "[key] customer_no: how customer numbers look in text, if they look like nothing else"
