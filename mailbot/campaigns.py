"""`mailbot suppression`: a campaign's list against the suppression list."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from mailbot import identifiers
from mailbot.clock import SystemClock
from mailbot.config import Settings
from mailbot.errors import ConfigError, Permanent, Problem
from mailbot.mailinglist import check_list, read_list, without
from mailbot.wiring import store_of

Environ = Mapping[str, str]


def suppression(settings: Settings, environ: Environ, options: argparse.Namespace) -> int:
    """`check FILE.csv`: the rows not to be written to. `remove`: total deletion on wish."""
    if options.part == "remove":
        return _remove(settings, environ, options.entry, options.yes)
    path: Path = options.file
    try:
        data = path.read_bytes()
    except OSError:
        raise ConfigError(
            [Problem(str(path), "cannot be read", "check the path and rights")]
        ) from None
    listed = read_list(data, str(path))
    store = store_of(settings, environ, SystemClock(), read_only=True)
    try:
        hits = check_list(listed, store.suppressed, settings.datamap.own.default_region)
    finally:
        store.close()
    rows = len(listed.rows) - bool(listed.header)
    lines = sorted({hit.line for hit in hits})
    if options.clean is not None:
        if options.clean.resolve() == path.resolve():
            raise ConfigError([Problem("--clean", "is the list itself", "name another file")])
        options.clean.write_bytes(without(listed, hits))
    if options.json:
        found = [
            {
                "line": hit.line,
                "column": hit.column,
                "channel": hit.channel,
                "since": hit.since.date().isoformat(),
            }
            for hit in hits
        ]
        print(json.dumps({"rows": rows, "suppressed": found}, ensure_ascii=False, indent=2))
        return 0
    for hit in hits:
        since = hit.since.date().isoformat()
        print(f"line {hit.line}, column {hit.column}: suppressed ({hit.channel}) since {since}")
    print(f"{len(lines)} of {rows} rows must not be written to")
    if options.clean is not None:
        print(f"the other {rows - len(lines)} stand in {options.clean}")
    return 0


def _remove(settings: Settings, environ: Environ, entry: str, sure: bool) -> int:
    region = settings.datamap.own.default_region
    address, number = identifiers.email(entry), identifiers.phone(entry, region)
    if address is None and number is None:
        problem = Problem("suppression remove", "neither an address nor a number", "give one")
        raise ConfigError([problem])
    if not sure:
        print(
            "mailbot: nothing will then stop new contact; say --yes if the person wishes it",
            file=sys.stderr,
        )
        return 2
    store = store_of(settings, environ, SystemClock())
    try:
        with store.begin() as tx:
            channel, value = ("email", address) if address else ("phone", number or "")
            if not tx.release(channel, value):
                raise Permanent("it is not on the suppression list")
            tx.record(None, "suppression-released", "asked", {"channel": channel})
    finally:
        store.close()
    print("taken off the suppression list")
    return 0
