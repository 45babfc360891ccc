"""A small world for stories: the demo's stage, a clock that we set, people who write and reply."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

from mailbot import demo_scene as scene
from mailbot.case import Case, Matter
from mailbot.config import Settings
from mailbot.daemon import Daemon
from mailbot.demo import Stage, text_of
from mailbot.reader import Reader
from mailbot.trust import trust_of
from mailbot.wiring import Parts, open_daemon, open_parts, reader_of

KARI, STRANGER = "leder@example.no", "kari@stranger.example"
INGRID = "ingrid.solvang@solvang-bygg.no"
MARTIN = "martin.keller@keller-design.example"


class SetClock:
    """A clock that runs on by a millisecond at each look, and jumps when told."""

    def __init__(self, start: datetime) -> None:
        self.moment = start

    def now(self) -> datetime:
        self.moment += timedelta(milliseconds=1)
        return self.moment

    def pass_time(self, **span: float) -> None:
        self.moment += timedelta(**span)


class World:
    """The stage with its daemon. `once()` is one round of it."""

    def __init__(self, folder: Path, edit=str) -> None:  # noqa: ANN001
        self.stage = Stage(folder, edit)
        self.clock = SetClock(datetime.now(UTC))
        self.parts: Parts
        self.daemon: Daemon

    def once(self) -> None:
        self.daemon.once()

    # --- people write

    def write(
        self, sender: str, subject: str, text: str, *, dmarc: str = "pass", answers: str = ""
    ) -> str:
        message_id = f"story.{self.clock.now().timestamp()}@{sender.rpartition('@')[2]}"
        self.stage.deliver(
            scene.mail(
                sender,
                "",
                subject,
                text,
                self.clock.now(),
                message_id,
                dmarc=dmarc,
                answers=answers,
            )
        )
        self.once()
        return message_id

    def reply(
        self,
        question: EmailMessage,
        text: str,
        *,
        sender: str = KARI,
        name: str = "Kari Leder",
        dmarc: str = "pass",
    ) -> None:
        self.stage.deliver(scene.reply(question, sender, name, text, self.clock.now(), dmarc))
        self.once()

    # --- what there is to see

    def sent(self, to: str) -> list[EmailMessage]:
        return self.stage.sent(to)

    def questions(self) -> list[EmailMessage]:
        return [mail for mail in self.sent(KARI) if _tagged(mail) and not _is_notice(mail)]

    def notices(self) -> list[EmailMessage]:
        return [mail for mail in self.sent(KARI) if _is_notice(mail)]

    def stopped(self) -> EmailMessage:
        """The latest notice by which a matter that is stopped may be ended."""
        return [mail for mail in self.notices() if _tagged(mail)][-1]

    def question(self) -> EmailMessage:
        return self.questions()[-1]

    def only_matter(self) -> Matter:
        (matter,) = self.matters()
        return matter

    def matters(self) -> list[Matter]:
        return [m for case in reversed(self.cases()) for m in self.parts.store.matters(case.id)]

    def cases(self) -> list[Case]:
        return list(self.parts.store.cases())

    def reasons(self, event: str = "reply-changed-nothing") -> list[str]:
        return [entry.reason for entry, _ in self.parts.store.ledger() if entry.event == event]

    def rows(self, table: str, where: str = "1") -> list[tuple[object, ...]]:
        with sqlite3.connect(self.stage.register) as db:
            found = db.execute(f"SELECT * FROM {table} WHERE {where}").fetchall()
        db.close()
        return found

    def sql(self, statement: str) -> None:
        with sqlite3.connect(self.stage.register) as db:
            db.execute(statement)
        db.close()


_READERS: dict[str, Reader] = {}


def reader(settings: Settings) -> Reader:
    """One reader process for all stories of this process with the same settings: starting one
    costs as much as a story. It keeps nothing of a mail, and each daemon tells it its lessons
    anew; it ends when we hang up."""
    return _READERS.setdefault(repr((trust_of(settings), settings.classify)), reader_of(settings))


@contextmanager
def world(folder: Path, edit=str) -> Iterator[World]:  # noqa: ANN001
    """Open the world; `edit` changes mailbot.toml before it is read."""
    made = World(folder, edit)
    with (
        open_parts(made.stage.settings, made.stage.environ, made.clock) as parts,
        open_daemon(parts, made.stage.environ, reader(made.stage.settings)) as daemon,
    ):
        made.parts, made.daemon = parts, daemon
        yield made


def _tagged(mail: EmailMessage) -> bool:
    return "[mailbot:" in str(mail["Subject"])


def _is_notice(mail: EmailMessage) -> bool:
    return "Grunnens navn" in letter(mail)


def letter(mail: EmailMessage) -> str:
    return text_of(mail).replace("\r\n", "\n")
