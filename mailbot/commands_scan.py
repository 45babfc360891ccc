"""`mailbot scan`: the command around scan.py."""

import argparse
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn
from rich.progress import Progress as Bar
from rich.table import Table

from mailbot.clock import SystemClock
from mailbot.config import Settings, state_dir
from mailbot.deadline import days_left, parse_received
from mailbot.errors import ConfigError, MailbotError, Problem
from mailbot.logs import set_up
from mailbot.ports import Clock, Mailbox
from mailbot.scan import CANNOT_SEE, Progress, Request, Scan, from_text, summary, to_text
from mailbot.wiring import mailboxes_of, reader_of, sealer_of, store_if_any

Environ = Mapping[str, str]


def since_of(text: str, zone: str, now: datetime) -> datetime:
    """The moment from which on mail is read. Raises ConfigError for what is no date in the past."""
    try:
        given = parse_received(text)
    except ValueError:
        raise ConfigError(
            [Problem("--since", f"{text[:40]!r} is no date", "write one such as 2026-01-31")]
        ) from None
    moment = (given if given.tzinfo else given.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    if moment > now:
        raise ConfigError(
            [Problem("--since", f"{text[:40]} lies in the future", "write a date in the past")]
        )
    return moment


def scan(settings: Settings, environ: Environ, options: argparse.Namespace) -> int:
    """Requests with no answer found, as a table or as JSON. Leaves no trace in the mailbox."""
    clock = SystemClock()
    since = since_of(options.since, settings.deadline.timezone, clock.now())
    set_up(settings.log, environ)
    mailboxes, _ = mailboxes_of(settings, environ, clock)
    wanted = _wanted(mailboxes, options.mailbox)
    place = state_dir(settings, environ) / f"scan-{_name(since, wanted)}"
    sealer = sealer_of(settings, environ, "scan")
    if options.restart:
        place.unlink(missing_ok=True)

    def keep(progress: Progress) -> None:
        _write(place, sealer.seal(to_text(progress)))

    progress = Progress(since=since, cursors={})
    if place.is_file():
        progress = from_text(sealer.unseal(place.read_bytes()))
    store = store_if_any(settings, environ, clock)
    reader = reader_of(settings, traits=False)
    try:
        with reader:
            found = Scan(settings, wanted, reader, store, clock, progress, keep)
            _go(found, Console(stderr=True), clock)
    except (KeyboardInterrupt, MailbotError):
        print_hint(place)
        raise
    finally:
        for mailbox in mailboxes.values():
            mailbox.close()
        if store is not None:
            store.close()
    _show(found, settings, clock, as_json=options.json)
    place.unlink(missing_ok=True)  # said and done; it names people
    return 0


def print_hint(place: Path) -> None:
    """Tell whoever interrupts a scan that nothing is lost."""
    if place.is_file():
        Console(stderr=True).print("interrupted: the same command goes on where it stopped")


def _wanted(mailboxes: Mapping[str, Mailbox], name: str | None) -> dict[str, Mailbox]:
    if name is None:
        return dict(mailboxes)
    if name not in mailboxes:
        known = ", ".join(mailboxes)
        raise ConfigError([Problem("--mailbox", f"there is no mailbox {name!r}", f"use {known}")])
    return {name: mailboxes[name]}


def _name(since: datetime, mailboxes: Mapping[str, Mailbox]) -> str:
    return sha256(f"{since.isoformat()} {sorted(mailboxes)}".encode()).hexdigest()[:16]


def _write(place: Path, content: bytes) -> None:
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = place.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    draft.replace(place)


def _go(found: Scan, console: Console, clock: Clock) -> None:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
    )
    span = max(1.0, (clock.now() - found.progress.since).total_seconds())
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}
        number = 0
        for name, reached, mails in found.read():
            number += mails
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=span, count="")
            done = min(span, (reached - found.progress.since).total_seconds())
            bar.update(tasks[name], completed=done, count=f"{number} mails")
        left = sum(one.answered is None for one in found.progress.found)
        task = bar.add_task("looking for answers", total=left, count=f"to {left} requests")
        for _ in found.look_for_answers():
            bar.advance(task)


def _show(found: Scan, settings: Settings, clock: Clock, as_json: bool) -> None:
    zone = settings.deadline.timezone
    today = clock.now().astimezone(ZoneInfo(zone)).date()
    open_ones = found.unanswered()
    if as_json:
        document = {
            "since": found.progress.since.isoformat(),
            "folders": [f"{box.name}/{folder}" for box, folder in found.folders()],
            "mails": found.progress.mails,
            **summary(found.progress.found),
            "unanswered": [one.document(today, zone) for one in open_ones],
            "notes": [CANNOT_SEE],
        }
        print(json.dumps(document, ensure_ascii=False, indent=2))
        return
    console = Console(highlight=False)
    if open_ones:
        table = Table("received", "last day", "days left", "asks for", "from", "subject", "where")
        for one in open_ones:
            table.add_row(*_row(one, today, zone))
        console.print(table)
    figures = summary(found.progress.found)
    console.print(
        f"{found.progress.mails} mails read, {figures['requests']} that seem to be requests:"
        f" {figures['answered_by_reply']} answered,"
        f" {figures['answered_by_a_later_mail']} whose sender got a later mail from us,"
        f" {figures['no_answer_found']} with no answer found",
        markup=False,
    )
    console.print(f"note: {CANNOT_SEE}", markup=False)


def _row(one: Request, today: date, zone: str) -> tuple[str, ...]:
    last = one.last_day(zone)
    left = days_left(today, last)
    rights = ", ".join(right.value for right in one.rights) or "?"
    if one.unreadable:
        asks = f"cannot be read ({one.unreadable})"
    else:
        asks = rights if one.sure else f"perhaps: {rights}"
    case = f" (case {one.case})" if one.case else ""
    return (
        one.arrived.astimezone(ZoneInfo(zone)).date().isoformat(),
        last.isoformat(),
        f"{left}" if left >= 0 else f"OVERDUE by {-left}",
        asks + case,
        _plain(one.sender or "unknown"),
        _plain(one.subject),
        _plain(f"{one.mailbox}/{one.folder}"),
    )


def _plain(text: str) -> str:
    """A stranger's text for a terminal: no control characters, no markup."""
    return escape("".join(sign if sign.isprintable() else " " for sign in text))
