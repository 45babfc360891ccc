"""Actions and findings told in plain words: grouped, counted, named by the data map's titles."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from mailbot.datamap import DataMap, Table
from mailbot.letters.clean import one_line
from mailbot.letters.templates import Words
from mailbot.organisation import wording
from mailbot.plan import CASE_FILE, Action, Do
from mailbot.record import Finding, Treatment

ERASING = frozenset({Do.DELETE, Do.BLANK, Do.REPLACE})


@dataclass(frozen=True, slots=True)
class Line:
    """So many records of one kind in one system."""

    where: str
    what: str  # "" where the system's title says it all
    count: int


@dataclass(frozen=True, slots=True)
class Kept:
    """Records that stay, and why, and until when (art. 12(4), 17(3))."""

    where: str
    what: str
    count: int
    reason: str
    law: str
    until: date | None
    partly: bool  # other columns of the same records are erased


@dataclass(frozen=True, slots=True)
class Change:
    """One value put right (art. 16)."""

    where: str
    what: str
    old: str
    new: str


class Titles:
    """The readable names of systems and tables in one language."""

    def __init__(self, datamap: DataMap, language: str) -> None:
        self._language = language
        titled = [(part.name, part.title) for part in datamap.database]
        titled += [(part.name, part.title) for part in datamap.exchange]
        titled += [(part.name, part.title) for part in datamap.manual]
        # By name, and by any title: a source may name itself by either.
        self._systems = {
            known: wording(title, language) or name
            for name, title in titled
            for known in (*title.values(), name)
        }
        self._tables: dict[tuple[str, str], list[Table]] = {}
        for database in datamap.database:
            for table in database.table:
                self._tables.setdefault((database.name, table.name), []).append(table)
        self._databases = {database.name for database in datamap.database}
        self.exchange = frozenset(part.name for part in datamap.exchange)
        self.manual = frozenset(part.name for part in datamap.manual)

    def system(self, name: str) -> str:
        """A system's title; the name itself (or the title it is already) where the map has none."""
        return one_line(self._systems.get(name, name), 80)

    def table(self, system: str, table: str, title: str = "") -> str:
        """A table's title. `title`: as the source gave it: it tells entries of one table apart."""
        if system not in self._databases:
            return ""  # a mail folder: its system's title says enough, its name may say too much
        entries = self._tables.get((system, table), [])
        for entry in entries:
            if title and title in entry.title.values():
                return one_line(wording(entry.title, self._language), 80)
        titled = next((entry for entry in entries if entry.title), None)
        if titled is not None:
            return one_line(wording(titled.title, self._language), 80)
        return one_line(title or table.replace("_", " "), 80)

    def matter(self, action: Action) -> str:
        """An action's table, in lower case where it stands within a sentence."""
        return self.inside(self.table(action.system, action.table, action.title))

    def inside(self, text: str) -> str:
        """A title as it stands inside a sentence: "Fakturaer" → "fakturaer", "CRM" unchanged."""
        if self._language == "de" or not text[1:2].islower():
            return text  # German nouns keep their capital, abbreviations theirs
        return text[:1].lower() + text[1:]


def lines(actions: Iterable[Action], kinds: Iterable[Do], titles: Titles) -> tuple[Line, ...]:
    """The actions of some kinds, counted per system and table, in the order of the plan."""
    wanted = frozenset(kinds)
    counts: dict[tuple[str, str], int] = {}
    for action in actions:
        if action.do in wanted:
            place = (titles.system(action.system), titles.matter(action))
            counts[place] = counts.get(place, 0) + 1
    return tuple(Line(where, what, count) for (where, what), count in counts.items())


def by_hand(action: Action) -> bool:
    """Whether a record that was found must be changed by a person; else a system to search."""
    return action.do is Do.MANUAL and bool(action.table)


def found_lines(findings: Iterable[Finding], titles: Titles) -> tuple[Line, ...]:
    """Findings counted per system and table."""
    counts: dict[tuple[str, str], int] = {}
    for finding in findings:
        what = titles.inside(titles.table(finding.system, finding.table, finding.title))
        place = (titles.system(finding.system), what)
        counts[place] = counts.get(place, 0) + 1
    return tuple(Line(where, what, count) for (where, what), count in counts.items())


def kept(
    actions: Iterable[Action], titles: Titles, datamap: DataMap, words: Words
) -> tuple[Kept, ...]:
    """What stays; the case's own file is told of apart."""
    groups: dict[tuple[str, str, str, str, date | None, bool], int] = {}
    for action in actions:
        if action.do is not Do.KEEP or action.reason == CASE_FILE:
            continue
        reason, law = grounds(action.rule, action.reason, datamap, words)
        place = (
            titles.system(action.system),
            titles.matter(action),
            reason,
            law,
            action.until,
            bool(action.after),
        )
        groups[place] = groups.get(place, 0) + 1
    return tuple(
        Kept(where, what, count, reason, law, until, partly)
        for (where, what, reason, law, until, partly), count in groups.items()
    )


def grounds(rule: str, reason: str, datamap: DataMap, words: Words) -> tuple[str, str]:
    """Why something stays, and the law behind it, as letters tell it."""
    retention = datamap.retention.get(rule)
    if retention is not None:
        return one_line(wording(retention.reason, words.language)), one_line(retention.law)
    known = words.get("keep_reasons", reason)
    if not known and reason.startswith("rows of "):
        known = words("keep_reasons", "rows of")
    return known or one_line(reason, 500) or words("keep_reasons", "unnamed"), ""


def changes(actions: Iterable[Action], titles: Titles, none: str) -> tuple[Change, ...]:
    """Each value that CORRECT replaces, old and new."""
    found = []
    for action in actions:
        if action.do is Do.CORRECT:
            for column, value in action.after.items():
                old = one_line(readable(action.before.get(column)), 200)
                new = one_line(readable(value), 200)
                found.append(
                    Change(
                        titles.system(action.system), one_line(column, 60), old or none, new or none
                    )
                )
    return tuple(dict.fromkeys(found))


def readable(value: object) -> str:
    """A record's value as a person reads it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {readable(part)}" for key, part in value.items())
    text = getattr(value, "text", None)
    if isinstance(text, str):
        kind = getattr(value, "type", "")
        return f"({len(text) // 2} bytes)" if kind == "bytes" else text
    return "" if value is None else str(value)


def told(actions: Iterable[Action]) -> tuple[str, ...]:
    """The names of those who are told of an erasure, correction or restriction (art. 19)."""
    names = [
        one_line(action.title or action.table or action.system, 80)
        for action in actions
        if action.do is Do.NOTIFY
    ]
    return tuple(dict.fromkeys(names))


def telling(actions: Iterable[Action]) -> tuple[str, ...]:
    """The names of those whom a member of staff tells by other means than mail."""
    names = [one_line(a.title, 80) for a in actions if a.do is Do.MANUAL and not a.system]
    return tuple(dict.fromkeys(name for name in names if name))


def recipients(findings: Iterable[Finding]) -> tuple[tuple[str, str], ...]:
    """Everybody to whom the found records were disclosed, by name, with the date if known."""
    return tuple(
        dict.fromkeys(
            (one_line(recipient.name, 80), one_line(recipient.date, 20))
            for finding in findings
            for recipient in finding.recipients
        )
    )


def treatments(findings: Sequence[Finding]) -> tuple[Treatment, ...]:
    """The distinct retention rules that the found records fall under, with their latest date."""
    latest: dict[str, Treatment] = {}
    for finding in findings:
        treatment = finding.treatment
        if treatment.do != "keep" or not treatment.rule:
            continue
        old = latest.get(treatment.rule)
        if old is None or (treatment.until or date.min) > (old.until or date.min):
            latest[treatment.rule] = treatment
    return tuple(latest.values())
