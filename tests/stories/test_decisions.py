"""What staff may answer besides yes, and what becomes of it."""

from mailbot.case import Label, State
from tests.stories.test_straight_way import ERASE
from tests.stories.world import INGRID, KARI, World, letter, world


def test_an_edited_letter_is_asked_again_and_sent_word_for_word(small: World):
    small.write(INGRID, "Sletting", ERASE)
    own = "Kjære Ingrid\n\nNå er du ute av registeret vårt.\n\nHilsen Kari"
    small.reply(small.question(), f"ENDRE:\n{own}")
    assert small.sent(INGRID) == []
    assert small.only_matter().plan_version == 2
    assert "Nå er du ute av registeret" in letter(small.question())
    small.reply(small.question(), "Godkjent")
    (answer,) = small.sent(INGRID)
    assert letter(answer).strip() == own


def test_items_kept_are_not_touched_and_the_person_is_told_why(small: World):
    small.write(INGRID, "Sletting", ERASE)
    store = small.parts.store
    matter = small.only_matter()
    plan = store.get(matter.case_id, f"{matter.id}/plan/1")
    numbers = [a["number"] for a in plan["actions"] if a["table"] == "ordrer"]
    small.reply(small.question(), f"BEHOLD {numbers[0]}: pågående reklamasjon")
    assert small.only_matter().plan_version == 2
    small.reply(small.question(), "Godkjent")
    assert len(small.rows("ordrer", "kontakt_id = 1")) == 1
    (answer,) = small.sent(INGRID)
    assert "reklamasjon" in letter(answer)


def test_a_refusal_has_its_reason_the_authority_and_a_second_approval(small: World):
    small.write(INGRID, "Sletting", ERASE)
    small.reply(small.question(), "AVVIS: det pågår en rettssak om kravet")
    assert small.sent(INGRID) == []
    small.reply(small.question(), "Godkjent")
    (answer,) = small.sent(INGRID)
    text = letter(answer)
    assert "rettssak" in text
    assert "Datatilsynet" in text
    assert "domstol" in text
    assert len(small.rows("ordrer", "kontakt_id = 1")) == 2
    small.clock.pass_time(hours=25)
    small.once()
    assert small.only_matter().state is State.REFUSED


def test_no_without_a_reason_stops_for_a_person(small: World):
    small.write(INGRID, "Sletting", ERASE)
    small.reply(small.question(), "AVVIS")
    assert small.only_matter().state is State.NEEDS_HUMAN
    assert small.sent(INGRID) == []


def test_an_extension_tells_the_new_date_and_the_answer_is_still_due(small: World):
    small.write(INGRID, "Sletting", ERASE)
    before = small.only_matter().last_day
    small.reply(small.question(), "UTSETT: vi må hente arkiver fra en tidligere leverandør")
    small.reply(small.question(), "Godkjent")
    (notice,) = small.sent(INGRID)
    assert "leverandør" in letter(notice)
    matter = small.only_matter()
    assert matter.state is State.CLASSIFIED
    assert matter.last_day > before
    small.clock.pass_time(days=11)
    small.once()
    small.reply(small.question(), "Godkjent")
    assert len(small.sent(INGRID)) == 2
    assert small.rows("ordrer", "kontakt_id = 1") == []


def test_not_privacy_closes_without_a_word_to_the_sender(small: World):
    small.write(INGRID, "Sletting", ERASE)
    small.reply(small.question(), "IKKE PERSONVERN")
    assert small.only_matter().state is State.CLOSED
    assert small.sent(INGRID) == []


def test_a_doubtful_mail_becomes_a_question_and_the_answer_names_the_right(small: World):
    small.stage.deliver(_only_an_attachment())
    small.once()
    assert small.only_matter().state is State.ASKED
    assert "triage" in small.only_matter().flags
    small.reply(small.question(), "INNSYN")
    assert small.only_matter().right is Label.ACCESS
    assert small.only_matter().state is State.ASKED
    assert len(small.questions()) == 2


def _only_an_attachment() -> bytes:
    from datetime import UTC, datetime
    from email import message_from_bytes
    from email.policy import SMTP

    from mailbot import demo_scene as scene

    raw = scene.mail(INGRID, "Ingrid", "", "", datetime.now(UTC), "attached@x.example")
    message = message_from_bytes(raw, policy=SMTP)
    message.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="brev.pdf")
    return message.as_bytes()


def test_two_approvals_where_two_are_required(tmp_path):
    def two(text: str) -> str:
        second = '\n[[approver]]\naddress = "daglig@example.no"\nname = "Ola"\nrights = ["*"]\n'
        text = text.replace("[send_without_approval]", f"{second}\n[send_without_approval]")
        return text.replace("required = {", "required = { erasure = 2, ").replace(
            "erasure = 2,  erasure = 1", "erasure = 2"
        )

    with world(tmp_path, two) as made:
        made.write(INGRID, "Sletting", ERASE)
        (first,) = made.sent(KARI)
        (second,) = made.sent("daglig@example.no")
        made.reply(first, "Godkjent")
        assert made.only_matter().state is State.ASKED
        assert made.sent(INGRID) == []
        made.reply(second, "Godkjent", sender="daglig@example.no", name="Ola")
        assert len(made.sent(INGRID)) == 1


def test_what_waits_for_a_person_is_reminded_of_until_somebody_retries(small: World):
    small.write(INGRID, "Sletting", ERASE)
    small.reply(small.question(), "AVVIS")
    told = len(small.sent(KARI))
    small.clock.pass_time(days=29)
    small.once()
    assert len(small.sent(KARI)) > told
    flow = small.daemon.flow
    flow.retry(small.only_matter())
    small.once()
    assert small.only_matter().state is State.ASKED
    assert small.only_matter().plan_version == 2


def test_an_approver_whom_the_request_names_may_still_approve(small: World):
    small.write(INGRID, "Sletting", f"Slett alt om meg. Jeg har snakket med {KARI} om dette.")
    small.reply(small.question(), "Godkjent")
    assert small.rows("ordrer", "kontakt_id = 1") == []


def test_what_is_kept_stays_kept_after_an_extension(small: World):
    small.write(INGRID, "Sletting", ERASE)
    matter = small.only_matter()
    plan = small.parts.store.get(matter.case_id, f"{matter.id}/plan/1")
    number = next(a["number"] for a in plan["actions"] if a["table"] == "ordrer")
    small.reply(small.question(), f"BEHOLD {number}: pågående reklamasjon")
    small.reply(small.question(), "UTSETT: vi må hente arkiver fra en tidligere leverandør")
    small.reply(small.question(), "Godkjent")
    small.clock.pass_time(days=11)
    small.once()
    small.reply(small.question(), "Godkjent")
    assert len(small.rows("ordrer", "kontakt_id = 1")) == 1
