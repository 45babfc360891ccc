"""Commands that need a configuration: run, check-config, locate, the case register, the ledger."""

import argparse
import json
import signal
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mailbot import confinement
from mailbot import ledger as chain
from mailbot.case import ENDED, Case, Matter, State
from mailbot.clock import SystemClock
from mailbot.codec import from_json
from mailbot.config import Settings, default_path, load, state_dir, warnings
from mailbot.deadline import days_left
from mailbot.errors import ConfigError, MailbotError, Permanent, Transient
from mailbot.logs import set_up
from mailbot.plan import Do, Plan
from mailbot.ports import Store
from mailbot.requests import ask
from mailbot.wiring import (
    flow_of,
    mailboxes_of,
    open_daemon,
    open_parts,
    records_of,
    sources_of,
    store_of,
)

Environ = Mapping[str, str]


def settings_of(path: Path | None, environ: Environ) -> Settings:
    """The configuration at a path, or where it is looked for. Raises ConfigError."""
    return load(path or default_path(environ), environ)


def _print_json(document: object) -> None:
    print(json.dumps(document, ensure_ascii=False, indent=2))


def run(settings: Settings, environ: Environ, once: bool) -> int:
    """The daemon, until SIGTERM or SIGINT; or one round."""
    set_up(settings.log, environ)
    with open_parts(settings, environ) as parts, open_daemon(parts, environ) as daemon:
        if once:
            daemon.once()
            return 0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: daemon.stop())
        daemon.run()
    return 0


def check_config(settings: Settings, environ: Environ, online: bool) -> int:
    """The configuration was loaded without a fault; warn, and if asked try every connection."""
    for warning in warnings(settings):
        print(f"warning: {warning}")
    print(f"classify.open_above = {settings.classify.open_above}")
    print(f"classify.ask_above = {settings.classify.ask_above}")
    if not online:
        print("the configuration is sound")
        return 0
    faults = _check_online(settings, environ)
    for fault in faults:
        print(f"mailbot: {fault}", file=sys.stderr)
    if not faults:
        print("every mailbox and system answered")
    return 1 if faults else 0


def _check_online(settings: Settings, environ: Environ) -> list[str]:
    faults: list[str] = []
    mailboxes, _ = mailboxes_of(settings, environ, SystemClock())
    sources = sources_of(settings, environ, mailboxes, lambda: SystemClock().now().date())
    checks = [(f"mailbox {name}", mailbox.check) for name, mailbox in mailboxes.items()]
    checks += [(f"system {name}", sources.get(name).check) for name in sources.names()]
    for what, check in checks:
        try:
            lines = check()
            print(f"{what}: answered")
            for line in lines:
                print(f"  {line}")
        except ConfigError as error:
            faults += [f"{what}: {problem}" for problem in error.problems]
        except MailbotError as error:
            said = str(error)
            name = what.partition(" ")[2]
            faults.append(said if said.startswith((what, f"{name}:")) else f"{what}: {said}")
    for part in settings.mailbox:
        if part.kind == "graph":
            faults += confinement.check(mailboxes[part.name], settings)
    for mailbox in mailboxes.values():
        mailbox.close()
    return faults


def _case_of(store: Store, number: str) -> Case:
    case = store.case_by_number(number) or store.case(number)
    if case is None:
        raise Permanent(f"there is no case {number}: `mailbot cases` lists them")
    return case


def cases(settings: Settings, environ: Environ, as_json: bool) -> int:
    """The case register: states and deadlines, no personal data."""
    clock = SystemClock()
    store = store_of(settings, environ, clock, read_only=True)
    try:
        today = clock.now().date()
        rows = [
            {
                "case": case.number,
                "received": case.received.isoformat(),
                "language": case.language,
                "closed": case.closed.isoformat() if case.closed else None,
                "matters": [
                    {
                        "id": matter.id,
                        "right": matter.right.value,
                        "state": matter.state.value,
                        "reason": matter.note,
                        "last_day": matter.last_day.isoformat(),
                        "days_left": days_left(today, matter.last_day),
                    }
                    for matter in store.matters(case.id)
                ],
            }
            for case in store.cases()
        ]
    finally:
        store.close()
    if as_json:
        _print_json(rows)
        return 0
    table = Table("case", "received", "right", "state", "reason", "last day", "days left")
    for row in rows:
        matters = row["matters"]
        assert isinstance(matters, list)
        for matter in matters:
            left = (
                "" if matter["state"] in {state.value for state in ENDED} else matter["days_left"]
            )
            shown = ("right", "state", "reason", "last_day")
            table.add_row(
                str(row["case"]),
                str(row["received"])[:10],
                *(str(matter[name]) for name in shown),
                str(left),
            )
    Console().print(table)
    return 0


def show(settings: Settings, environ: Environ, options: argparse.Namespace) -> int:
    """One case with its plans and letters, for the person who handles it."""
    clock = SystemClock()
    store = store_of(settings, environ, clock, read_only=True)
    try:
        case = _case_of(store, options.case)
        document = _case_document(store, case, with_passphrase=options.passphrase)
    finally:
        store.close()
    if options.dry_run:
        return dry_run(settings, environ, options.case)
    if options.json:
        _print_json(document)
        return 0
    console = Console(highlight=False)
    console.rule(f"case {case.number}")
    matters = document["matters"]
    assert isinstance(matters, list)
    for matter in matters:
        console.print(
            f"{matter['right']}: {matter['state']} ({matter['reason']}), "
            f"last day {matter['last_day']}",
            markup=False,
        )
        for effect in matter["effects"]:
            console.print(f"  {effect['kind']}: {effect['status']}", markup=False)
        for task in matter["tasks"]:
            console.print(
                f"  by hand, {task['number']}. {task['title']}: {task['state']}", markup=False
            )
        if matter["plan"]:
            console.print(f"  plan {matter['plan']['version']}, digest {matter['digest']}")
            for action in matter["plan"]["actions"]:
                place = f"{action['system']} {action['table']} {action['key']}"
                console.print(f"  {action['number']}. {action['do']} {place}", markup=False)
            console.print(matter["plan"]["letters"][0]["text"], markup=False)
    if options.passphrase:
        console.print(f"passphrase: {document.get('passphrase') or 'none'}", markup=False)
    return 0


def dry_run(settings: Settings, environ: Environ, number: str) -> int:
    """The statements that the plans of a case would send, and how many records of each table they
    touch. For the person who may see the data; nothing is changed."""
    clock = SystemClock()
    store = store_of(settings, environ, clock, read_only=True)
    try:
        case = _case_of(store, number)
        plans = [
            from_json(Plan, data)
            for matter in store.matters(case.id)
            if (data := store.get(case.id, f"{matter.id}/plan/{matter.plan_version}"))
        ]
    finally:
        store.close()
    mailboxes, _ = mailboxes_of(settings, environ, clock)
    sources = sources_of(settings, environ, mailboxes, lambda: clock.now().date())
    databases = {part.name for part in settings.datamap.database}
    for plan in plans:
        print(f"plan {plan.version} of {plan.matter}: {plan.purpose.value}")
        counts = Counter((a.system, a.table, a.do.value) for a in plan.actions if a.table)
        for (system, table, do), count in sorted(counts.items()):
            print(f"  {system}: {table}: {do} {count}")
        for system in sorted({a.system for a in plan.actions if a.changes} & databases):
            for line in records_of(sources, system).statements(
                [action for action in plan.actions if action.system == system]
            ):
                print(f"  {system}: {line}")
    for mailbox in mailboxes.values():
        mailbox.close()
    return 0


def _tasks(store: Store, matter: Matter, plan: Plan | None) -> list[dict[str, object]]:
    """The tasks by hand of a plan, each with what staff told of it; "open": nothing yet."""
    if plan is None:
        return []
    told = store.get(matter.case_id, f"{matter.id}/tasks/{plan.version}")
    outcomes = told if isinstance(told, dict) else {}
    return [
        {
            "number": action.number,
            "title": action.title or action.system,
            "state": "done" if str(action.number) in outcomes else "open",
            "outcome": outcomes.get(str(action.number)),
        }
        for action in plan.actions
        if action.do is Do.MANUAL
    ]


def _case_document(store: Store, case: Case, with_passphrase: bool) -> dict[str, object]:
    matters = []
    for matter in store.matters(case.id):
        data = store.get(case.id, f"{matter.id}/plan/{matter.plan_version}")
        plan = from_json(Plan, data) if data else None
        matters.append(
            {
                "id": matter.id,
                "right": matter.right.value,
                "state": matter.state.value,
                "reason": matter.note,
                "last_day": matter.last_day.isoformat(),
                "tasks": _tasks(store, matter, plan),
                "plan": plan.document() if plan else None,
                "digest": plan.digest if plan else None,
                "effects": [
                    {"id": effect.id, "kind": effect.kind, "status": effect.status}
                    for effect in store.effects(matter.id)
                ],
            }
        )
    document: dict[str, object] = {
        "case": case.number,
        "received": case.received.isoformat(),
        "language": case.language,
        "closed": case.closed.isoformat() if case.closed else None,
        "matters": matters,
    }
    if with_passphrase:
        document["passphrase"] = store.get(case.id, "passphrase")
    return document


def retry(settings: Settings, environ: Environ, number: str) -> int:
    """Go on with every matter of a case that stopped for a person."""
    clock = SystemClock()
    store = store_of(settings, environ, clock, read_only=True)
    try:
        case = _case_of(store, number)
        stopped = [m for m in store.matters(case.id) if m.state is State.NEEDS_HUMAN]
    finally:
        store.close()
    if not stopped:
        raise Permanent(f"nothing in case {case.number} waits for a person")
    try:
        with open_parts(settings, environ) as parts:
            for matter in stopped:
                flow_of(parts).retry(matter)
    except Transient:
        # The daemon holds the store: leave word for it (it looks every second).
        ask(state_dir(settings, environ), f"retry {case.id}")
    print(f"case {case.number}: {len(stopped)} to go on with")
    return 0


def ledger(settings: Settings, environ: Environ, options: argparse.Namespace) -> int:
    """`verify`: 0 and the head, or 1 and the first bad link. `export`: a case as JSON."""
    store = store_of(settings, environ, SystemClock(), read_only=True)
    try:
        if options.part == "verify":
            verification = store.verify_ledger()
            if not verification.ok:
                print(f"mailbot: ledger: {verification}", file=sys.stderr)
                return 1
            print(f"ledger: {verification}")
            return 0
        case = _case_of(store, options.case)
        _print_json(chain.export(store.ledger(case.id)))
        return 0
    finally:
        store.close()
