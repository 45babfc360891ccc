"""Whatever is not an authentic, unmistakable approval of this very plan changes nothing."""

import re

import pytest

from mailbot import demo_scene as scene
from mailbot.case import State
from tests.stories.test_straight_way import ERASE
from tests.stories.world import INGRID, KARI, STRANGER, World, letter


@pytest.fixture
def asked(small: World) -> World:
    small.write(INGRID, "Sletting", ERASE)
    assert small.only_matter().state is State.ASKED
    return small


def _unchanged(world: World, reason: str) -> None:
    assert world.only_matter().state is State.ASKED
    assert len(world.rows("ordrer", "kontakt_id = 1")) == 2
    assert world.sent(INGRID) == []
    assert world.sent(STRANGER) == []
    assert any(found.startswith(reason) for found in world.reasons()), world.reasons()
    assert world.parts.store.verify_ledger().ok


def test_a_stranger(asked: World):
    asked.reply(asked.question(), "GODKJENN", sender=STRANGER)
    _unchanged(asked, "not-an-approver")


def test_the_data_subject(asked: World):
    asked.reply(asked.question(), "GODKJENN", sender=INGRID, name="Ingrid")
    _unchanged(asked, "data-subject")


def test_the_approvers_address_forged(asked: World):
    asked.reply(asked.question(), "GODKJENN", dmarc="fail")
    _unchanged(asked, "not-authentic")


def test_a_wrong_token(asked: World):
    question = asked.question()
    subject = re.sub(r"mailbot:\w{6}", "mailbot:aaaaaa", str(question["Subject"]))
    question.replace_header("Subject", subject)
    asked.reply(question, "GODKJENN")
    _unchanged(asked, "unknown-token")


def test_no_token(asked: World):
    question = asked.question()
    question.replace_header("Subject", "Godkjenning")
    asked.reply(question, "GODKJENN")
    _unchanged(asked, "no-token")


def test_a_used_token(asked: World):
    first = asked.question()
    asked.reply(first, "ENDRE:\nKjære Ingrid, vi har slettet alt.\n\nHilsen oss")
    assert len(asked.questions()) == 2
    asked.reply(first, "GODKJENN")
    _unchanged(asked, "older-plan-version")


def test_a_second_approval_does_nothing_more(asked: World):
    question = asked.question()
    asked.reply(question, "GODKJENN")
    assert len(asked.sent(INGRID)) == 1
    asked.reply(question, "GODKJENN")
    assert "used-token" in asked.reasons()
    assert len(asked.sent(INGRID)) == 1


def test_an_out_of_office(asked: World):
    question = asked.question()
    raw = scene.reply(question, KARI, "Kari", "Jeg er på ferie. GODKJENN", asked.clock.now())
    asked.stage.deliver(raw.replace(b"Subject: SV:", b"Auto-Submitted: auto-replied\r\nSubject:"))
    asked.once()
    _unchanged(asked, "automatic-auto-reply")
    assert len(asked.sent(KARI)) == 1  # nobody argues with a machine


@pytest.mark.parametrize(
    "text",
    [
        "ja, men vent med ordrene",
        "Godkjent hvis fakturaene er betalt",
        "ikke godkjent",
        "ok?",
        "👍",
        "",
        "Ser fint ut, men sjekk med Per først",
        "Godkjenner alt unntatt 2",
    ],
)
def test_what_is_no_clear_yes(asked: World, text: str):
    asked.reply(asked.question(), text)
    _unchanged(asked, "unclear")
    notices = [mail for mail in asked.sent(KARI) if "[mailbot:" not in str(mail["Subject"])]
    assert notices, "the approver is told"
    assert letter(notices[-1]).strip()


def test_an_approval_that_speaks_of_another_plan(asked: World):
    asked.write("martin.keller@keller-design.example", "Delete", "Please delete my personal data.")
    erasure, other = asked.questions()
    erasure.replace_header("Message-ID", str(other["Message-ID"]))
    asked.reply(erasure, "GODKJENN")
    assert "references-another-plan" in asked.reasons()
    assert all(matter.state is State.ASKED for matter in asked.matters())
