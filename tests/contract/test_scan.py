"""`mailbot scan` over a Maildir and a real Dovecot: finds what nobody answered, leaves no trace."""

import itertools
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailbot.clock import SystemClock
from mailbot.config import Settings
from mailbot.demo import Stage
from mailbot.errors import Transient
from mailbot.ports import Mailbox
from mailbot.reader import Reader
from mailbot.scan import Progress, Scan, from_text, to_text
from mailbot.trust import trust_of
from tests.contract.test_mailbox_contract import mail
from tests.contract.worlds import ImapWorld, MaildirWorld, World
from tests.servers import dovecot
from tests.servers.dovecot import Dovecot

SINCE = datetime.now(UTC) - timedelta(days=120)
ERASE = "Jeg vil at dere sletter alle opplysninger dere har lagret om meg. Hilsen Anne"
_USERS = {f"scan{number}@firma.test": "pw" for number in range(20)}
_users = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    if why := dovecot.missing():
        pytest.skip(why)
    with Dovecot(_USERS) as running:
        yield running


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Stage(
        tmp_path_factory.mktemp("stage"),
        lambda text: text.replace("support@example.no", "support@firma.test"),
    ).settings


@pytest.fixture(scope="module")
def reader(settings: Settings) -> Iterator[Reader]:
    with Reader(trust_of(settings), open_above=0.85, ask_above=0.15) as opened:
        yield opened


@pytest.fixture(params=["maildir", "imap"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "maildir":
        made: World = MaildirWorld(tmp_path)
    else:
        made = ImapWorld(request.getfixturevalue("server"), f"scan{next(_users)}@firma.test")
    made.make_folder("Sent")
    made.make_folder("Ferdig")
    return made


def days_ago(days: float) -> float:
    return time.time() - days * 86400


def asks(world: World, who: str, days: float, folder: str = "INBOX", **headers: str) -> str:
    raw = mail("Sletting", ERASE, sender=f"Anne <{who}>", **headers)
    world.deliver(raw, folder, days_ago(days))
    line = next(line for line in raw.split(b"\r\n") if line.lower().startswith(b"message-id"))
    return line.split(b":", 1)[1].strip().decode()


def answers(world: World, who: str, days: float, folder: str = "Sent", **headers: str) -> None:
    raw = mail("Sv: Sletting", "Da er det gjort.", "support@firma.test", who, **headers)
    world.deliver(raw, folder, days_ago(days))


def opened(
    box: Mailbox, settings: Settings, reader: Reader, progress: Progress | None = None
) -> Scan:
    begun = progress or Progress(since=SINCE, cursors={})
    return Scan(
        settings, {"support": box}, reader, None, SystemClock(), begun, lambda progress: None
    )


def scanned(
    world: World, settings: Settings, reader: Reader, progress: Progress | None = None
) -> Scan:
    box = world.open()
    scan = opened(box, settings, reader, progress)
    list(scan.read())
    list(scan.look_for_answers())
    box.close()
    return scan


class _Breaking:
    """A mailbox whose connection is lost after so many batches."""

    def __init__(self, box: Mailbox, batches: int) -> None:
        self._box = box
        self._left = batches

    def __getattr__(self, name: str) -> object:
        return getattr(self._box, name)

    def fetch(self, *given: object) -> Iterator[object]:
        for batch in self._box.fetch(*given):  # type: ignore[arg-type]
            if not self._left:
                raise Transient("the connection was lost")
            self._left -= 1
            yield batch


def test_what_nobody_answered_is_found_and_what_was_answered_is_not(
    world: World, settings: Settings, reader: Reader
) -> None:
    asks(world, "glemt@kunde.test", 40)
    asks(world, "fersk@kunde.test", 2, "Junk")
    replied = asks(world, "besvart@kunde.test", 30)
    answers(world, "besvart@kunde.test", 29, "Ferdig", In_Reply_To=replied, References=replied)
    other = asks(world, "annen@kunde.test", 30)
    answers(world, "annen.adresse@kunde.test", 29, In_Reply_To=other)
    asks(world, "ny.mail@kunde.test", 30)
    answers(world, "ny.mail@kunde.test", 28)
    answers(world, "tidlig@kunde.test", 33)
    asks(world, "tidlig@kunde.test", 30)
    asks(world, "kvittering@kunde.test", 30)
    answers(world, "kvittering@kunde.test", 30 - 0.01, Auto_Submitted="auto-replied")
    asks(world, "gammel@kunde.test", 300)
    world.deliver(mail("Faktura", "Hvor finner jeg fakturaen for mars?"), "INBOX", days_ago(9))
    scan = scanned(world, settings, reader)
    found = {request.sender: request for request in scan.unanswered()}
    assert set(found) == {
        "glemt@kunde.test",
        "fersk@kunde.test",
        "tidlig@kunde.test",
        "kvittering@kunde.test",
    }
    how = {request.sender: request.answered for request in scan.progress.found}
    assert how["besvart@kunde.test"] == how["annen@kunde.test"] == "reply"
    assert how["ny.mail@kunde.test"] == "later-mail"
    zone = settings.deadline.timezone
    old = found["glemt@kunde.test"].document(datetime.now(UTC).date(), zone)
    assert old["overdue"]
    assert not found["fersk@kunde.test"].document(datetime.now(UTC).date(), zone)["overdue"]
    assert found["fersk@kunde.test"].folder == "junkemail"


def test_a_scan_leaves_no_trace(world: World, settings: Settings, reader: Reader) -> None:
    asks(world, "glemt@kunde.test", 40)
    answers(world, "glemt@kunde.test", 50)
    before = [world.flags(folder) for folder in ("INBOX", "Sent")]
    assert len(scanned(world, settings, reader).unanswered()) == 1
    assert [world.flags(folder) for folder in ("INBOX", "Sent")] == before
    assert world.marked() == 0


def test_an_interrupted_scan_goes_on_where_it_stopped(
    world: World, settings: Settings, reader: Reader
) -> None:
    for number in range(70):  # more than one batch
        text = ERASE if number % 23 == 0 else "Hvor finner jeg fakturaen?"
        sender = f"nr{number}@kunde.test"
        world.deliver(mail("Hei", text, sender=sender), "INBOX", days_ago(60 - number / 2))
    whole = scanned(world, settings, reader)
    box = world.open()
    broken = opened(_Breaking(box, batches=1), settings, reader)  # type: ignore[arg-type] # it passes the port's methods on
    with pytest.raises(Transient):
        list(broken.read())
    box.close()
    resumed = scanned(world, settings, reader, from_text(to_text(broken.progress)))
    assert broken.progress.mails == 50
    assert resumed.progress.mails == whole.progress.mails == 70
    assert [one.sender for one in resumed.unanswered()] == [
        "nr0@kunde.test",
        "nr23@kunde.test",
        "nr46@kunde.test",
        "nr69@kunde.test",
    ]


def test_a_forged_answer_hides_nothing(world: World, settings: Settings, reader: Reader) -> None:
    own = asks(world, "glemt@kunde.test", 40)
    raw = mail(
        "Sv: Sletting",
        "Gjort.",
        "kari@example.no",
        "glemt@kunde.test, support@firma.test",
        In_Reply_To=own,
    )
    world.deliver(raw, "INBOX", days_ago(39))
    unanswered = scanned(world, settings, reader).unanswered()
    assert "glemt@kunde.test" in {request.sender for request in unanswered}
