"""What an erasure does beyond the records: recipients told, the suppression list, the case file."""

import pytest

from mailbot.case import State
from mailbot.cli import main
from tests.stories.test_straight_way import ERASE
from tests.stories.world import INGRID, MARTIN, STRANGER, World, letter

RESELLER = "post@vpv.example"
ERASE_EN = "Hello, please erase all the data you hold about me.\n\nMartin Keller"


def suppressed(small: World, *addresses: str) -> set[str]:
    return set(small.parts.store.suppressed("email", addresses))


def test_a_reseller_is_told_after_the_erasure_and_the_answer_is_filed(small: World):
    small.write(MARTIN, "Erase my data", ERASE_EN)
    question = letter(small.question())
    assert "Vestland Programvare AS" in question
    assert RESELLER in question
    assert "varsler 1 mottaker" in question.splitlines()[0]
    assert small.sent(RESELLER) == []
    small.reply(small.question(), "Godkjent")

    (notice,) = small.sent(RESELLER)
    text = letter(notice)
    assert "Martin Keller" in text
    assert MARTIN in text
    assert "Hafenstrasse" not in text
    assert not notice["In-Reply-To"]
    (answer,) = small.sent(MARTIN)
    assert "Vestland Programvare AS" in letter(answer)
    plan = _plan(small)
    assert [one["recipients"] for one in plan["letters"]] == [[MARTIN], [RESELLER]]

    small.clock.pass_time(hours=25)
    small.once()
    assert small.only_matter().state is State.CLOSED
    before = len(small.questions())
    small.write(
        RESELLER, f"SV: {notice['Subject']}", "Vi har slettet alle opplysningene om Martin Keller.",
        answers=str(notice["Message-ID"]).strip("<>"),
    )  # fmt: skip
    assert small.only_matter().state is State.CLOSED
    assert len(small.questions()) == before
    told = [mail for mail in small.sent("leder@example.no") if "mottaker har svart" in str(mail)]
    assert "slettet alle opplysningene" in letter(told[-1])
    events = [entry.event for entry, _ in small.parts.store.ledger()]
    assert "recipient-answered" in events
    assert len(small.sent(RESELLER)) == 1


def test_a_forged_answer_of_a_recipient_is_not_filed(small: World):
    small.write(MARTIN, "Erase my data", ERASE_EN)
    small.reply(small.question(), "Godkjent")
    (notice,) = small.sent(RESELLER)
    small.write(
        RESELLER, "SV", "Vi har slettet.", dmarc="fail",
        answers=str(notice["Message-ID"]).strip("<>"),
    )  # fmt: skip
    events = [entry.event for entry, _ in small.parts.store.ledger()]
    assert "recipient-answered" not in events


def test_nobody_is_told_of_what_staff_decided_to_keep(small: World):
    small.write(MARTIN, "Erase my data", ERASE_EN)
    plan = _plan(small)
    numbers = [a["number"] for a in plan["actions"] if a["do"] in ("delete", "blank", "replace")]
    listed = ",".join(str(number) for number in numbers)
    small.reply(small.question(), f"BEHOLD {listed}: Vi har en pågående tvist om dem.")
    plan = _plan(small)
    changing = [a for a in plan["actions"] if a["do"] == "keep" and a["after"]]
    if not changing:
        assert not any(a["do"] == "notify" for a in plan["actions"])
        assert len(plan["letters"]) == 1


def test_an_erasure_enters_the_list_as_a_hash_and_the_letter_says_so(small: World):
    small.write(INGRID, "Sletting", ERASE)
    assert suppressed(small, INGRID) == set()
    small.reply(small.question(), "Godkjent")
    assert suppressed(small, INGRID, "ingrid@solvaag.example", MARTIN) == {INGRID}
    assert small.parts.store.suppressed("phone", ["+4790000001"])
    (answer,) = small.sent(INGRID)
    assert "sperreliste" in letter(answer)
    assert "telefonnummeret" in letter(answer)
    store = small.stage.folder.rglob("mailbot.db*")
    assert not any(INGRID.encode() in path.read_bytes() for path in store)


def test_a_marketing_stop_of_an_unproven_sender_lists_that_address_alone(small: World):
    small.write(
        STRANGER, "Reklame", "Jeg vil ikke ha mer reklame fra dere på e-post.", dmarc="none"
    )
    assert suppressed(small, STRANGER) == set()
    small.reply(small.question(), "Godkjent")
    assert suppressed(small, STRANGER) == {STRANGER}


def test_total_deletion_takes_the_address_off_the_list_with_a_warning(small: World):
    small.write(INGRID, "Sletting", ERASE)
    small.reply(small.question(), "Godkjent")
    small.clock.pass_time(hours=25)
    small.once()
    small.write(
        INGRID, "Sletting også av listen",
        "Takk. Jeg vil at dere sletter meg fra sperrelisten også, altså all personlig informasjon"
        " om meg.\n\nIngrid Solvang",
    )  # fmt: skip
    question = letter(small.question())
    assert "tar adressen av sperrelisten" in question.splitlines()[0]
    assert suppressed(small, INGRID) == {INGRID}
    small.reply(small.question(), "Godkjent")
    assert suppressed(small, INGRID) == set()
    assert "stopper ny kontakt" in letter(small.sent(INGRID)[-1])


def test_the_case_file_is_listed_and_told_and_no_finding_of_a_second_request(small: World):
    small.write(INGRID, "Sletting", ERASE)
    question = letter(small.question())
    assert "Saken selv" in question
    small.reply(small.question(), "Godkjent")
    small.clock.pass_time(hours=25)
    small.once()
    small.sql("DELETE FROM fakturaer WHERE kontakt_id = 1")
    small.sql("DELETE FROM kontakter WHERE id = 1")
    small.write(INGRID, "Sletting igjen", ERASE)
    question = letter(small.question())
    assert "sletter" not in question.splitlines()[0]
    small.reply(small.question(), "Godkjent")
    assert "Vi fant ingen opplysninger om deg" in letter(small.sent(INGRID)[-1])


def test_a_campaigns_list_is_checked_beside_the_running_daemon(
    small: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    small.write(INGRID, "Sletting", ERASE)
    small.reply(small.question(), "Godkjent")
    listed = small.stage.folder / "kampanje.csv"
    listed.write_bytes(f"Navn;E-post\r\nA;{MARTIN}\r\nB;{INGRID.upper()}\r\n".encode("utf-16"))
    for name, value in small.stage.environ.items():
        monkeypatch.setenv(name, value)
    config = str(small.stage.folder / "config" / "mailbot.toml")
    clean = small.stage.folder / "ren.csv"
    arguments = ["--config", config, "suppression", "check", str(listed), "--clean", str(clean)]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "line 3, column E-post: suppressed (email)" in out
    assert "1 of 2 rows" in out
    assert "@" not in out
    assert clean.read_bytes().decode("utf-16") == f"Navn;E-post\r\nA;{MARTIN}\r\n"


def test_a_mail_that_was_no_privacy_request_is_a_record_like_others(small: World):
    message_id = small.write(INGRID, "Sletting", ERASE)
    small.reply(small.question(), "IKKE PERSONVERN")
    assert small.parts.tools.of_cases([message_id]) == frozenset()
    other = small.write(MARTIN, "Erase my data", ERASE_EN)
    assert small.parts.tools.of_cases([message_id, other]) == {other}


def _plan(small: World) -> dict[str, list[dict[str, object]]]:
    matter = small.matters()[-1]
    for entry, facts in reversed(list(small.parts.store.ledger(matter.case_id))):
        if entry.event == "moved" and facts and "plan" in facts:
            plan = facts["plan"]
            assert isinstance(plan, dict)
            return plan
    raise AssertionError("no plan in the ledger")
