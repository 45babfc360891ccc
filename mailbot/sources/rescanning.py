"""Going through whole tables: what came back with a backup, and whose time is up."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

import sqlalchemy as sa

from mailbot import identifiers
from mailbot.memory import Recollection
from mailbot.plan import Action, Do
from mailbot.record import Certainty, Finding, Row, Treatment, Typed, plain, same
from mailbot.sources.facts import Fact
from mailbot.sources.keeping import erased, expired
from mailbot.sources.mapping import Entry, Mapped
from mailbot.sources.matching import Traits
from mailbot.sources.reading import fits
from mailbot.sources.statements import row_of

CAME_BACK = "erased before, and there again"
TIME_IS_UP = "the time for which it was kept is up"
_STREAMED = {"yield_per": 500}


def came_back(
    mapped: Mapped, connection: sa.Connection, memory: Recollection, region: str
) -> tuple[list[Finding], int]:
    """Records that a plan erased and that are there again; and how many bear the key of one but
    are neither as they were nor show a key of the person: those may be somebody else's by now."""
    found: list[Finding] = []
    unsure = 0
    for entry, key, row in _rows(mapped, connection, memory.tables):
        note = memory.by_key(entry.place[1], key)
        if note is None or note.do == "keep" and not note.after:
            continue
        if note.after and all(same(row.get(name), value) for name, value in note.after.items()):
            continue  # it is still as the plan left it
        if not memory.is_content(note, row) and not memory.is_marked(
            note, _marks(entry, row, region)
        ):
            unsure += 1
            continue
        treatment = Treatment(do=note.do, after=note.after, rule=note.rule, until=note.until)
        found.append(_finding(entry, key, row, treatment, CAME_BACK))
    return found, unsure


def time_is_up(
    mapped: Mapped, connection: sa.Connection, memory: Recollection, today: date, most: int
) -> tuple[list[Finding], int]:
    """Records past their retention rule, by the map or as a plan noted; and how many more there
    are than `most`."""
    found: list[Finding] = []
    more = 0
    ruled = {entry.place[1] for entry in mapped.entries if entry.spec.keep}
    for entry, key, row in _rows(mapped, connection, sorted({*memory.tables, *ruled})):
        note = memory.by_key(entry.place[1], key)
        fact = Fact(entry, key, row, Traits())
        kept = note is not None and note.do == "keep"
        if kept and note is not None and note.until is None:
            continue  # an approver said so: theirs to take up again
        last = note.until if kept and note is not None else expired(fact, today)
        if last is None or last >= today:
            continue
        if entry.spec.is_ in ("own", "none") or entry.shape.view:
            continue
        treatment = erased(fact)
        if treatment.do == "keep":
            continue  # nothing personal is left in it
        if len(found) >= most:
            more += 1
            continue
        found.append(_finding(entry, key, row, treatment, TIME_IS_UP))
    return found, more


def with_reason(actions: list[Action], reason: str) -> list[Action]:
    """Actions that say why they are proposed."""
    return [
        replace(action, reason=action.reason or reason) if action.do is not Do.KEEP else action
        for action in actions
    ]


def _rows(
    mapped: Mapped, connection: sa.Connection, tables: Sequence[str]
) -> Iterator[tuple[Entry, Row, Row]]:
    for table in tables:
        entries = mapped.of(table)
        if not entries:
            continue
        shape = entries[0].shape
        for raw in connection.execute(sa.select(shape.table), execution_options=_STREAMED):
            row = row_of(raw)
            fitting = [entry for entry in entries if fits(row, entry.spec.where)]
            if fitting:
                entry = max(fitting, key=lambda one: bool(one.spec.where))
                yield entry, shape.key_of(row), row


def _marks(entry: Entry, row: Row, region: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    numbers = {leaf.column for way in entry.identify.get("phone", ()) for leaf in way}
    for name, value in row.items():
        if isinstance(value, Typed) and value.type not in ("json", "decimal"):
            continue
        text = (plain(value) or "")[:20_000]
        found += [("email", address) for address in identifiers.find_emails(text)]
        read = identifiers.phone_of_column if name in numbers else identifiers.phone
        number = read(text, region) if len(text) < 40 else None
        found += [("phone", number)] if number else []
        found += [("phone", each) for each in identifiers.find_phones(text, region)]
    return found


def _finding(entry: Entry, key: Row, row: Row, treatment: Treatment, reason: str) -> Finding:
    system, table = entry.place
    fact = Fact(entry, key, row, Traits())
    return Finding(
        system=system,
        table=table,
        key=key,
        certainty=Certainty.CERTAIN,
        reason=reason,
        trail=fact.label,
        row=row,
        personal=entry.personal,
        volatile=entry.spec.volatile,
        treatment=treatment,
        title=next(iter(entry.spec.title.values()), table),
    )
