"""`mailbot suppression`: a campaign's list against the suppression list."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

from mailbot.clock import SystemClock
from mailbot.config import Settings
from mailbot.errors import ConfigError, Problem
from mailbot.mailinglist import check_list, read_list, without
from mailbot.wiring import store_of

Environ = Mapping[str, str]


def suppression(settings: Settings, environ: Environ, options: argparse.Namespace) -> int:
    """`check FILE.csv`: the rows that must not be written to."""
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
