"""Commands by which staff hand something over or ask for it beside the running daemon."""

import argparse
import contextlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from mailbot.case import Label
from mailbot.clock import SystemClock
from mailbot.config import Settings, state_dir
from mailbot.deadline import deadline, parse_received
from mailbot.errors import ConfigError, Permanent, Problem, Stale, Transient
from mailbot.handin import HandedIn, take_in, to_octets, written_down
from mailbot.learning import Learning, in_a_sentence
from mailbot.logs import set_up
from mailbot.message import Automatic
from mailbot.ports import Store
from mailbot.reader import Reading, Unreadable
from mailbot.requests import ask, hand_over
from mailbot.wiring import open_daemon, open_parts, reader_of, sealer_of, store_of

Environ = Mapping[str, str]


def learn(settings: Settings, environ: Environ) -> int:
    """Try what staff taught, now, and say what became of it."""
    if not settings.classify.learn:
        print("classify.learn is off: nothing is learnt, and nothing kept for it")
        return 0
    set_up(settings.log, environ)
    clock = SystemClock()
    try:
        store = store_of(settings, environ, clock)
    except Transient:
        ask(state_dir(settings, environ), "learn")
        store = store_of(settings, environ, clock, read_only=True)
        print(f"the running daemon will try its lessons now; so far: {in_a_sentence(store)}")
        store.close()
        return 0
    try:
        # The reader is not started: it only is where adopted lessons would go.
        Learning(store, reader_of(settings), settings.classify, clock).hold()
        print(in_a_sentence(store))
    finally:
        store.close()
    return 0


# --- open -------------------------------------------------------------------------------------

_PATIENCE = 20.0  # seconds for the running daemon to open the case
_LARGEST = 50_000_000  # octets of a mail that is handed in


def open_case(settings: Settings, environ: Environ, options: argparse.Namespace) -> int:
    """A request that came another way: open its case, here or by the running daemon."""
    clock = SystemClock()
    set_up(settings.log, environ)
    handed = _handed(settings, options, clock.now())
    try:
        with open_parts(settings, environ) as parts, open_daemon(parts, environ) as daemon:
            stored = take_in(parts.store, handed)
            if stored is not None:
                with contextlib.suppress(Stale):  # another daemon was quicker (PostgreSQL)
                    daemon.intake.take(stored)
            return _tell(parts.store, handed, settings)
    except Transient:
        # The daemon holds the store: it takes the request in, and goes on with it.
        sealed = sealer_of(settings, environ, "hand-in").seal(to_octets(handed))
        hand_over(state_dir(settings, environ), sealed)
    store = store_of(settings, environ, clock, read_only=True)
    try:
        end = time.monotonic() + _PATIENCE
        while _case_number(store, handed) is None and time.monotonic() < end:
            time.sleep(0.2)
        return _tell(store, handed, settings)
    finally:
        store.close()


def _handed(settings: Settings, options: argparse.Namespace, now: datetime) -> HandedIn:
    """What the options say. Raises ConfigError naming every fault."""
    faults: list[Problem] = []
    mailbox = _mailbox(settings, options.mailbox, faults)
    right = _right(options.right, faults)
    received = _received(options.received, settings.deadline.timezone, now, faults)
    raw = b""
    if (options.file is None) == (options.sender is None):
        what = "neither a file nor --from" if options.file is None else "both a file and --from"
        faults.append(Problem("open", what, "give FILE.eml, or --from A --right R --received DATE"))
    elif options.file is not None:
        raw = _file(options.file, faults)
    else:
        for name, value in (("--right", options.right), ("--received", options.received)):
            if value is None:
                faults.append(Problem(name, "is missing", f"give {name} beside --from"))
    if options.sender is not None and received is not None:
        try:
            raw = written_down(
                options.sender,
                options.name or "",
                options.text or "",
                received,
                next(part.address for part in settings.mailbox if part.name == mailbox),
                settings.approval.language,
            )
        except (ValueError, IndexError, StopIteration):
            faults.append(
                Problem("--from", "is no e-mail address", "write one such as kari@example.no")
            )
    if not faults and options.file is not None:
        reading = _reading(settings, raw)
        received = received or reading.mail.received or reading.mail.date
        if received is None or received > now:
            faults.append(
                Problem(
                    str(options.file),
                    "does not say when it was received",
                    "give --received DATE",
                )
            )
    if faults or received is None:
        raise ConfigError(faults)
    return HandedIn(mailbox=mailbox, raw=raw, received=received.astimezone(UTC), right=right)


def _mailbox(settings: Settings, name: str | None, faults: list[Problem]) -> str:
    names = [part.name for part in settings.mailbox]
    if name is not None and name not in names:
        faults.append(Problem("--mailbox", f"there is no mailbox {name!r}", f"use {names[0]}"))
    return name if name in names else names[0]


def _right(text: str | None, faults: list[Problem]) -> Label | None:
    rights = [label.value for label in Label if label is not Label.NOT_PRIVACY]
    if text is not None and text not in rights:
        faults.append(
            Problem("--right", f"{text[:40]!r} is no right", f"use one of {', '.join(rights)}")
        )
    return Label(text) if text in rights else None


def _received(text: str | None, zone: str, now: datetime, faults: list[Problem]) -> datetime | None:
    if text is None:
        return None
    try:
        given = parse_received(text)
    except ValueError:
        faults.append(
            Problem("--received", f"{text[:40]!r} is no date", "write one such as 2026-01-31")
        )
        return None
    moment = given if given.tzinfo else given.replace(tzinfo=ZoneInfo(zone))
    if moment.astimezone(UTC) > now:
        faults.append(Problem("--received", "lies in the future", "write when it was received"))
    return moment.astimezone(UTC)


def _file(path: Path, faults: list[Problem]) -> bytes:
    try:
        raw = path.read_bytes()
    except OSError as error:
        why = (error.strerror or "cannot be read").lower()
        faults.append(Problem(str(path), why, "name a mail saved as a file"))
        return b""
    if not raw.strip() or len(raw) > _LARGEST:
        why = "is empty" if not raw.strip() else "is larger than 50 MB"
        faults.append(Problem(str(path), why, "name a mail saved as a file"))
    return raw


def _reading(settings: Settings, raw: bytes) -> Reading:
    try:
        with reader_of(settings, traits=False) as reader:
            reading = reader.read(raw)
    except Unreadable as error:
        raise Permanent(f"{error}; open the case with --from, --right and --received") from None
    if "unparsable" in reading.mail.notes:
        raise Permanent("the file holds no mail; save the mail as .eml, or use --from")
    if reading.mail.automatic is Automatic.OWN:
        raise Permanent("this is a mail of mailbot's own; hand in what the person wrote")
    return reading


def _case_number(store: Store, handed: HandedIn) -> str | None:
    stored = store.mail(store.mail_id(handed.mailbox, handed.raw))
    case = store.case(stored.case_id) if stored is not None and stored.case_id else None
    return case.number if case is not None else None


def _tell(store: Store, handed: HandedIn, settings: Settings) -> int:
    number = _case_number(store, handed)
    if number is None:
        print("handed over; the running daemon opens the case as soon as it comes to it")
        return 0
    last = deadline(handed.received, settings.deadline.timezone).last_day
    print(f"case {number}: to be answered by {last.isoformat()}")
    return 0
