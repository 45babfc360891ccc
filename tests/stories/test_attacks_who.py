"""Attacks on who may make it do what: forged persons, borrowed identities, floods, bad luck."""

import re
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from mailbot import demo_scene as scene
from mailbot.case import Label, State
from mailbot.message import Verdict
from tests.stories.test_straight_way import ACCESS, ERASE
from tests.stories.world import INGRID, KARI, MARTIN, STRANGER, World, letter, world

MORE = "Please also send me a copy of all the personal data you hold about me."
DELETE = "Please delete all the personal data you hold about me."


def _raw(sender: str, subject: str, text: str, message_id: str, **kind: str) -> bytes:
    return scene.mail(sender, "", subject, text, datetime.now(UTC), message_id, **kind)


def _code(mail: EmailMessage) -> str:
    found = re.search(r"\b\d{10}\b", letter(mail))
    assert found is not None
    return found.group()


def _id(mail: EmailMessage) -> str:
    return str(mail["Message-ID"]).strip("<>")


def _quoting(mail: EmailMessage, text: str) -> str:
    quoted = "\n".join(f"> {line}" for line in letter(mail).splitlines())
    intro = "On Sun, 22 Nov 2026 at 10:12, Example AS <support@example.no> wrote:"
    return f"{text}\n\n{intro}\n{quoted}\n"


def _notices(world: World) -> list[EmailMessage]:
    return [mail for mail in world.sent(KARI) if "[mailbot:" not in str(mail["Subject"])]


# --- one person's proof never carries another's words -------------------------------------------


@pytest.mark.parametrize("dmarc", ["fail", "none"])
def test_a_forged_request_gains_nothing_when_the_real_person_writes(small: World, dmarc: str):
    small.write(MARTIN, "Delete", DELETE, dmarc=dmarc)
    small.write(MARTIN, "My data", ACCESS)
    rights = {matter.right for matter in small.matters() if _acts(small, matter.id)}
    assert rights == {Label.ACCESS}
    for question in small.questions():
        small.reply(question, "Godkjent")
    assert len(small.rows("ordrer", "kontakt_id = 2")) == 1
    assert small.rows("kontakter", "id = 2 AND epost IS NOT NULL")


def _acts(world: World, matter_id: str) -> bool:
    matter = world.parts.store.matter(matter_id)
    assert matter is not None
    plan = world.parts.store.get(matter.case_id, f"{matter.id}/plan/{matter.plan_version}")
    return bool(plan and plan["actions"])


def test_a_forged_mail_does_not_ride_on_a_code_that_was_brought_back(small: World):
    small.write(MARTIN, "My data", ACCESS, dmarc="none")
    (code_mail,) = small.sent(MARTIN)
    small.write(MARTIN, "Re: code", _code(code_mail), dmarc="none", answers=_id(code_mail))
    assert small.only_matter().state is State.ASKED
    small.write(MARTIN, "Delete", DELETE, dmarc="none")
    erasures = [matter for matter in small.matters() if matter.right is Label.ERASURE]
    assert erasures
    assert not any(_acts(small, matter.id) for matter in erasures)


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
        MARTIN, "Re: code", _quoting(code_mail, words), dmarc="none", answers=_id(code_mail)
    )
    assert not _acts(small, small.only_matter().id)
    small.clock.pass_time(days=8)
    small.once()
    assert not _acts(small, small.only_matter().id)


def test_a_code_typed_beside_a_denial_stops_for_a_person(small: World):
    small.write(MARTIN, "Delete", DELETE, dmarc="none")
    (code_mail,) = small.sent(MARTIN)
    text = f"The code was {_code(code_mail)} but I did not ask for this."
    small.write(MARTIN, "Re: code", text, dmarc="none", answers=_id(code_mail))
    assert small.only_matter().state is State.NEEDS_HUMAN
    assert _notices(small)


@pytest.mark.parametrize("words", ["Here you are", "Hei, her er koden. Mvh Martin", ""])
def test_a_code_left_in_the_quote_of_a_willing_answer_counts(small: World, words: str):
    small.write(MARTIN, "My data", ACCESS, dmarc="none")
    (code_mail,) = small.sent(MARTIN)
    small.write(
        MARTIN, "Re: code", _quoting(code_mail, words), dmarc="none", answers=_id(code_mail)
    )
    assert small.only_matter().state is State.ASKED
    assert _acts(small, small.only_matter().id)


def test_one_code_for_all_the_rights_of_a_case(small: World):
    text = f"{ACCESS}\n\nMy phone number is wrong, please correct it to +47 900 00 009."
    small.write(MARTIN, "My data", text, dmarc="none")
    small.write(MARTIN, "And", "I also object to your use of my data.", dmarc="none")
    codes = small.sent(MARTIN)
    assert len(codes) == 1
    small.write(MARTIN, "Re: code", _code(codes[0]), dmarc="none", answers=_id(codes[0]))
    waiting = [m for m in small.matters() if m.state is State.WAITING_FOR_IDENTITY]
    assert waiting == []


def test_a_code_is_marked_as_sent_by_a_machine(small: World):
    small.write(MARTIN, "My data", ACCESS, dmarc="none")
    (code_mail,) = small.sent(MARTIN)
    assert str(code_mail["Auto-Submitted"]).startswith("auto-")


def test_words_beside_a_code_are_not_lost(small: World):
    small.write(MARTIN, "My data", ACCESS, dmarc="none")
    (code_mail,) = small.sent(MARTIN)
    text = f"{_code(code_mail)}\n\n{DELETE}"
    small.write(MARTIN, "Re: code", text, dmarc="none", answers=_id(code_mail))
    assert {matter.right for matter in small.matters()} == {Label.ACCESS, Label.ERASURE}


# --- whose request is it? -----------------------------------------------------------------------


def _forward(sender: str, inner: str, cover: str = "") -> bytes:
    body = (
        f"{cover}\n\n________________________________\nFra: Kunde <{inner}>\n"
        "Sendt: fredag 20. november 2026 10:12\nTil: Per <per@example.no>\nEmne: Sletting\n\n"
        f"{ERASE}\n"
    )
    return _raw(sender, "VS: Sletting", body, f"fw.{inner}@example.no")


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
    small.write(MARTIN, "Re: code", _code(code_mail), answers=_id(code_mail))
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
    small.stage.deliver(_raw("support@example.no", "Kontaktskjema", ERASE, "form.1@example.no"))
    small.once()
    assert small.only_matter().state is State.NEEDS_HUMAN
    assert small.sent("support@example.no") == []


def test_a_letter_never_goes_to_reply_to(small: World):
    raw = _raw(MARTIN, "Delete", DELETE, "replyto.1@keller-design.example")
    small.stage.deliver(raw.replace(b"\r\nTo:", f"\r\nReply-To: {STRANGER}\r\nTo:".encode(), 1))
    small.once()
    small.reply(small.question(), "Godkjent")
    assert len(small.sent(MARTIN)) == 1
    assert small.sent(STRANGER) == []


def test_two_authors_are_nobody(small: World):
    raw = _raw(MARTIN, "Delete", DELETE, "two.1@keller-design.example")
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


# --- staff --------------------------------------------------------------------------------------


@pytest.fixture
def asked(small: World) -> World:
    small.write(INGRID, "Sletting", ERASE)
    assert small.only_matter().state is State.ASKED
    return small


def _untouched(world: World) -> None:
    assert world.only_matter().state is State.ASKED
    assert len(world.rows("ordrer", "kontakt_id = 1")) == 2
    assert world.sent(INGRID) == []


@pytest.mark.parametrize(
    "sender",
    [
        "leder@ехample.no",  # cyrillic е and х
        "leder@example.no.evil.example",
        "leder+mailbot@example.no",
        "leder@sub.example.no",
        "support@example.no",
        "ſeder@example.no",
    ],
)
def test_addresses_that_only_look_like_the_approvers(asked: World, sender: str):
    try:
        asked.reply(asked.question(), "GODKJENN", sender=sender)
    except UnicodeEncodeError:
        raw = scene.reply(asked.question(), KARI, "Kari", "GODKJENN", asked.clock.now())
        asked.stage.deliver(raw.replace(KARI.encode(), sender.encode()))
        asked.once()
    _untouched(asked)


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.partition(b"\r\nReceived")[2].join([b"Received", b""]),
        lambda raw: b"X-MS-Exchange-Organization-AuthAs: Internal\r\n" + raw,
        lambda raw: raw.replace(
            b"\r\nFrom:", b"\r\nX-MS-Exchange-Organization-AuthAs: Internal\r\nFrom:", 1
        ),
        lambda raw: raw.replace(
            b"\r\nFrom:",
            b"\r\nAuthentication-Results: dmarc=pass header.from=example.no\r\nFrom:",
            1,
        ),
        lambda raw: raw.replace(b"dmarc=fail", b"dmarc=fail (dmarc=pass header.from=example.no)"),
    ],
)
def test_marks_of_authenticity_that_an_outsider_put_there(asked: World, change):
    raw = scene.reply(asked.question(), KARI, "Kari", "GODKJENN", asked.clock.now(), dmarc="fail")
    asked.stage.deliver(change(raw))
    asked.once()
    _untouched(asked)


def test_two_tags_in_one_subject(asked: World):
    asked.write(MARTIN, "Delete", DELETE)
    first, second = asked.questions()
    tag = re.search(r"\[mailbot:\w+\]", str(second["Subject"])).group()
    first.replace_header("Subject", f"{first['Subject']} {tag}")
    asked.reply(first, "GODKJENN")
    assert all(matter.state is State.ASKED for matter in asked.matters())
    assert "several-tokens" in asked.reasons()


def test_a_reply_by_another_program_with_other_ids_counts(asked: World):
    question = asked.question()
    question.replace_header("Message-ID", "<made.anew@outlook.example>")
    html = EmailMessage()
    html["From"], html["To"] = KARI, "support@example.no"
    html["Subject"] = f"RE: {str(question['Subject']).upper()}"
    html["Message-ID"] = "<html.only@example.no>"
    html["In-Reply-To"] = "<made.anew@outlook.example>"
    html.set_content("<html><body><div>Godkjent</div></body></html>", subtype="html")
    raw = _raw(KARI, "x", "x", "x@example.no")
    asked.stage.deliver(raw.partition(b"From:")[0] + html.as_bytes().replace(b"\n", b"\r\n"))
    asked.once()
    assert asked.rows("ordrer", "kontakt_id = 1") == []


def test_a_first_approval_can_be_taken_back_while_the_second_is_awaited(tmp_path: Path):
    with world(tmp_path, _two) as made:
        made.write(INGRID, "Sletting", ERASE)
        (first,), (second,) = made.sent(KARI), made.sent("daglig@example.no")
        made.reply(first, "Godkjent")
        made.reply(first, "Avvis")
        assert made.only_matter().state is State.NEEDS_HUMAN
        made.reply(second, "Godkjent", sender="daglig@example.no", name="Ola")
        assert made.sent(INGRID) == []
        assert len(made.rows("ordrer", "kontakt_id = 1")) == 2


def _two(text: str) -> str:
    second = '\n[[approver]]\naddress = "daglig@example.no"\nname = "Ola"\nrights = ["*"]\n'
    text = text.replace("[send_without_approval]", f"{second}\n[send_without_approval]")
    return text.replace("required = { erasure = 1 }", "required = { erasure = 2 }")


def test_a_leaked_token_in_another_approvers_hands(tmp_path: Path):
    with world(tmp_path, _two) as made:
        made.write(INGRID, "Sletting", ERASE)
        (first,) = made.sent(KARI)
        made.reply(first, "Godkjent")
        made.reply(first, "Godkjent", sender="daglig@example.no", name="Ola")
        assert made.only_matter().state is State.ASKED
        assert made.sent(INGRID) == []


def test_two_approvers_at_the_same_moment_decide_once(tmp_path: Path):
    def both(text: str) -> str:
        return _two(text).replace("erasure = 2", "erasure = 1")

    with world(tmp_path, both) as made:
        made.write(INGRID, "Sletting", ERASE)
        (first,), (second,) = made.sent(KARI), made.sent("daglig@example.no")
        now = made.clock.now()
        made.stage.deliver(scene.reply(first, KARI, "Kari", "Godkjent", now))
        made.stage.deliver(scene.reply(second, "daglig@example.no", "Ola", "Avvis: nei", now))
        made.once()
        assert len(made.sent(INGRID)) == 1
        assert made.rows("ordrer", "kontakt_id = 1") == []
        assert len(made.reasons()) == 1


def test_an_approver_cannot_approve_her_own_request(tmp_path: Path):
    with world(tmp_path, lambda text: _two(text).replace("erasure = 2", "erasure = 1")) as made:
        made.write(KARI, "Sletting", "Slett alt dere har lagret om meg.")
        assert [m for m in made.sent(KARI) if "[mailbot:" in str(m["Subject"])] == []
        (question,) = made.sent("daglig@example.no")
        made.reply(question, "Godkjent", sender=KARI)
        assert made.only_matter().state is State.ASKED


def test_a_colleague_who_answers_by_hand_pauses_the_case(small: World):
    first = small.write(INGRID, "Sletting", ERASE)
    question = small.question()
    raw = scene.mail(
        "per@example.no", "Per", "SV: Sletting", "Hei, dette er gjort.", small.clock.now(),
        "hand.1@example.no", answers=first, to=f"{INGRID}, support@example.no",
    )  # fmt: skip
    small.stage.deliver(raw)
    small.once()
    assert small.only_matter().state is State.NEEDS_HUMAN
    assert small.only_matter().note == "colleague-answered"
    assert _notices(small)
    small.reply(question, "Godkjent")
    assert len(small.rows("ordrer", "kontakt_id = 1")) == 2


def test_a_colleague_writing_inwards_is_no_request(small: World):
    first = small.write(INGRID, "Sletting", ERASE)
    small.write("per@example.no", "SV: Sletting", "Slett alt om henne, takk.", answers=first)
    assert len(small.cases()) == 1
    assert small.only_matter().state is State.ASKED


def test_an_outsider_cannot_pause_a_case_as_a_colleague(small: World):
    first = small.write(INGRID, "Sletting", ERASE)
    raw = scene.mail(
        "per@example.no", "Per", "SV: Sletting", "Hei, dette er gjort.", small.clock.now(),
        "hand.2@example.no", answers=first, to=INGRID, dmarc="fail",
    )  # fmt: skip
    small.stage.deliver(raw)
    small.once()
    assert small.matters()[0].state is State.ASKED


# --- order and doubles --------------------------------------------------------------------------


def test_a_stop_that_arrives_with_the_approval_is_heard_first(small: World):
    first = small.write(INGRID, "Sletting", ERASE)
    question = small.question()
    small.stage.deliver(scene.reply(question, KARI, "Kari", "Godkjent", small.clock.now()))
    stop = _raw(INGRID, "Re: Sletting", "Vent! Ikke slett noe.", "stop@x.example", answers=first)
    small.stage.deliver(stop)
    small.once()
    assert len(small.rows("ordrer", "kontakt_id = 1")) == 2
    assert small.sent(INGRID) == []
    assert small.only_matter().state is State.ASKED
    assert "Ikke slett noe" in letter(small.question())


def test_a_new_wish_while_the_answer_is_on_its_way_is_not_swallowed(small: World):
    small.write(MARTIN, "My data", ACCESS)
    small.reply(small.question(), "Godkjent")
    assert small.only_matter().state is State.ANSWERED
    (answer, *_) = small.sent(MARTIN)
    text = "This is not complete. Please send me a copy of all the personal data you hold about me."
    small.write(MARTIN, "Re: My data", text, answers=_id(answer))
    assert [matter.state for matter in small.matters()] == [State.ANSWERED, State.ASKED]


def test_thanks_for_the_answer_bother_nobody(small: World):
    small.write(MARTIN, "My data", ACCESS)
    small.reply(small.question(), "Godkjent")
    (answer, *_) = small.sent(MARTIN)
    before = len(small.sent(KARI))
    small.write(MARTIN, "Re: My data", "Thank you very much!", answers=_id(answer))
    assert len(small.sent(KARI)) == before
    assert len(small.matters()) == 1


def test_the_same_mail_by_two_ways_is_one_mail(small: World):
    raw = _raw(INGRID, "Sletting", ERASE, "twice@solvang-bygg.no")
    small.stage.deliver(raw)
    small.once()
    question = small.question()
    small.stage.deliver(raw + b"\r\n\r\n")
    small.once()
    assert len(small.questions()) == 1
    small.reply(question, "Godkjent")
    assert small.rows("ordrer", "kontakt_id = 1") == []


def test_an_approval_that_comes_before_the_question_is_settled_waits_for_it(small: World):
    small.write(INGRID, "Sletting", ERASE)
    question, matter = small.question(), small.only_matter()
    with small.parts.store.begin() as tx:  # as after a crash between the sending and the state
        tx.change_matter(matter, _at(matter, State.DRAFTED))
    small.reply(question, "Godkjent")
    small.clock.pass_time(minutes=20)
    small.once()
    assert small.rows("ordrer", "kontakt_id = 1") == []
    assert len(small.questions()) == 1


def _at(matter, state: State):
    from dataclasses import replace

    return replace(matter, state=state, due=datetime(2020, 1, 1, tzinfo=UTC))


def test_a_wish_in_a_reply_to_a_leaked_approval_mail_is_heard(asked: World):
    question = asked.question()
    asked.reply(question, MORE, sender=INGRID, name="Ingrid")
    assert "data-subject" in asked.reasons()
    assert Label.ACCESS in {matter.right for matter in asked.matters()}


# --- floods -------------------------------------------------------------------------------------


def test_one_sender_cannot_flood_the_approvers_with_questions(small: World):
    for number in range(30):
        text = f"{DELETE} This is mail {number}."
        small.stage.deliver(_raw(MARTIN, "Delete", text, f"flood.{number}@keller-design.example"))
        if number % 3 == 0:
            small.once()
    small.once()
    assert len(small.cases()) == 1
    assert len(small.questions()) <= 8
    for _ in range(3):
        small.clock.pass_time(days=1)
        small.once()
    assert small.only_matter().state is State.ASKED
    assert "mail 29" in letter(small.question())


def test_forged_senders_cannot_flood_the_approvers_with_questions(small: World):
    for number in range(45):
        sender = f"person{number}@flood.example"
        small.stage.deliver(_raw(sender, "Delete", DELETE, f"f@{sender}", dmarc="none"))
    small.once()
    assert len(small.cases()) == 45  # none is lost
    assert len(small.questions()) <= 25
    small.write(MARTIN, "Delete", DELETE)  # and a proven person does not wait behind them
    assert "Keller" in letter(small.question()) or MARTIN in letter(small.question())
    small.clock.pass_time(days=5)
    small.once()
    assert all(matter.state is State.ASKED for matter in small.matters())


def test_forged_mails_of_one_person_open_one_case(small: World):
    for number in range(4):
        small.write(MARTIN, "Delete", f"{DELETE} {number}", dmarc="fail")
    assert len(small.cases()) == 1


def test_replies_without_end_are_not_answered_without_end(asked: World):
    question = asked.question()
    for number in range(14):
        text = f"Takk for din e-post, sak {number}"
        asked.stage.deliver(scene.reply(question, KARI, "Kari", text, asked.clock.now()))
        asked.stage.deliver(scene.reply(question, STRANGER, "X", text, asked.clock.now()))
    asked.once()
    notices = len(_notices(asked))
    assert 1 <= notices <= 15
    (answer,) = [question]
    asked.reply(answer, "AVVIS")  # and what matters is told all the same
    assert asked.only_matter().state is State.NEEDS_HUMAN
    assert len(_notices(asked)) == notices + 1


def test_a_machine_that_answers_our_notices_ends_in_silence(asked: World):
    last: EmailMessage | None = asked.question()
    seen = 0
    for _ in range(20):
        mails = asked.sent(KARI)
        if len(mails) == seen:
            break
        seen, last = len(mails), mails[-1]
        asked.reply(last, f"Vi har registrert saken som #{seen}.")
    else:
        pytest.fail("two machines talk to each other for ever")
    _untouched(asked)


# --- imitation ----------------------------------------------------------------------------------


def test_a_request_that_imitates_an_approval_mail_stays_in_its_frame(small: World):
    text = (
        "Slett alt om meg.\n\nSlik svarer du\n==============\nGODKJENN\n"
        "    Sender brevet til sjef@evil.example\n</td></tr></table><h1>Svar GODKJENN</h1>"
        "<script>alert(1)</script>{{ 7*7 }}{% raw %}"
    )
    raw = _raw(INGRID, "Sletting", text, "imitate@solvang-bygg.no")
    name = '"Kari Leder </td><h1>godkjenn</h1> {{7*7}}"'
    small.stage.deliver(raw.replace(b'From: ""', f"From: {name}".encode(), 1))
    small.once()
    question = small.question()
    plain = letter(question).replace("\r\n", "\n")
    html = str(question.get_body(("html",)).get_content())
    assert "| Slik svarer du" in plain
    assert "|     Sender brevet til sjef@evil.example" in plain
    assert plain.count("\nSlik svarer du\n") == 1
    assert "<script" not in html
    assert "<h1>Svar" not in html
    assert "<h1>godkjenn" not in html
    assert "{{ 7*7 }}" in plain


def test_an_authentic_mail_has_its_verdict_only_from_our_server(small: World):
    small.write(INGRID, "Sletting", ERASE)
    case = small.cases()[0]
    subject = small.parts.store.get(case.id, "subject")
    assert subject["verdict"] == Verdict.PASS.value
