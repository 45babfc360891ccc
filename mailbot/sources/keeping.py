"""What becomes of a record when it is to be erased: kept by law until a date, or how it goes.

GDPR art. 17(3)(b): a legal duty keeps a record, and only as much of it as the duty needs.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from mailbot.config_until import Until as Rule
from mailbot.config_until import parse_until
from mailbot.record import Treatment, Typed, Value
from mailbot.sources.blanking import Blanked, blank, replaced
from mailbot.sources.facts import Fact, FactId, Facts
from mailbot.sources.judging import Judge
from mailbot.sources.mapping import Place

_LOCAL = ZoneInfo("Europe/Oslo")
_NORWEGIAN = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})\b")
_ISO = re.compile(r"(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})(?!\d)")
_SECONDS = range(631_152_000, 4_102_444_800)  # 1990 to 2100, counted from 1970


@dataclass(frozen=True, slots=True)
class Until:
    """How long a record stays: `day` is the last one; None: not known, and `reason` says why."""

    day: date | None
    reason: str = ""


_rule = lru_cache(maxsize=256)(parse_until)
_GOES = Treatment(do="delete")
UNREADABLE = Until(None, "unreadable date")


def read_date(value: Value) -> date | None:
    """The day that a stored value means; None if that is not beyond doubt."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        if isinstance(value, int | float):
            return _from_number(value)
        text = value.text if isinstance(value, Typed) else value.strip()
        if isinstance(value, Typed) and value.type == "decimal":
            return _from_number(float(text))
        if isinstance(value, Typed) and value.type == "datetime":
            return _local_day(datetime.fromisoformat(text))
        return _from_text(text)
    except (ValueError, OverflowError, OSError):
        return None


def _from_number(value: float) -> date | None:
    if not float(value).is_integer():
        return _local_day(datetime.fromtimestamp(value, UTC)) if value > 1e8 else None
    number = int(value)
    if 1990_01_01 <= number <= 2099_12_31:
        return _from_text(str(number))
    if number in _SECONDS:
        return _local_day(datetime.fromtimestamp(number, UTC))
    if number // 1000 in _SECONDS:
        return _local_day(datetime.fromtimestamp(number // 1000, UTC))
    return None


def _from_text(text: str) -> date | None:
    norwegian = _NORWEGIAN.match(text)
    if norwegian:
        day, month, year = (int(part) for part in norwegian.groups())
        return date(year, month, day)
    iso = _ISO.match(text)
    if not iso:
        return None
    try:
        return _local_day(datetime.fromisoformat(text))
    except ValueError:
        year, month, day = (int(part) for part in iso.groups())
        return date(year, month, day)


def _local_day(moment: datetime) -> date:
    """A moment with a zone is counted as the calendar stands here (31 December, 23:30 UTC)."""
    return (moment.astimezone(_LOCAL) if moment.tzinfo else moment).date()


@dataclass(slots=True)
class Keeper:
    """Works out the treatment of each record found, today."""

    facts: Facts
    judge: Judge
    today: date
    writable: Mapping[str, bool]  # system → whether anything can be changed there
    unsearched: frozenset[Place]
    _memo: dict[FactId, Until | None] = field(default_factory=dict)

    def treatment(self, fact: Fact) -> Treatment:
        """keep (whole or in part), else as the map says: delete, blank or replace."""
        until = self.kept_until(fact)
        keep = fact.entry.spec.keep
        if until is not None and keep is not None:
            after = {} if "*" in keep.columns else self._rest(fact, keep.columns).after
            if not after or self._obstacle(fact) == "":
                return Treatment(
                    do="keep", after=after, until=until.day, rule=keep.rule, reason=until.reason
                )
        obstacle = self._obstacle(fact)
        if obstacle:
            return Treatment(do="manual", reason=obstacle)
        return erased(fact)

    def _obstacle(self, fact: Fact) -> str:
        """Why mailbot cannot change a record itself; "" if it can."""
        if not self.writable.get(fact.entry.place[0], False):
            return "no write access here"
        if fact.entry.shape.view:
            return "a view: it shows rows of other tables"
        if fact.copies > 1:
            return f"{fact.copies} equal rows without a key"
        return ""

    def _rest(self, fact: Fact, kept: tuple[str, ...]) -> Blanked:
        """The personal columns that the duty does not need, emptied as far as they can be."""
        return blank(fact, [column for column in _personal(fact) if column not in kept])

    def kept_until(self, fact: Fact) -> Until | None:
        """Until when a record is kept; None: not (any more)."""
        keep = fact.entry.spec.keep
        if keep is None or "kept(" not in keep.until.replace(" ", ""):
            return self._work_out(fact)
        if fact.id not in self._memo:
            self._memo[fact.id] = None  # a rule that leads back to itself keeps nothing
            self._memo[fact.id] = self._work_out(fact)
        return self._memo[fact.id]

    def _work_out(self, fact: Fact) -> Until | None:
        keep = fact.entry.spec.keep
        if keep is None:
            return None
        try:
            rule = _rule(keep.until)
        except ValueError:
            return Until(None, "unreadable rule")
        until = self._of_children(fact, rule) if rule.kept else of_column(fact, rule)
        if until is None or until.day is None:
            return until
        try:
            day = _later(until.day, rule)
        except (ValueError, OverflowError):
            return UNREADABLE
        return Until(day) if day >= self.today else None

    def _of_children(self, fact: Fact, rule: Rule) -> Until | None:
        system = fact.entry.place[0]
        tables = {_place(table, system) for table in rule.kept}
        for place in sorted(tables):
            if place in self.unsearched or (place[0], "") in self.unsearched:
                return Until(None, f"{place[0]} could not be searched for what must be kept")
        found = [
            until
            for child in self._below(fact)
            if child.entry.place in tables
            if (until := self.kept_until(child)) is not None
        ]
        undated = next((until for until in found if until.day is None), None)
        return undated or max(found, key=lambda until: until.day or date.min, default=None)

    def _below(self, fact: Fact) -> Iterator[Fact]:
        """Records of the person that refer to this one, directly or through others."""
        seen, waiting = {fact.id}, [fact]
        while waiting:
            for _, child in self.facts.offspring(waiting.pop()):
                if child.id not in seen and child.id in self.judge.certain:
                    seen.add(child.id)
                    waiting.append(child)
                    yield child


def erased(fact: Fact) -> Treatment:
    """How a record goes that nothing keeps (any more), as the map says."""
    mode = fact.entry.spec.erase
    if mode == "delete":
        return _GOES
    changed = replaced(fact) if mode == "replace" else blank(fact, _personal(fact))
    if changed.stuck:
        return Treatment(do="manual", reason=f"cannot be emptied: {', '.join(changed.stuck)}")
    if not changed.after:
        return Treatment(do="keep", reason="nothing personal is left in it")
    return Treatment(do=mode, after=changed.after)


def of_column(fact: Fact, rule: Rule) -> Until:
    """The day that a column tells, before the spans of the rule are added."""
    day = read_date(fact.row.get(rule.column or rule.year_end))
    if day is None:
        return UNREADABLE  # in doubt the duty holds: what is deleted does not come back
    return Until(date(day.year, 12, 31) if rule.year_end else day)


def expired(fact: Fact, today: date) -> date | None:
    """The last day of a record's own retention rule, if that has passed; None: kept, or unsure."""
    keep = fact.entry.spec.keep
    if keep is None:
        return None
    try:
        rule = parse_until(keep.until)
        if rule.kept:
            return None  # hangs on other records: see what was kept by a plan
        day = of_column(fact, rule).day
        last = _later(day, rule) if day is not None else None
    except (ValueError, OverflowError):
        return None
    return last if last is not None and last < today else None


def _later(day: date, rule: Rule) -> date:
    for count, unit in rule.spans:
        day += relativedelta(
            years=count if unit == "year" else 0,
            months=count if unit == "month" else 0,
            days=count if unit == "day" else 0,
        )
    return day


def _place(table: str, system: str) -> Place:
    other, colon, name = table.partition(":")
    return (other.strip(), name.strip()) if colon else (system, table)


def _personal(fact: Fact) -> list[str]:
    found = (column for columns in fact.entry.personal.values() for column in columns)
    return list(dict.fromkeys(found))
