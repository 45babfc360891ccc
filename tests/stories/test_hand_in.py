"""`mailbot open`: a request by telephone, by letter, or from a colleague's own inbox."""

import re
import threading
import time
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

import pytest

from mailbot import demo_scene as scene
from mailbot.case import Label, State
from mailbot.cli import main
from mailbot.deadline import deadline
from mailbot.demo import Stage
from mailbot.handin import HandedIn, take_in, written_down
from mailbot.logs import set_up
from tests.stories.test_straight_way import ERASE
from tests.stories.world import INGRID, KARI, World, letter

STRANGER = "ukjent@privat.example"


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    made = Stage(tmp_path)
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MAILBOT_CONFIG", str(made.config / "mailbot.toml"))
    return made


def handed(world: World, right: Label | None, sender: str = INGRID, text: str = "", days: int = 0):
    received = world.clock.now() - timedelta(days=days)
    raw = written_down(sender, "Ingrid Solvang", text, received, "support@example.no", "nb")
    given = HandedIn(mailbox="support", raw=raw, received=received, right=right)
    assert take_in(world.parts.store, given) is not None
    world.once()
    return given


def test_a_telephone_call_opens_a_case_whose_clock_began_that_day(small: World):
    given = handed(small, Label.ACCESS, days=12)
    matter = small.only_matter()
    assert matter.right is Label.ACCESS
    assert matter.received == given.received
    assert matter.last_day == deadline(given.received, "Europe/Oslo").last_day
    assert small.reasons("handed-in") == ["access"]


def test_who_asked_is_not_proven_until_a_code_came_back(small: World):
    handed(small, Label.ACCESS)
    assert small.only_matter().state is State.WAITING_FOR_IDENTITY
    assert small.questions() == []
    (code_mail,) = small.sent(INGRID)
    code = re.search(r"\b\d{10}\b", letter(code_mail)).group()
    own_id = str(code_mail["Message-ID"]).strip("<>")
    small.write(INGRID, "Sv: kode", f"Her er koden: {code}", dmarc="none", answers=own_id)
    small.reply(small.question(), "Godkjent")
    assert any(list(mail.iter_attachments()) for mail in small.sent(INGRID))


def test_a_caller_of_whom_nothing_is_on_record_gets_the_uniform_answer(small: World):
    handed(small, Label.ERASURE, sender=STRANGER)
    small.reply(small.question(), "Godkjent")
    (answer,) = small.sent(STRANGER)
    assert not list(answer.iter_attachments())
    assert small.rows("kontakter", "id = 1 AND epost IS NOT NULL")


def test_what_a_file_says_of_its_own_authenticity_proves_nothing(small: World):
    raw = scene.mail(INGRID, "Ingrid", "Sletting", ERASE, small.clock.now(), "x@y.example")
    take_in(
        small.parts.store,
        HandedIn(mailbox="support", raw=raw, received=small.clock.now(), right=None),
    )
    small.once()
    assert small.only_matter().state is State.WAITING_FOR_IDENTITY


def test_an_approval_cannot_be_handed_in(small: World):
    small.write(INGRID, "Sletting", ERASE)
    reply = scene.reply(small.question(), KARI, "Kari Leder", "Godkjent", small.clock.now(), "pass")
    take_in(
        small.parts.store,
        HandedIn(mailbox="support", raw=reply, received=small.clock.now(), right=None),
    )
    small.once()
    assert len(small.rows("ordrer", "kontakt_id = 1")) == 2
    assert small.matters()[0].state is State.ASKED


def test_a_forward_from_a_colleagues_inbox_is_its_writers_word(small: World):
    text = (
        "Kan du ta denne?\n\n---------- Forwarded message ---------\n"
        f"From: Uno Ukjent <{STRANGER}>\nDate: Mon, 2 Mar 2026 at 08:00\n"
        f"Subject: Sletting\nTo: <selger@example.no>\n\n{ERASE}\n"
    )
    raw = scene.mail("selger@example.no", "Selger", "Fwd: Sletting", text, small.clock.now(), "f@e")
    take_in(
        small.parts.store,
        HandedIn(mailbox="support", raw=raw, received=small.clock.now(), right=None),
    )
    small.once()
    small.reply(small.question(), "Godkjent")
    assert small.sent("selger@example.no") == []
    assert len(small.sent(STRANGER)) == 1


def test_an_ordinary_mail_that_is_handed_in_is_asked_about(small: World):
    handed(small, None, sender=STRANGER, text="Hvordan installerer jeg programmet?")
    assert "triage" in small.only_matter().flags
    small.reply(small.question(), "INNSYN")
    assert small.only_matter().right is Label.ACCESS


def test_the_same_mail_twice_is_one_case_and_one_left_alone_is_taken_up(small: World):
    raw = scene.mail(STRANGER, "U", "Hei", "Hvordan installerer jeg?", small.clock.now(), "n@e")
    small.stage.deliver(raw)
    small.once()
    assert small.cases() == []
    given = HandedIn(mailbox="support", raw=raw, received=small.clock.now(), right=Label.ERASURE)
    assert take_in(small.parts.store, given) is not None
    small.once()
    assert take_in(small.parts.store, given) is None
    small.once()
    assert len(small.cases()) == 1


def test_the_command_opens_the_case_and_names_its_last_day(stage: Stage, capsys):
    code = main(["open", "--from", STRANGER, "--right", "erasure", "--received", "2026-03-02"])
    said = capsys.readouterr().out
    assert code == 0
    assert re.match(r"case \d{4}-0001: to be answered by ", said)
    assert str(deadline(datetime(2026, 3, 2)).last_day) in said
    again = main(["open", "--from", STRANGER, "--right", "erasure", "--received", "2026-03-02"])
    assert again == 0
    assert capsys.readouterr().out == said  # the same request, the same case


def test_the_command_takes_a_file(stage: Stage, capsys, tmp_path: Path):
    now = datetime.now(UTC)
    raw = scene.mail(INGRID, "Ingrid", "Sletting", ERASE, now - timedelta(days=3), "f@e.example")
    file = tmp_path / "request.eml"
    file.write_bytes(raw)
    assert main(["open", str(file)]) == 0
    day = deadline(message_from_bytes(raw, policy=SMTP)["Date"].datetime).last_day
    assert str(day) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], ["neither a file nor --from"]),
        (["--from", "kari"], ["--right", "--received"]),
        (
            ["--from", "kari@x.example", "--right", "all", "--received", "x"],
            ["no right", "no date"],
        ),
        (
            [
                "--from",
                "k@x.example\nBcc: y@z.example",
                "--right",
                "access",
                "--received",
                "2026-01-01",
            ],
            ["no e-mail address"],
        ),
        (["--from", "k@x.example", "--right", "access", "--received", "2999-01-01"], ["future"]),
        (["missing.eml"], ["missing.eml"]),
        (["missing.eml", "--from", "k@x.example"], ["both a file and --from"]),
    ],
)
def test_faults_are_named_with_a_remedy(stage: Stage, capsys, given: list[str], told: list[str]):
    assert main(["open", *given]) == 2
    said = capsys.readouterr().err
    assert all(each in said for each in told)
    assert all(line.startswith("mailbot: ") for line in said.strip().splitlines())


def test_beside_the_running_daemon_it_is_handed_over_sealed_and_goes_on(small: World, monkeypatch):
    """The daemon holds the store: the command leaves the request, the daemon opens the case."""
    for name, value in small.stage.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MAILBOT_CONFIG", str(small.stage.config / "mailbot.toml"))
    set_up(small.stage.settings.log, {})  # to the standard error of this test
    running = threading.Thread(target=small.daemon.run, daemon=True)
    running.start()
    try:
        given = ["open", "--from", STRANGER, "--right", "erasure", "--received", "2026-03-02"]
        assert main(given) == 0
        end = time.monotonic() + 20
        while not small.questions() and time.monotonic() < end:
            time.sleep(0.1)
    finally:
        small.daemon.stop()
        running.join(20)
    assert small.only_matter().received.date() == date(2026, 3, 1)  # midnight in Oslo
    assert len(small.questions()) == 1
    left = list((small.stage.state / "requests").iterdir())
    assert left == []
