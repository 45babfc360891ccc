"""A stopped matter is ended by the reply of an approver: the person was answered by hand."""

from datetime import datetime

import pytest

from mailbot.case import State
from tests.stories.test_other_ways_in import SUPPORT, answer, put
from tests.stories.test_straight_way import ERASE
from tests.stories.world import INGRID, KARI, World, letter, world


@pytest.fixture
def paused(small: World) -> World:
    """A colleague has answered Ingrid from the mailbox."""
    request = small.write(INGRID, "Sletting", ERASE)
    put(small, answer(small, SUPPORT, INGRID, request), "Sent")
    small.once()
    assert small.only_matter().state is State.NEEDS_HUMAN
    return small


def test_besvart_ends_the_matter_with_its_deadline_and_does_nothing_else(paused: World):
    notice = paused.stopped()
    assert "BESVART" in letter(notice)
    before = paused.rows("ordrer")
    paused.reply(notice, "BESVART: Ola ringte henne.\n\nHilsen Kari")
    matter = paused.only_matter()
    assert (matter.state, matter.note, matter.due) == (State.CLOSED, "answered-by-hand", None)
    assert paused.cases()[0].closed is not None
    assert paused.rows("ordrer") == before
    assert paused.sent(INGRID) == []
    (facts,) = [
        facts for entry, facts in paused.parts.store.ledger() if entry.reason == "answered-by-hand"
        and entry.event == "moved"
    ]  # fmt: skip
    assert facts["approver"] == KARI
    assert facts["how"] == "Ola ringte henne."
    assert facts["stopped"] == "colleague-answered"
    told = len(paused.sent(KARI))
    paused.clock.pass_time(days=40)
    paused.once()
    assert len(paused.sent(KARI)) == told  # nobody is reminded of it
    assert paused.parts.store.verify_ledger().ok


def test_the_reminder_may_be_answered_as_well_and_each_token_ends_once(paused: World):
    first = paused.stopped()
    paused.clock.pass_time(days=27)
    paused.once()
    reminder = paused.stopped()
    assert reminder["Subject"] != first["Subject"]
    assert "forrige beskjeden" in letter(reminder)
    paused.reply(reminder, "Hun har fått svar på telefon.")
    assert paused.only_matter().state is State.CLOSED
    paused.reply(first, "BESVART")
    assert paused.only_matter().state is State.CLOSED
    assert paused.reasons()[-1] in ("older-plan-version", "used-token", "not-asked")


# (Many more wordings that say nothing: tests/unit/test_answered.py.)
@pytest.mark.parametrize(
    "text",
    ["Godkjent", "AVVIS: feil person", "", "UTFØRT 1", "Besvart?", "Besvart, men ikke slettet"],
)
def test_anything_else_ends_nothing_and_is_explained(paused: World, text: str):
    told = len(paused.sent(KARI))
    paused.reply(paused.stopped(), text)
    assert paused.only_matter().state is State.NEEDS_HUMAN
    assert paused.reasons()[-1] in ("unclear-answered", "not-asked")
    assert len(paused.sent(KARI)) == told + 1
    assert paused.rows("ordrer", "kontakt_id = 1")


def test_nobody_else_ends_it(paused: World):
    notice = paused.stopped()
    paused.reply(notice, "BESVART", sender=INGRID, name="Ingrid")
    paused.reply(notice, "BESVART", sender="kari@stranger.example")
    paused.reply(notice, "BESVART", dmarc="fail")
    paused.reply(notice, "BESVART", dmarc="none")
    del notice["Subject"]
    notice["Subject"] = "En kollega har svart personen"
    paused.reply(notice, "BESVART")  # without the token
    assert paused.only_matter().state is State.NEEDS_HUMAN


def test_the_word_in_a_question_that_is_open_ends_nothing(small: World):
    small.write(INGRID, "Sletting", ERASE)
    small.reply(small.question(), "BESVART")
    assert small.only_matter().state is State.ASKED
    assert small.reasons()[-1].startswith("unclear")


def test_the_token_of_a_stopped_matter_approves_nothing_once_it_goes_on(paused: World):
    notice = paused.stopped()
    paused.daemon.flow.retry(paused.only_matter())
    paused.once()
    assert paused.only_matter().state is State.ASKED
    for text in ("Godkjent", "BESVART"):
        paused.reply(notice, text)
        assert paused.only_matter().state is State.ASKED
    assert paused.rows("ordrer", "kontakt_id = 1")
    paused.reply(paused.question(), "Godkjent")  # the new question's own
    assert paused.rows("ordrer", "kontakt_id = 1") == []


def test_a_plan_that_was_rejected_is_answered_by_hand_and_ended(small: World):
    small.write(INGRID, "Sletting", ERASE)
    small.reply(small.question(), "AVVIS")
    small.reply(small.stopped(), "Done by hand, I called her.")
    assert small.only_matter().note == "answered-by-hand"


def test_a_second_approver_has_a_token_of_their_own(tmp_path):
    def two(text: str) -> str:
        second = '\n[[approver]]\naddress = "daglig@example.no"\nname = "Ola"\nrights = ["*"]\n'
        return text.replace("[send_without_approval]", f"{second}\n[send_without_approval]")

    with world(tmp_path, two) as made:
        made.write(INGRID, "Sletting", ERASE)
        made.reply(made.question(), "AVVIS")
        notice = made.stopped()
        made.reply(notice, "BESVART", sender="daglig@example.no", name="Ola")
        assert made.only_matter().state is State.NEEDS_HUMAN  # with Kari's token
        (own,) = [m for m in made.sent("daglig@example.no") if "BESVART" in letter(m)]
        made.reply(own, "BESVART", sender="daglig@example.no", name="Ola")
        assert made.only_matter().state is State.CLOSED
        assert isinstance(made.cases()[0].closed, datetime)
