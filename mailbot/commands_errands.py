"""`mailbot reapply`, `review`, `lift`, `assign`: what staff or a timer set going without a mail."""

import argparse
from collections.abc import Mapping

from mailbot.assigning import approver_of
from mailbot.clock import SystemClock
from mailbot.config import Settings, state_dir
from mailbot.errands import Errands
from mailbot.errors import Permanent, Transient
from mailbot.requests import ask
from mailbot.wiring import flow_of, open_parts, store_of

Environ = Mapping[str, str]


def run(settings: Settings, environ: Environ, options: argparse.Namespace) -> int:
    """Open the matter here, or leave word for the daemon that holds the store."""
    words = _words(settings, environ, options)
    try:
        with open_parts(settings, environ) as parts:
            print(Errands(parts.store, flow_of(parts), parts.clock).do(words))
    except Transient:
        ask(state_dir(settings, environ), words)
        print("the running daemon sees to it; the approvers get a mail if there is anything to do")
    return 0


def _words(settings: Settings, environ: Environ, options: argparse.Namespace) -> str:
    if options.command == "review":
        return "review"
    if options.command == "reapply":
        names = [part.name for part in settings.datamap.database]
        if options.database not in names:
            raise Permanent(f"{options.database} is no database; there are: {', '.join(names)}")
        return f"reapply {options.database}"
    store = store_of(settings, environ, SystemClock(), read_only=True)
    try:
        case = store.case_by_number(options.case) or store.case(options.case)
    finally:
        store.close()
    if case is None:
        raise Permanent(f"there is no case {options.case}: `mailbot cases` lists them")
    if options.command == "assign":
        return f"assign {case.id} {approver_of(settings, options.approver).address}"
    return f"lift {case.id}"
