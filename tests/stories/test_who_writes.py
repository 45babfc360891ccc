"""Only a proven address makes anything certain; everybody else gets the uniform answer."""

import re

from mailbot.case import State
from tests.stories.test_straight_way import ACCESS, ERASE
from tests.stories.world import INGRID, MARTIN, World, letter


def test_a_forged_sender_learns_nothing_and_nothing_is_planned(small: World):
    small.write(INGRID, "Sletting", ERASE, dmarc="fail")
    matter = small.only_matter()
    plan = small.parts.store.get(matter.case_id, f"{matter.id}/plan/1")
    assert plan["actions"] == []
    small.reply(small.question(), "Godkjent")
    (forged,) = small.sent(INGRID)
    small.write("ukjent@annen.example", "Sletting", ERASE, dmarc="fail")
    small.reply(small.question(), "Godkjent")
    (unknown,) = small.sent("ukjent@annen.example")
    assert _without_case(letter(forged)) == _without_case(letter(unknown))
    assert len(small.rows("ordrer", "kontakt_id = 1")) == 2


def _without_case(text: str) -> str:
    return re.sub(r"\d{4}-\d{4}", "CASE", text)


def test_a_strangers_claim_of_another_customer_number_touches_nobody(small: World):
    small.write(
        MARTIN,
        "Delete me",
        "Please delete all my personal data. My customer number is K-100231 and my phone number is"
        " +47 900 00 001.\n\nIngrid Solvang",
    )
    small.reply(small.question(), "Approved")
    assert len(small.rows("ordrer", "kontakt_id = 1")) == 2
    assert small.rows("kontakter", "id = 1 AND epost IS NOT NULL")
    assert small.rows("ordrer", "kontakt_id = 2") == []


def test_a_sender_without_dmarc_proves_the_address_by_a_code(small: World):
    small.write(MARTIN, "My data", ACCESS, dmarc="none")
    assert small.only_matter().state is State.WAITING_FOR_IDENTITY
    (code_mail,) = small.sent(MARTIN)
    code = re.search(r"\b\d{10}\b", letter(code_mail)).group()
    own_id = str(code_mail["Message-ID"]).strip("<>")
    small.write(MARTIN, "Re: code", "0000000000", dmarc="none", answers=own_id)
    assert small.only_matter().state is not State.ASKED
    small.write(MARTIN, "Re: code", f"Here it is: {code}", dmarc="none", answers=own_id)
    assert small.only_matter().state is State.ASKED
    small.reply(small.question(), "Approved")
    answers = [m for m in small.sent(MARTIN) if list(m.iter_attachments())]
    assert len(answers) == 1


def test_without_the_code_the_answer_is_the_uniform_one(small: World):
    small.write(MARTIN, "My data", ACCESS, dmarc="none")
    small.clock.pass_time(days=8)
    small.once()
    small.reply(small.question(), "Approved")
    assert len(small.sent(MARTIN)) == 2
    assert all(not list(mail.iter_attachments()) for mail in small.sent(MARTIN))


def test_access_and_erasure_together_deliver_first_and_then_erase(small: World):
    small.write(
        MARTIN,
        "My data",
        "Please send me a copy of all the data you hold about me. After that, please delete"
        " everything you have stored about me.",
    )
    rights = {matter.right.value: matter.state for matter in small.matters()}
    assert rights == {"access": State.ASKED, "erasure": State.CLASSIFIED}
    small.reply(small.question(), "Approved")
    assert len(small.rows("ordrer", "kontakt_id = 2")) == 1
    small.clock.pass_time(hours=25)
    small.once()
    states = {matter.right.value: matter.state for matter in small.matters()}
    assert states == {"access": State.CLOSED, "erasure": State.ASKED}
    small.reply(small.question(), "Approved")
    assert small.rows("ordrer", "kontakt_id = 2") == []


def test_a_second_request_finds_nothing_and_is_answered_so(small: World):
    small.write(MARTIN, "Delete", "Please delete all the personal data you hold about me.")
    small.reply(small.question(), "Approved")
    small.clock.pass_time(hours=25)
    small.once()
    small.write("nobody@nowhere.example", "My data", ACCESS)
    small.reply(small.question(), "Approved")
    (answer,) = small.sent("nobody@nowhere.example")
    assert not list(answer.iter_attachments())


def test_a_follow_up_is_heard_before_anything_is_done(small: World):
    first = small.write(INGRID, "Sletting", ERASE)
    question = small.question()
    small.write(INGRID, "Re: Sletting", "Vent litt, jeg vil tenke på det.", answers=first)
    assert small.only_matter().plan_version == 2
    small.reply(question, "Godkjent")
    assert "older-plan-version" in small.reasons()
    assert len(small.rows("ordrer", "kontakt_id = 1")) == 2
    assert "tenke på det" in letter(small.question())


def test_a_bounced_letter_stops_the_case_for_a_person(small: World):
    small.write(INGRID, "Sletting", ERASE)
    small.reply(small.question(), "Godkjent")
    (answer,) = small.sent(INGRID)
    small.stage.deliver(_bounce_of(str(answer["Message-ID"])))
    small.once()
    assert small.only_matter().state is State.NEEDS_HUMAN
    assert small.only_matter().note == "letter-bounced"


def _bounce_of(message_id: str) -> bytes:
    return (
        "From: MAILER-DAEMON@mx.example.no\r\nTo: support@example.no\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\nMessage-ID: <b1@mx.example.no>\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nUser unknown.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.example.no\r\n\r\n"
        "Final-Recipient: rfc822; x@solvang-bygg.no\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {message_id}\r\nSubject: Svar\r\n"
        "\r\nx\r\n--b--\r\n"
    ).encode()


def test_hostile_bytes_are_set_aside_and_shown(small: World):
    small.stage.deliver(b"\xff\xfe\x00" * 1000)
    small.once()
    assert all(matter.state is State.ASKED for matter in small.matters())


def test_having_written_before_is_no_record_that_a_code_goes_to(small: World):
    """An address that only ever wrote mail to us gets the uniform answer, not a code."""
    small.write("annen@privat.example", "Spørsmål", "Hvordan installerer jeg programmet?")
    small.write("annen@privat.example", "Innsyn", ACCESS, dmarc="none")
    assert small.only_matter().state is State.ASKED
    assert small.sent("annen@privat.example") == []
