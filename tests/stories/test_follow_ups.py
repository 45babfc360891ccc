"""The person writes again: which case it joins, and what becomes of the plan that staff hold."""

import pytest

from mailbot.case import State
from tests.stories.test_straight_way import ACCESS, ERASE
from tests.stories.world import INGRID, STRANGER, World, letter

# What the person writes, and the words of the warning that approvers are then shown.
WRITES_AGAIN = [
    ("withdraws", "Hei, jeg har ombestemt meg. Dere trenger ikke slette noe.", "trekke ønsket"),
    ("narrows", "Ordrehistorikken kan dere beholde, bare slett kontoen.", "mindre enn først"),
    ("denies", "Jeg har aldri bedt om dette.", "ikke har bedt om"),
    ("widens", "Jeg har også kundenummer K-100231, ta med det.", ""),
    ("reminds", "Hei, når får jeg svar?", ""),
    ("asks", "Må jeg gjøre noe mer selv?", ""),
    ("thanks and more", "Takk, men da lar vi kontoen være.", "trekke ønsket"),
]


def ordered(small: World) -> int:
    return len(small.rows("ordrer", "kontakt_id = 1"))


@pytest.mark.parametrize(
    ("text", "warning"), [each[1:] for each in WRITES_AGAIN], ids=[each[0] for each in WRITES_AGAIN]
)
def test_what_the_person_writes_again_moves_the_plan_to_a_new_version(
    small: World, text: str, warning: str
):
    first = small.write(INGRID, "Sletting", ERASE)
    old = small.question()
    small.write(INGRID, "Re: Sletting", text, answers=first)
    assert len(small.cases()) == 1
    assert small.only_matter().plan_version == 2
    small.reply(old, "Godkjent")
    assert "older-plan-version" in small.reasons()
    assert ordered(small) == 2
    new = letter(small.question())
    assert text[:40] in new
    assert warning in new
    if not warning:
        assert "ser ut til å" not in new
    small.reply(small.question(), "Godkjent")
    assert ordered(small) == 0


def test_a_question_that_is_a_right_of_its_own_is_answered_beside(small: World):
    first = small.write(INGRID, "Sletting", ERASE)
    small.write(
        INGRID, "Re: Sletting", "Hvor lenge beholder dere opplysningene om meg?", answers=first
    )
    assert len(small.cases()) == 1
    assert sorted(matter.right.value for matter in small.matters()) == ["erasure", "info"]


def test_a_warning_goes_when_the_person_comes_back_to_the_first_wish(small: World):
    first = small.write(INGRID, "Sletting", ERASE)
    small.write(INGRID, "Re: Sletting", "Jeg har ombestemt meg.", answers=first)
    assert "trekke ønsket" in letter(small.question())
    small.write(INGRID, "Re: Sletting", ERASE, answers=first)
    assert "trekke ønsket" not in letter(small.question())
    assert small.only_matter().plan_version == 3


def test_to_withdraw_the_request_is_to_withdraw_no_consent(small: World):
    first = small.write(INGRID, "Sletting", ERASE)
    small.write(INGRID, "Re: Sletting", "Jeg har ombestemt meg.", answers=first)
    assert [matter.right.value for matter in small.matters()] == ["erasure"]


def test_mere_thanks_leave_the_plan_and_its_token_alone(small: World):
    first = small.write(INGRID, "Sletting", ERASE)
    small.write(INGRID, "Re: Sletting", "Tusen takk for hjelpen!\n\nMvh Ingrid", answers=first)
    assert small.only_matter().plan_version == 1
    assert len(small.questions()) == 1
    small.reply(small.question(), "Godkjent")
    assert ordered(small) == 0


def test_another_right_joins_the_case_as_a_matter_of_its_own(small: World):
    first = small.write(INGRID, "Sletting", ERASE)
    text = "Før dere sletter vil jeg ha en kopi av alle opplysningene dere har om meg."
    small.write(INGRID, "Re: Sletting", text, answers=first)
    assert len(small.cases()) == 1
    assert {matter.right.value for matter in small.matters()} == {"erasure", "access"}


def test_by_the_sender_alone_a_second_request_joins_too(small: World):
    small.write(INGRID, "Sletting", ERASE)
    small.write(INGRID, "Innsyn", ACCESS)
    assert len(small.cases()) == 1
    assert {matter.right.value for matter in small.matters()} == {"erasure", "access"}


@pytest.mark.parametrize("verdict", ["pass", "none"])
def test_a_case_number_never_joins_a_strangers_mail(small: World, verdict: str):
    small.write(INGRID, "Sletting", ERASE)
    (case,) = small.cases()
    small.write(
        STRANGER,
        f"Re: Sletting, sak {case.number}",
        f"Det gjelder sak {case.number}. Jeg har ombestemt meg, ikke slett noe.",
        dmarc=verdict,
    )
    (matter,) = small.parts.store.matters(case.id)
    assert (matter.state, matter.plan_version) == (State.ASKED, 1)
    small.reply(small.questions()[0], "Godkjent")
    assert ordered(small) == 0


def test_not_even_our_own_message_id_joins_a_strangers_mail(small: World):
    first = small.write(INGRID, "Sletting", ERASE)
    (case,) = small.cases()
    small.write(STRANGER, "Re: Sletting", "Ikke slett noe likevel.", answers=first)
    (matter,) = small.parts.store.matters(case.id)
    assert (matter.state, matter.plan_version) == (State.ASKED, 1)


def test_a_forged_withdrawal_does_not_move_the_plan(small: World):
    first = small.write(INGRID, "Sletting", ERASE)
    (case,) = small.cases()
    small.write(INGRID, "Re: Sletting", "Jeg har ombestemt meg.", answers=first, dmarc="fail")
    (matter,) = small.parts.store.matters(case.id)
    assert (matter.state, matter.plan_version) == (State.ASKED, 1)
