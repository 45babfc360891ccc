"""`mailbot locate`: a dry search for a person's records, for people and for programs."""

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mailbot import identifiers
from mailbot.case import Key, Subject
from mailbot.clock import SystemClock
from mailbot.config import Settings
from mailbot.errors import ConfigError, Problem
from mailbot.message import Verdict
from mailbot.record import Certainty, Finding, NotSearched, SearchResult, as_json
from mailbot.terminal import working
from mailbot.wiring import mailboxes_of, sources_of

_LONGEST = 1_000  # characters of a key that anybody writes
_PAGE = 1_000  # findings in one table on the terminal


def locate(settings: Settings, environ: Mapping[str, str], options: argparse.Namespace) -> int:
    """Search every system. Whoever runs it vouches for the keys, so they count as proven.

    Raises ConfigError for keys that cannot be read as such; never repeats them.
    """
    keys = _keys(settings, options)
    clock = SystemClock()
    mailboxes, _ = mailboxes_of(settings, environ, clock)
    try:
        with working() as say:
            progress: dict[str, str] = {}

            def watch(system: str, doing: str) -> None:
                progress[system] = f"{system}: {doing}" if system else doing
                say(" · ".join(progress.values()))

            sources = sources_of(settings, environ, mailboxes, lambda: clock.now().date(), watch)
            result = sources.find(Subject(keys=keys, verdict=Verdict.PASS, verdict_reason="staff"))
    finally:
        for mailbox in mailboxes.values():
            mailbox.close()
    if options.json:
        for text in written(result):
            print(text)
    else:
        _show(result, Console())
    return 0


def _keys(settings: Settings, options: argparse.Namespace) -> tuple[Key, ...]:
    given = (
        ("email", "--email", options.email, "name@example.no"),
        ("name", "--name", options.name, "a first name and a surname"),
        ("phone", "--phone", options.phone, "a number as it is dialled, such as +4791234567"),
        ("customer_no", "--customer-no", options.customer_no, "the number as it is printed"),
    )
    problems = [
        Problem(f"locate: {option}", "this cannot be read as such a key", f"write {remedy}")
        for kind, option, values, remedy in given
        for value in values
        if not _readable(kind, value, settings.datamap.own.default_region)
    ]
    keys = tuple(
        Key(kind=kind, value=value.strip(), origin="staff", verified=True)
        for kind, _, values, _ in given
        for value in values
    )
    if not keys:
        problems.append(
            Problem("locate", "no key given", "give --email, --name, --phone or --customer-no")
        )
    if problems:
        raise ConfigError(problems)
    return keys


def _readable(kind: str, value: str, region: str) -> bool:
    if len(value) > _LONGEST:
        return False
    match kind:
        case "email":
            return identifiers.email(value) is not None
        case "phone":
            return identifiers.phone(value, region) is not None
        case "name":
            return len(identifiers.name_parts(value)) > 1
    return identifiers.own_key(value) is not None


def written(result: SearchResult) -> Iterator[str]:
    """The result as DESIGN § 4 fixes it, a finding a line: they may be too many for memory."""
    rest = {
        "searched": list(result.searched),
        "not_searched": [{"system": part.system, "why": part.why} for part in result.not_searched],
    }
    yield '{\n  "findings": ['
    line = ""
    for finding in result.findings:
        if line:
            yield f"{line},"
        line = f"    {json.dumps(_document(finding), ensure_ascii=False)}"
    if line:
        yield line
    yield "  ],"
    yield json.dumps(rest, ensure_ascii=False, indent=2)[2:]


def _document(finding: Finding) -> dict[str, object]:
    return {
        "system": finding.system,
        "table": finding.table,
        "key": {name: as_json(value) for name, value in finding.key.items()},
        "certainty": finding.certainty.value,
        "action": finding.treatment.do,
        "reason": finding.reason,
        "trail": finding.trail,
    }


def _show(result: SearchResult, console: Console) -> None:
    """By system: what was found, how sure that is and how it was come by; then what was not."""
    counts = Counter(f.system for f in result.findings)
    for system in dict.fromkeys((*result.searched, *counts)):
        console.print(_heading(system, counts[system], result.seconds), highlight=False)
        found = (finding for finding in result.findings if finding.system == system)
        while page := list(islice(found, _PAGE)):
            console.print(_table(page))
    for line in _missing(result.not_searched):
        console.print(line, highlight=False, soft_wrap=True)
    if not counts and not result.searched:
        console.print("Nothing was searched.")
    possible = sum(finding.certainty is Certainty.POSSIBLE for finding in result.findings)
    certain = counts.total() - possible
    console.print(f"{certain} certain, {possible} possible (shown to staff, never acted on).")


def _heading(system: str, found: int, seconds: Mapping[str, float]) -> str:
    count = f"{found} found" if found else "searched, nothing found"
    time = f", {seconds[system]:.1f} s" if system in seconds else ""
    return f"[bold]{_plain(system)}[/bold]: {count}{time}"


def _table(found: Sequence[Finding]) -> Table:
    table = Table("table", "key", "certainty", "action", "reason", "trail")
    for finding in found:
        key = ", ".join(f"{name} = {as_json(value)}" for name, value in finding.key.items())
        shown = (
            finding.table,
            key,
            finding.certainty.value,
            finding.treatment.do,
            finding.reason,
            finding.trail,
        )
        table.add_row(*(_plain(text) for text in shown))
    return table


def _missing(parts: Sequence[NotSearched]) -> Iterator[str]:
    if parts:
        yield "[bold]Not searched:[/bold]"
    for part in parts:
        yield f"  {_plain(part.system)}: {_plain(part.why)}"


def _plain(text: str) -> str:
    """Values of a database as text: no markup, and nothing that a terminal would obey."""
    return escape("".join(sign if sign.isprintable() else "�" for sign in text))
