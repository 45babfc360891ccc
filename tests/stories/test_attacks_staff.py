"""Attacks on who decides: forged staff, odd replies, bad luck with order, floods, imitation."""

import re
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from mailbot import demo_scene as scene
from mailbot.case import Label, State
from mailbot.message import Verdict
from tests.stories.test_attacks_who import DELETE, MORE, id_of, raw_mail
from tests.stories.test_straight_way import ACCESS, ERASE
from tests.stories.world import INGRID, KARI, MARTIN, STRANGER, World, letter, world

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
    raw = raw_mail(KARI, "x", "x", "x@example.no")
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
    assert small.notices()
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
    stop = raw_mail(
        INGRID, "Re: Sletting", "Vent! Ikke slett noe.", "stop@x.example", answers=first
    )
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
    small.write(MARTIN, "Re: My data", text, answers=id_of(answer))
    assert [matter.state for matter in small.matters()] == [State.ANSWERED, State.ASKED]


def test_thanks_for_the_answer_bother_nobody(small: World):
    small.write(MARTIN, "My data", ACCESS)
    small.reply(small.question(), "Godkjent")
    (answer, *_) = small.sent(MARTIN)
    before = len(small.sent(KARI))
    small.write(MARTIN, "Re: My data", "Thank you very much!", answers=id_of(answer))
    assert len(small.sent(KARI)) == before
    assert len(small.matters()) == 1


def test_the_same_mail_by_two_ways_is_one_mail(small: World):
    raw = raw_mail(INGRID, "Sletting", ERASE, "twice@solvang-bygg.no")
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
        small.stage.deliver(
            raw_mail(MARTIN, "Delete", text, f"flood.{number}@keller-design.example")
        )
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
    for number in range(30):
        sender = f"person{number}@flood.example"
        small.stage.deliver(raw_mail(sender, "Delete", DELETE, f"f@{sender}", dmarc="none"))
    small.once()
    assert len(small.cases()) == 30  # none is lost
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
    notices = len(asked.notices())
    assert 1 <= notices <= 15
    (answer,) = [question]
    asked.reply(answer, "AVVIS")  # and what matters is told all the same
    assert asked.only_matter().state is State.NEEDS_HUMAN
    assert len(asked.notices()) == notices + 1


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
    raw = raw_mail(INGRID, "Sletting", text, "imitate@solvang-bygg.no")
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
