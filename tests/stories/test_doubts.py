"""Staff who are in doubt: a question to the person, a proof of who they are, records left out."""

import json

import pytest

from mailbot.case import State
from mailbot.codec import from_json
from mailbot.message import OutgoingFile
from mailbot.plan import Do
from tests.stories.test_attacks_who import code_in, id_of
from tests.stories.test_straight_way import ACCESS, ERASE
from tests.stories.world import INGRID, KARI, MARTIN, World, letter

COPY = "Hei, jeg ber om innsyn i og kopi av alle opplysninger dere har lagret om meg."
QUESTION = "Hvilken bestilling mener du?"


def asked_of(small: World, text: str = f"SPØR: {QUESTION}") -> None:
    small.write(INGRID, "Sletting", ERASE)
    small.reply(small.question(), text)


def explained(small: World, reason: str) -> bool:
    """Whether the latest reply changed nothing for this reason, and its writer was told so."""
    (notice, *_) = reversed(small.sent(KARI))
    return small.reasons()[-1:] == [reason] and "[mailbot:" not in str(notice["Subject"])


# --- SPØR ---------------------------------------------------------------------------------------


def test_a_question_leaves_once_approved_and_the_answer_brings_a_new_proposal(small: World):
    asked_of(small)
    assert small.sent(INGRID) == []  # nothing leaves without approval
    proposal = letter(small.question())
    assert QUESTION in proposal
    assert "ingenting endres i systemene" in proposal
    last_day = small.only_matter().last_day
    small.reply(small.question(), "Godkjent")
    (question,) = small.sent(INGRID)
    text = letter(question)
    assert QUESTION in text
    assert f"{last_day.day}. " in text  # the time limit runs on, and the person is told so
    assert small.only_matter().state is State.CLASSIFIED
    assert small.only_matter().last_day == last_day
    before = len(small.questions())
    small.write(INGRID, "Re: spørsmål", "Den fra i fjor vår, takk.", answers=id_of(question))
    assert small.only_matter().state is State.ASKED
    assert len(small.questions()) == before + 1
    assert "Den fra i fjor vår" in letter(small.question())
    assert len(small.rows("ordrer", "kontakt_id = 1")) == 2
    small.reply(small.question(), "Godkjent")
    assert len(small.sent(INGRID)) == 2
    assert small.rows("ordrer", "kontakt_id = 1") == []
    assert small.parts.store.verify_ledger().ok


def test_without_an_answer_staff_are_asked_in_time_and_told_of_the_silence(small: World):
    asked_of(small)
    small.reply(small.question(), "Godkjent")
    before = len(small.questions())
    small.clock.pass_time(days=9)
    small.once()
    assert len(small.questions()) == before
    small.clock.pass_time(days=2)
    small.once()
    assert len(small.questions()) == before + 1
    assert "ikke svart på spørsmålet" in letter(small.question())
    small.reply(small.question(), "Godkjent")
    assert small.rows("ordrer", "kontakt_id = 1") == []


def test_late_in_the_month_less_is_waited_and_a_missed_day_is_admitted(small: World):
    small.write(INGRID, "Sletting", ERASE)
    small.clock.pass_time(days=25)
    small.once()
    small.reply(small.question(), f"SPØR: {QUESTION}")
    small.reply(small.question(), "Godkjent")
    before = len(small.questions())
    small.clock.pass_time(days=1, minutes=1)
    small.once()
    assert len(small.questions()) == before + 1
    small.clock.pass_time(days=14)
    small.reply(small.question(), f"SPØR: {QUESTION}")
    small.reply(small.question(), "Godkjent")
    assert "Du skulle ha hatt svar" in letter(small.sent(INGRID)[-1])


def test_what_staff_said_to_keep_outlives_a_question(small: World):
    small.write(INGRID, "Sletting", ERASE)
    (number, _) = numbers(small, "ordrer")
    small.reply(small.question(), f"BEHOLD {number}: pågående reklamasjon")
    small.reply(small.question(), f"SPØR: {QUESTION}")
    small.reply(small.question(), "Godkjent")
    small.write(INGRID, "Re: q", "Den fra i fjor.", answers=id_of(small.sent(INGRID)[0]))
    small.reply(small.question(), "Godkjent")
    assert len(small.rows("ordrer", "kontakt_id = 1")) == 1


def test_a_question_to_somebody_unproven_would_tell_that_they_are_known(small: World):
    small.write("hvem@ukjent.example", "Sletting", ERASE, dmarc="none")
    small.reply(small.question(), f"SPØR: {QUESTION}")
    assert explained(small, "ask-unproven")
    assert small.only_matter().state is State.ASKED
    assert small.sent("hvem@ukjent.example") == []


def test_no_to_a_question_brings_the_proposal_back(small: World):
    asked_of(small)
    small.reply(small.question(), "AVVIS: vi vet det allerede")
    assert small.only_matter().state is State.ASKED
    assert "sletter" in letter(small.question()).splitlines()[0]
    small.reply(small.question(), "Godkjent")
    assert len(small.sent(INGRID)) == 1
    assert small.rows("ordrer", "kontakt_id = 1") == []


def test_a_question_without_words_or_from_a_stranger_changes_nothing(small: World):
    asked_of(small, "SPØR")
    assert small.only_matter().plan_version == 1
    small.reply(small.question(), f"SPØR: {QUESTION}", sender="x@stranger.example", name="X")
    assert small.only_matter().plan_version == 1
    small.reply(small.question(), f"SPØR: {QUESTION}", dmarc="fail")
    assert small.only_matter().plan_version == 1
    assert small.sent(INGRID) == []


# --- IDENTITET ----------------------------------------------------------------------------------


def test_a_doubted_person_gets_a_code_and_goes_on_with_it(small: World):
    small.write(MARTIN, "My data", ACCESS)
    small.reply(small.question(), "IDENTITET")
    assert small.only_matter().state is State.WAITING_FOR_IDENTITY
    (code,) = small.sent(MARTIN)
    before = len(small.questions())
    small.write(MARTIN, "Re: code", code_in(code), answers=id_of(code))
    assert small.only_matter().state is State.ASKED
    assert len(small.questions()) == before + 1
    small.reply(small.question(), "IDENTITET")
    assert explained(small, "identity-proven")
    small.reply(small.question(), "Godkjent")
    assert len(small.sent(MARTIN)) == 2


def test_without_a_code_the_doubted_person_gets_the_uniform_letter_alone(small: World):
    small.write(MARTIN, "My data", ACCESS)
    small.reply(small.question(), "IDENTITET: høres ikke ut som ham")
    small.clock.pass_time(days=8)
    small.once()
    assert small.only_matter().state is State.ASKED
    small.reply(small.question(), "IDENTITET")
    assert explained(small, "identity-in-the-letter")
    small.reply(small.question(), "Godkjent")
    (_, answer) = small.sent(MARTIN)
    assert list(answer.iter_attachments()) == []
    assert "12(6)" in letter(answer)


def test_staff_who_know_the_person_after_all_name_the_right_again(small: World):
    small.write(MARTIN, "My data", ACCESS)
    small.reply(small.question(), "IDENTITET")
    small.clock.pass_time(days=8)
    small.once()
    small.reply(small.question(), "INNSYN")
    small.reply(small.question(), "Godkjent")
    (_, answer) = small.sent(MARTIN)
    assert list(answer.iter_attachments())


def test_stopping_needs_no_identity(small: World):
    small.write(MARTIN, "Stop", "Please stop sending me marketing e-mails.")
    small.reply(small.question(), "IDENTITET")
    assert explained(small, "identity-not-needed")
    assert small.sent(MARTIN) == []


# --- SLADD --------------------------------------------------------------------------------------


def test_a_record_left_out_is_in_no_file_and_the_person_is_told(small: World):
    small.write(INGRID, "Innsyn", COPY)
    store, matter = small.parts.store, small.only_matter()
    before = handed_over(small)
    (number, *_) = numbers(small, "ordrer")
    small.reply(small.question(), f"SLADD {number}: gjelder også naboen")
    assert "sladder 1" in letter(small.question())
    after = handed_over(small)
    assert len(after) == len(before) - 1
    assert set(after) < set(before)
    small.reply(small.question(), "Godkjent")
    (answer,) = small.sent(INGRID)
    text = letter(answer)
    assert "Dette er ikke med i kopien, av hensyn til andre" in text
    assert "naboen" not in text  # the reason may name those whom it protects
    assert store.verify_ledger().ok
    plan = store.get(matter.case_id, f"{matter.id}/plan/2")
    assert [a["number"] for a in plan["actions"] if a["do"] == Do.REDACT] == [number]


def test_what_was_left_out_stays_out_when_the_person_writes_again(small: World):
    small.write(INGRID, "Innsyn", COPY)
    (number, *_) = numbers(small, "ordrer")
    small.reply(small.question(), f"SLADD {number}")
    out = len(handed_over(small))
    small.write(INGRID, "Innsyn", "Jeg vil også ha kopi av alle opplysninger om fakturaene mine.")
    assert small.only_matter().plan_version == 3
    assert len(handed_over(small)) == out


@pytest.mark.parametrize("text", ["SLADD 99", "SLADD navnet på naboen"])
def test_what_cannot_be_left_out_changes_nothing(small: World, text: str):
    small.write(INGRID, "Innsyn", COPY)
    small.reply(small.question(), text)
    assert small.only_matter().plan_version == 1
    assert small.reasons()[-1].startswith("redact-without-")


def numbers(small: World, table: str) -> list[int]:
    matter = small.only_matter()
    plan = small.parts.store.get(matter.case_id, f"{matter.id}/plan/{matter.plan_version}")
    return [action["number"] for action in plan["actions"] if action["table"] == table]


def handed_over(small: World) -> list[str]:
    """The records of the machine-readable copy that stands ready, each as text."""
    matter = small.only_matter()
    stored = small.parts.store.get(matter.case_id, f"{matter.id}/files/{matter.plan_version}")
    files = [from_json(OutgoingFile, each) for each in stored]
    (machine,) = [file for file in files if file.media_type == "application/json"]
    return [
        json.dumps(record, sort_keys=True)
        for section in json.loads(machine.content)["tables"]
        for record in section["records"]
    ]
