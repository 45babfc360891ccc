"""`mailbot demo`: the whole story in a temporary folder, narrated. Real parts, invented people."""

import email
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from mailbot import demo_scene as scene
from mailbot.config import Log, load
from mailbot.logs import set_up
from mailbot.store import new_master_key
from mailbot.wiring import Parts, open_daemon, open_parts


def packaged_config() -> Path:
    """The shipped configuration: beside the package in a checkout, inside it in a wheel."""
    beside = Path(__file__).parents[1] / "config"
    inside = Path(__file__).parent / "_config"
    return inside if inside.is_dir() else beside


class Stage:
    """A temporary folder with the packaged configuration, a Maildir, an outbox and a register."""

    def __init__(self, folder: Path, edit: Callable[[str], str] = str) -> None:
        config, secrets = folder / "config", folder / "secrets"
        shutil.copytree(packaged_config(), config)
        secrets.mkdir(mode=0o700)
        key = secrets / "store.key"
        key.touch(mode=0o600)
        key.write_text(new_master_key())
        (folder / "var").mkdir(mode=0o700)
        toml = config / "mailbot.toml"
        toml.write_text(edit(toml.read_text(encoding="utf-8")), encoding="utf-8")
        self._open(folder)
        for box in (self.inbox, self.outbox):
            for part in ("tmp", "new", "cur"):
                (box / part).mkdir(parents=True, exist_ok=True)
        scene.build_register(self.register, datetime.now(UTC))

    @classmethod
    def again(cls, folder: Path) -> "Stage":
        """The stage that an earlier process set up in a folder."""
        stage = cls.__new__(cls)
        stage._open(folder)
        return stage

    def _open(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config"
        self.state = folder / "var"
        self.environ = {
            "STATE_DIRECTORY": str(self.state),
            "CREDENTIALS_DIRECTORY": str(folder / "secrets"),
        }
        self.settings = load(self.config / "mailbot.toml", self.environ)
        self.register = self.state / "demo" / "crm.db"
        self.inbox = self.state / "demo" / "support"
        self.outbox = self.state / "demo" / "outbox"
        self._count = 0

    def deliver(self, raw: bytes) -> None:
        """Put a mail into the support mailbox."""
        self._count += 1
        name = f"{time.time():.6f}.{self._count}.demo"
        (self.inbox / "tmp" / name).write_bytes(raw)
        (self.inbox / "tmp" / name).rename(self.inbox / "new" / name)

    def sent(self, to: str) -> list[EmailMessage]:
        """The mails in the outbox to somebody, oldest first."""
        files = sorted((self.outbox / "new").iterdir(), key=lambda file: file.stat().st_mtime_ns)
        mails = [email.message_from_bytes(file.read_bytes(), policy=modern) for file in files]
        return [mail for mail in mails if to in str(mail["To"])]


def text_of(mail: EmailMessage) -> str:
    """The plain text of a mail."""
    body = mail.get_body(("plain",))
    return str(body.get_content()) if body is not None else ""


def demo(keep: bool = False) -> int:
    """Tell the story; 0 if it ended as it should."""
    console = Console(highlight=False, width=100)
    set_up(Log(level="error"), {})
    folder = Path(tempfile.mkdtemp(prefix="mailbot-demo-"))
    began = time.monotonic()
    try:
        stage = Stage(folder)
        with (
            open_parts(stage.settings, stage.environ) as parts,
            open_daemon(parts, {**os.environ, **stage.environ}) as daemon,
        ):
            faults = list(_story(console, stage, parts, daemon.once))
    finally:
        if keep:
            console.print(f"kept: {folder}", markup=False)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    console.rule(f"{time.monotonic() - began:.1f} s")
    for fault in faults:
        console.print(f"NOT as it should be: {fault}", markup=False)
    return 1 if faults else 0


def _story(console: Console, stage: Stage, parts: Parts, once: object) -> Iterator[str]:
    assert callable(once)
    now = datetime.now(UTC)
    console.rule("1. four mails arrive at support@")
    for what, raw in scene.requests(now):
        stage.deliver(raw)
        text = text_of(email.message_from_bytes(raw, policy=modern))
        console.print(Panel(text.strip(), title=what, title_align="left"))
    before = scene.rows(stage.register)
    once()
    _register(console, parts)
    questions = stage.sent(scene.APPROVER)
    if len(questions) != 3:
        yield f"{len(questions)} approval mails, not 3"
    untouched = len(list((stage.inbox / "new").iterdir()))
    console.print(f"the support mailbox holds its {untouched} mails, unread as before")

    console.rule("2. staff are asked by e-mail (here: the erasure)")
    asked = [q for q in questions if "ingrid.solvang@" in text_of(q)]
    for question in asked:
        console.print(
            Panel(escape(text_of(question).strip()), title=escape(str(question["Subject"])))
        )

    console.rule("3. a stranger sends an approval: nothing happens")
    for question in questions:
        stage.deliver(scene.reply(question, "kari@stranger.example", "Kari Leder", "GODKJENN", now))
    once()
    if scene.rows(stage.register) != before or stage.sent("ingrid.solvang@"):
        yield "a stranger's approval did something"
    _ledger(console, parts, only="reply-changed-nothing")

    console.rule("4. the approver replies GODKJENN")
    for question in questions:
        stage.deliver(scene.reply(question, scene.APPROVER, "Kari Leder", "Godkjent", now))
    once()
    after = scene.rows(stage.register)
    table = Table("table", "rows before", "rows after", title="the customer register")
    for name, count in before.items():
        table.add_row(name, str(count), str(after[name]))
    console.print(table)
    for person in ("ingrid.solvang@", "martin.keller@", "torbjorg@"):
        answers = stage.sent(person)
        if len(answers) != 1:
            yield f"{len(answers)} answers to one of the three, not 1"
        for answer in answers:
            names = [part.get_filename() or "" for part in answer.iter_attachments()]
            files = f"\n\n[attached: {', '.join(names)}]" if names else ""
            text = text_of(answer).strip() + files
            console.print(
                Panel(escape(text), title=escape(str(answer["Subject"])), title_align="left")
            )
    if stage.sent("ingrid@solvaag"):
        yield "ordinary mail was answered"
    if after["ordrer"] >= before["ordrer"] or after["fakturaer"] != before["fakturaer"]:
        yield "orders should be gone and invoices kept"

    console.rule("5. the ledger proves it")
    _register(console, parts)
    _ledger(console, parts)
    verification = parts.store.verify_ledger()
    console.print(f"ledger verify: {verification}", markup=False)
    if not verification.ok:
        yield "the ledger does not verify"


def _register(console: Console, parts: Parts) -> None:
    table = Table("case", "right", "state", "reason", "last day", title="the case register")
    for case in reversed(parts.store.cases()):
        for matter in parts.store.matters(case.id):
            table.add_row(
                case.number,
                matter.right.value,
                matter.state.value,
                matter.note,
                matter.last_day.isoformat(),
            )
    console.print(table)


def _ledger(console: Console, parts: Parts, only: str = "") -> None:
    table = Table("seq", "event", "why", "to", "hash", title="the ledger")
    for entry, facts in parts.store.ledger():
        if only and entry.event != only:
            continue
        to = str((facts or {}).get("to", ""))
        table.add_row(str(entry.seq), entry.event, entry.reason, to, f"{entry.hash[:12]}…")
    console.print(table)
