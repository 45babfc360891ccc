"""A case is handed to one approver: by command, or by a reply."""

from pathlib import Path

import pytest

from mailbot.assigning import assign
from mailbot.case import State
from mailbot.errors import Permanent
from tests.stories.test_learning import ALIKE as HINT
from tests.stories.test_straight_way import ERASE
from tests.stories.world import INGRID, KARI, World, world

OLA, ONLY_ACCESS = "ola@example.no", "bare.innsyn@example.no"


@pytest.fixture
def several(tmp_path: Path):
    def more(text: str) -> str:
        added = (
            f'\n[[approver]]\naddress = "{OLA}"\nname = "Ola Nilsen"\nrights = ["*"]\n'
            f'\n[[approver]]\naddress = "{ONLY_ACCESS}"\nrights = ["access"]\n\n'
        )
        return text.replace("[send_without_approval]", f"{added}[send_without_approval]", 1)

    with world(tmp_path, more) as made:
        yield made


def hand(made: World, to: str) -> str:
    said = assign(made.parts.store, made.daemon.flow, made.cases()[0].id, to)
    made.once()
    return said


def test_the_assigned_one_is_asked_anew_and_alone(several: World):
    several.write(INGRID, "Sletting", ERASE)
    old, kari = several.sent(OLA)[-1], len(several.sent(KARI))
    hand(several, OLA)
    assert len(several.sent(OLA)) == 2
    assert len(several.sent(KARI)) == kari
    several.reply(old, "Godkjent", sender=OLA, name="Ola Nilsen")  # an earlier question
    assert several.only_matter().state is State.ASKED
    several.reply(several.sent(OLA)[1], "Godkjent", sender=OLA, name="Ola Nilsen")
    assert several.rows("ordrer", "kontakt_id = 1") == []
    assert several.reasons("assigned") == [""]


def test_a_doubtful_mail_is_asked_about_anew_too(several: World):
    several.write("uno@ukjent.example", "Sluttet", HINT)
    assert "triage" in several.only_matter().flags
    kari = len(several.sent(KARI))
    hand(several, "Ola Nilsen")
    assert len(several.sent(KARI)) == kari
    several.reply(several.sent(OLA)[-1], "IKKE PERSONVERN", sender=OLA, name="Ola Nilsen")
    assert several.only_matter().state is State.CLOSED


def test_nobody_is_handed_what_they_may_not_decide(several: World):
    several.write(INGRID, "Sletting", ERASE)
    before = several.only_matter()
    for nobody in (ONLY_ACCESS, "fremmed@stranger.example", ""):
        with pytest.raises(Permanent):
            hand(several, nobody)
    assert several.only_matter() == before


def test_a_closed_case_cannot_be_handed_on(several: World):
    several.write(INGRID, "Sletting", ERASE)
    several.reply(several.question(), "IKKE PERSONVERN")
    with pytest.raises(Permanent, match="no open case"):
        hand(several, OLA)


def test_an_approver_hands_it_on_by_reply(several: World):
    several.write(INGRID, "Sletting", ERASE)
    kari, ola = len(several.sent(KARI)), len(several.sent(OLA))
    several.reply(several.question(), f"TILDEL: {OLA}")
    assert len(several.sent(OLA)) == ola + 1
    assert len(several.sent(KARI)) == kari
    assert several.only_matter().state is State.ASKED
    several.reply(several.sent(OLA)[-1], "TILDEL: ingen@example.no", sender=OLA, name="Ola Nilsen")
    assert several.reasons() == ["assigned-to-nobody"]
