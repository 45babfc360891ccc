"""Attacks on who may make it do what: forged persons, borrowed identities, floods, bad luck."""

import re
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from mailbot import demo_scene as scene
from mailbot.case import Label, State
from tests.stories.test_straight_way import ACCESS, ERASE
from tests.stories.world import INGRID, KARI, MARTIN, STRANGER, World, letter

MORE = "Please also send me a copy of all the personal data you hold about me."
DELETE = "Please delete all the personal data you hold about me."


def raw_mail(sender: str, subject: str, text: str, message_id: str, **kind: str) -> bytes:
    return scene.mail(sender, "", subject, text, datetime.now(UTC), message_id, **kind)


def code_in(mail: EmailMessage) -> str:
    found = re.search(r"\b\d{10}\b", letter(mail))
    assert found is not None
    return found.group()


def id_of(mail: EmailMessage) -> str:
    return str(mail["Message-ID"]).strip("<>")


def quoting(mail: EmailMessage, text: str) -> str:
    quoted = "\n".join(f"> {line}" for line in letter(mail).splitlines())
    intro = "On Sun, 22 Nov 2026 at 10:12, Example AS <support@example.no> wrote:"
    return f"{text}\n\n{intro}\n{quoted}\n"


# --- one person's proof never carries another's words -------------------------------------------


@pytest.mark.parametrize("dmarc", ["fail", "none"])
def test_a_forged_request_gains_nothing_when_the_real_person_writes(small: World, dmarc: str):
    small.write(MARTIN, "Delete", DELETE, dmarc=dmarc)
    small.write(MARTIN, "My data", ACCESS)
    rights = {matter.right for matter in small.matters() if acts(small, matter.id)}
    assert rights == {Label.ACCESS}
    for question in small.questions():
        small.reply(question, "Godkjent")
    assert len(small.rows("ordrer", "kontakt_id = 2")) == 1
    assert small.rows("kontakter", "id = 2 AND epost IS NOT NULL")


def acts(world: World, matter_id: str) -> bool:
    matter = world.parts.store.matter(matter_id)
    assert matter is not None
    plan = world.parts.store.get(matter.case_id, f"{matter.id}/plan/{matter.plan_version}")
    return bool(plan and plan["actions"])


def test_a_forged_mail_does_not_ride_on_a_code_that_was_brought_back(small: World):
    small.write(MARTIN, "My data", ACCESS, dmarc="none")
    (code_mail,) = small.sent(MARTIN)
    small.write(MARTIN, "Re: code", code_in(code_mail), dmarc="none", answers=id_of(code_mail))
    assert small.only_matter().state is State.ASKED
    small.write(MARTIN, "Delete", DELETE, dmarc="none")
    erasures = [matter for matter in small.matters() if matter.right is Label.ERASURE]
    assert erasures
    assert not any(acts(small, matter.id) for matter in erasures)


def test_an_address_in_a_signature_does_not_let_its_owner_into_the_case(small: World):
    first = small.write(
        INGRID, "Sletting", f"{ERASE}\n\n-- \nIngrid Solvang\nSolvang Bygg AS\n{STRANGER}\n"
    )
    small.write(STRANGER, "Re: Sletting", "Send svaret til meg i stedet.", answers=first)
    small.reply(small.question(), "Godkjent")
    assert small.sent(STRANGER) == []


# --- codes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "Hva er dette? Jeg har ikke bedt om noe.",
        "This was not me! Who asked for this?",
        "Das war ich nicht.",
        "Feil person",
    ],
)
def test_a_person_who_denies_the_request_proves_nothing_by_quoting_the_code(
    small: World, words: str
):
    small.write(MARTIN, "Delete", DELETE, dmarc="none")
    (code_mail,) = small.sent(MARTIN)
    small.write(
        MARTIN, "Re: code", quoting(code_mail, words), dmarc="none", answers=id_of(code_mail)
    )
    assert not acts(small, small.only_matter().id)
    small.clock.pass_time(days=8)
    small.once()
    assert not acts(small, small.only_matter().id)


def test_a_code_typed_beside_a_denial_stops_for_a_person(small: World):
    small.write(MARTIN, "Delete", DELETE, dmarc="none")
    (code_mail,) = small.sent(MARTIN)
    text = f"The code was {code_in(code_mail)} but I did not ask for this."
    small.write(MARTIN, "Re: code", text, dmarc="none", answers=id_of(code_mail))
    assert small.only_matter().state is State.NEEDS_HUMAN
    assert small.notices()


@pytest.mark.parametrize("words", ["Here you are", "Hei, her er koden. Mvh Martin", ""])
def test_a_code_left_in_the_quote_of_a_willing_answer_counts(small: World, words: str):
    small.write(MARTIN, "My data", ACCESS, dmarc="none")
    (code_mail,) = small.sent(MARTIN)
    small.write(
        MARTIN, "Re: code", quoting(code_mail, words), dmarc="none", answers=id_of(code_mail)
    )
    assert small.only_matter().state is State.ASKED
    assert acts(small, small.only_matter().id)


def test_one_code_for_all_the_rights_of_a_case(small: World):
    text = f"{ACCESS}\n\nMy phone number is wrong, please correct it to +47 900 00 009."
    small.write(MARTIN, "My data", text, dmarc="none")
    small.write(MARTIN, "And", "I also object to your use of my data.", dmarc="none")
    codes = small.sent(MARTIN)
    assert len(codes) == 1
    small.write(MARTIN, "Re: code", code_in(codes[0]), dmarc="none", answers=id_of(codes[0]))
    waiting = [m for m in small.matters() if m.state is State.WAITING_FOR_IDENTITY]
    assert waiting == []


def test_a_code_is_marked_as_sent_by_a_machine(small: World):
    small.write(MARTIN, "My data", ACCESS, dmarc="none")
    (code_mail,) = small.sent(MARTIN)
    assert str(code_mail["Auto-Submitted"]).startswith("auto-")


def test_words_beside_a_code_are_not_lost(small: World):
    small.write(MARTIN, "My data", ACCESS, dmarc="none")
    (code_mail,) = small.sent(MARTIN)
    text = f"{code_in(code_mail)}\n\n{DELETE}"
    small.write(MARTIN, "Re: code", text, dmarc="none", answers=id_of(code_mail))
    assert {matter.right for matter in small.matters()} == {Label.ACCESS, Label.ERASURE}


# --- whose request is it? -----------------------------------------------------------------------


def _forward(sender: str, inner: str, cover: str = "") -> bytes:
    body = (
        f"{cover}\n\n________________________________\nFra: Kunde <{inner}>\n"
        "Sendt: fredag 20. november 2026 10:12\nTil: Per <per@example.no>\nEmne: Sletting\n\n"
        f"{ERASE}\n"
    )
    return raw_mail(sender, "VS: Sletting", body, f"fw.{inner}@example.no")


def test_a_request_that_a_colleague_passes_on_is_the_writers_not_the_colleagues(small: World):
    small.sql(
        "INSERT INTO kontakter (id, fornavn, etternavn, epost) VALUES (9, 'Per', 'Kollega',"
        " 'per@example.no')"
    )
    small.stage.deliver(_forward("per@example.no", MARTIN, "Kan noen ta denne?"))
    small.once()
    assert len(small.sent(MARTIN)) == 1  # a code to the address on record
    assert small.only_matter().state is State.WAITING_FOR_IDENTITY
    (code_mail,) = small.sent(MARTIN)
    small.write(MARTIN, "Re: code", code_in(code_mail), answers=id_of(code_mail))
    assert small.only_matter().state is State.ASKED
    small.reply(small.question(), "Godkjent")
    assert small.sent("per@example.no") == []
    assert small.rows("kontakter", "id = 9")
    assert small.rows("ordrer", "kontakt_id = 2") == []


def test_an_approver_may_decide_on_what_she_passed_on(small: World):
    small.stage.deliver(_forward(KARI, "ukjent@annen.example"))
    small.once()
    small.reply(small.question(), "Godkjent")
    assert len(small.sent("ukjent@annen.example")) == 1


def test_a_stranger_who_forwards_speaks_for_nobody_else(small: World):
    small.stage.deliver(_forward(STRANGER, INGRID))
    small.once()
    assert small.sent(INGRID) == []
    for question in small.questions():
        small.reply(question, "Godkjent")
    assert small.sent(INGRID) == []
    assert len(small.rows("ordrer", "kontakt_id = 1")) == 2


def test_a_web_form_from_our_own_address_is_no_person(small: World):
    small.stage.deliver(raw_mail("support@example.no", "Kontaktskjema", ERASE, "form.1@example.no"))
    small.once()
    assert small.only_matter().state is State.NEEDS_HUMAN
    assert small.sent("support@example.no") == []


def test_a_letter_never_goes_to_reply_to(small: World):
    raw = raw_mail(MARTIN, "Delete", DELETE, "replyto.1@keller-design.example")
    small.stage.deliver(raw.replace(b"\r\nTo:", f"\r\nReply-To: {STRANGER}\r\nTo:".encode(), 1))
    small.once()
    small.reply(small.question(), "Godkjent")
    assert len(small.sent(MARTIN)) == 1
    assert small.sent(STRANGER) == []


def test_two_authors_are_nobody(small: World):
    raw = raw_mail(MARTIN, "Delete", DELETE, "two.1@keller-design.example")
    small.stage.deliver(raw.replace(b'From: "" <', f'From: {STRANGER}, "" <'.encode(), 1))
    small.once()
    assert small.only_matter().state is State.NEEDS_HUMAN
    assert small.sent(MARTIN) == small.sent(STRANGER) == []


def test_capitals_and_plus_signs_in_the_senders_address(small: World):
    small.write("Martin.Keller@Keller-Design.example", "Delete", DELETE)
    small.write("martin.keller@keller-design.example", "More", "And please be quick about it.")
    assert len(small.cases()) == 1
    small.write("martin.keller+x@keller-design.example", "Delete", DELETE)
    newest = small.matters()[-1]
    plan = small.parts.store.get(newest.case_id, f"{newest.id}/plan/1")
    assert not any(action["do"] in ("delete", "blank") for action in plan["actions"])
