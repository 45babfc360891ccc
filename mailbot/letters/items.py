"""The items of an approval mail: each record told by its table, number and date, and why."""

import re
from collections.abc import Mapping

from mailbot.datamap import DataMap
from mailbot.letters import tally
from mailbot.letters.clean import one_line
from mailbot.letters.look import Row
from mailbot.letters.templates import Words
from mailbot.plan import CASE_FILE, Action, Do
from mailbot.record import Finding, Typed


def heading(action: Action, titles: tally.Titles, words: Words) -> str:
    """The heading under which an action stands: its system, or what it is about."""
    if action.do in (Do.SUPPRESS, Do.RELEASE):
        return words("question", "suppression")
    if action.do is Do.NOTIFY or (action.do is Do.MANUAL and not action.system):
        return words("question", "recipients")
    if action.reason == CASE_FILE:
        return words("question", "case_file")
    return titles.system(action.system)


def named(titles: tally.Titles, finding: Finding, personal: Mapping[str, Finding]) -> str:
    table = titles.table(finding.system, finding.table, finding.title)
    told = describe(finding.row, finding.key, personal.get(finding.identity))
    if finding.system in titles.exchange:
        told = one_line(finding.title, 120)
    return ": ".join(part for part in (titles.system(finding.system), table, told) if part)


def row_of(
    action: Action,
    findings: Mapping[str, Finding],
    titles: tally.Titles,
    datamap: DataMap,
    words: Words,
) -> Row:
    if action.table and action.system not in titles.exchange:
        table = titles.table(action.system, action.table, action.title)
        told = describe(action.before, action.key, findings.get(action.identity))
    else:
        table, told = "", one_line(action.title, 120)
        if action.do is Do.NOTIFY:
            told = words("question", "from", name=told, address=str(action.after.get("email", "")))
    said = [part for part in (table, told) if part]
    if action.do is Do.KEEP and action.until is not None:
        said.append(words("does", "until", date=words.short(action.until)))
    if action.do in (Do.KEEP, Do.BLANK, Do.REPLACE) and action.after:
        # Which columns are emptied or replaced; never what stands in them.
        columns = ", ".join(one_line(column, 40) for column in list(action.after)[:20])
        said.append(words("does", "rest" if action.do is Do.KEEP else "only", columns=columns))
    if action.do is Do.CORRECT:
        said += [
            words(
                "does",
                "change",
                column=one_line(column, 40),
                old=one_line(tally.readable(action.before.get(column)), 60) or words("empty_value"),
                new=one_line(tally.readable(value), 60) or words("empty_value"),
            )
            for column, value in action.after.items()
        ]
    if action.do is Do.SET:
        said += [
            f"{one_line(column, 40)} = {one_line(tally.readable(value), 60)}"
            for column, value in action.after.items()
        ]
    if action.done:
        said.append(words("does", "done"))
    return Row(
        action.number,
        ": ".join(part for part in (words("does", action.do.value), ", ".join(said)) if part),
        why(action, datamap, words),
    )


def why(action: Action, datamap: DataMap, words: Words) -> str:
    if action.do is Do.KEEP:
        reason, law = tally.grounds(action.rule, action.reason, datamap, words)
        return f"{reason}, {law}" if law else reason
    return said_of(action.reason, words)


_NUMBERED = ("nr", "no", "num", "nummer", "number", "ref", "kode", "code")


def describe(row: Mapping[str, object], key: Mapping[str, object], finding: Finding | None) -> str:
    """A record in a few words: its key, its own number, its date. No column of personal data."""
    columns = finding.personal.values() if finding else ()
    hidden = {column for group in columns for column in group}
    said: dict[str, str] = {}
    if len(key) <= 2:
        said |= {column: tally.readable(value) for column, value in key.items()}
    for column, value in row.items():
        if column in hidden or len(said) >= 3:
            continue
        dated = isinstance(value, Typed) and value.type in ("date", "datetime")
        if dated or (column.lower().endswith(_NUMBERED) and not isinstance(value, Mapping)):
            said.setdefault(column, tally.readable(value)[: 10 if dated else 40])
    return ", ".join(
        f"{one_line(column, 30)} {one_line(text, 40)}"
        for column, text in said.items()
        if column not in hidden and text
    )


def said_of(reason: str, words: Words) -> str:
    """A source's reason in the approvers' language, as far as its words are known ones."""
    whole = words.get("why", reason)
    if whole:
        return whole
    said = reason
    for part, meaning in words.table("why_parts").items():
        said = _swapped(said, part, meaning)
    return one_line(said, 200)


def _swapped(text: str, part: str, meaning: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", lambda _: meaning, text)
