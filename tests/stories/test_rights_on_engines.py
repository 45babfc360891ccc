"""A story for each right, end to end, on SQLite, PostgreSQL and MariaDB."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from mailbot.case import State
from tests.servers import databases
from tests.stories.register import Register, build, changed, laid_out
from tests.stories.world import letter, world


@pytest.fixture(scope="module", params=databases.ENGINES)
def firm(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Register]:
    folder = tmp_path_factory.mktemp("firm")
    with databases.engine(request.param, tmp_path_factory.mktemp("db")) as new:
        url = new()
        build(url)
        with world(folder, laid_out(folder, url)) as made:
            made.__class__ = Register
            assert isinstance(made, Register)
            made.engine = sa.create_engine(url)
            yield made
            made.engine.dispose()


def asked(firm: Register, sender: str, subject: str, text: str) -> str:
    """Write, and the question that it makes."""
    before = len(firm.questions())
    firm.write(sender, subject, text)
    assert len(firm.questions()) > before
    return letter(firm.question())


def approved(firm: Register, sender: str) -> str:
    """Approve, and the answer to the person."""
    firm.reply(firm.question(), "Godkjent")
    return letter(firm.sent(sender)[-1])


KARI_VIK = "kari.vik@fjord.example"


def test_erasure_keeps_the_invoice_and_the_namesake(firm: Register):
    before = firm.dump()
    question = asked(firm, KARI_VIK, "Sletting", "Slett alt dere har lagret om meg.\n\nKari Vik")
    assert firm.dump() == before
    assert "31.12.2031" in question
    answer = approved(firm, KARI_VIK)
    after = firm.dump()
    assert changed(before, after) == {
        ("kontakter", 1), ("ordrer", 1), ("ordrelinjer", 1), ("nyhetsbrev", 1),
    }  # fmt: skip
    assert after["fakturaer"] == before["fakturaer"]
    assert after["kontakter"][1][1:8] == (None,) * 7
    assert "31. desember 2031" in answer
    assert "bokføringsloven § 13" in answer
    assert firm.holding(KARI_VIK, "+4790000001") == set()
    kept = {(one.table, one.key["id"]) for one in firm.found(email=KARI_VIK, phone="+4790000001")}
    assert kept == set()
    assert firm.holding("Kari Vik") >= {("fakturaer", 1), ("nyhetsbrev", 2)}
    assert firm.parts.store.verify_ledger().ok


def test_a_second_identical_request_finds_nothing_and_says_so(firm: Register):
    firm.clock.pass_time(hours=25)
    firm.once()
    before = firm.dump()
    asked(firm, KARI_VIK, "Sletting", "Slett alt dere har lagret om meg.\n\nKari Vik")
    assert "Vi fant ingen opplysninger om deg" in approved(firm, KARI_VIK)
    assert firm.dump() == before


def test_access_hands_over_and_changes_nothing(firm: Register):
    before = firm.dump()
    asked(
        firm, "nils@aas.example", "Innsyn", "Jeg ber om innsyn i alt dere har om meg.\n\nNils Aas"
    )
    approved(firm, "nils@aas.example")
    assert firm.dump() == before
    (answer,) = firm.sent("nils@aas.example")
    assert [part.get_content_type() for part in answer.iter_attachments()] == ["application/pdf"]


def test_rectification_in_every_place(firm: Register):
    before = firm.dump()
    asked(
        firm, "turid@moe.example", "Retting",
        "Jeg krever retting av opplysningene om meg.\nNy e-post er turid@ny.example.\n"
        "Ny adresse er Storgata 5, 5003 Bergen.\n\nTurid Moe",
    )  # fmt: skip
    answer = approved(firm, "turid@moe.example")
    after = firm.dump()
    assert changed(before, after) == {("kontakter", 4), ("nyhetsbrev", 4)}
    assert after["kontakter"][4][3] == after["nyhetsbrev"][4][1] == "turid@ny.example"
    assert after["kontakter"][4][5:8] == ("Storgata 5", "5003", "Bergen")
    assert "til «turid@ny.example»" in answer


def test_restriction_marks_and_nothing_else(firm: Register):
    before = firm.dump()
    asked(
        firm, "anne@lie.example", "Begrensning",
        "Jeg krever at behandlingen av opplysningene om meg begrenses etter artikkel 18 mens dere"
        " sjekker om de stemmer.\n\nAnne Lie",
    )  # fmt: skip
    answer = approved(firm, "anne@lie.example")
    after = firm.dump()
    assert changed(before, after) == {("kontakter", 5)}
    assert after["kontakter"][5][-1] in (True, 1)
    assert "begrenset" in answer


def test_portability(firm: Register):
    before = firm.dump()
    asked(
        firm, "per@dal.example", "Dataportabilitet",
        "Jeg vil ha utlevert opplysningene jeg har gitt dere i et maskinlesbart format etter"
        " artikkel 20, så jeg kan flytte dem til en annen leverandør.\n\nPer Dal",
    )  # fmt: skip
    approved(firm, "per@dal.example")
    assert firm.dump() == before
    (answer,) = firm.sent("per@dal.example")
    assert [str(part.get_filename())[-4:] for part in answer.iter_attachments()] == [".zip"]


def test_a_marketing_stop(firm: Register):
    before = firm.dump()
    asked(firm, "siv@boe.example", "Reklame", "Jeg vil ikke ha mer reklame fra dere.\n\nSiv Bøe")
    answer = approved(firm, "siv@boe.example")
    after = firm.dump()
    assert changed(before, after) == {("kontakter", 7)}
    assert "Du er meldt av" in answer
    assert firm.parts.store.suppressed("email", ["siv@boe.example"])


def test_a_withdrawal_of_consent(firm: Register):
    before = firm.dump()
    asked(
        firm, "jon@eng.example", "Samtykke",
        "Jeg trekker tilbake samtykket mitt til at dere bruker opplysningene mine.\n\nJon Eng",
    )  # fmt: skip
    approved(firm, "jon@eng.example")
    assert changed(before, firm.dump()) == {("kontakter", 10)}


def test_a_shared_address_is_asked_about_and_the_other_person_untouched(firm: Register):
    before = firm.dump()
    question = asked(
        firm, "familien@aas-as.example", "Sletting",
        "Slett alt dere har lagret om meg.\n\nHilsen Liv Ås",
    )  # fmt: skip
    assert "Mulige treff" in question
    firm.reply(firm.question(), "Godkjent")
    gone = changed(before, firm.dump())
    assert not gone & {("kontakter", 9), ("ordrer", 9), ("ordrelinjer", 9), ("nyhetsbrev", 9)}


def test_access_and_erasure_together_deliver_first(firm: Register):
    sender = "nils@aas.example"
    firm.clock.pass_time(hours=25)
    firm.once()
    before = firm.dump()
    asked(
        firm, sender, "Innsyn og sletting",
        "Jeg krever innsyn i alle opplysninger dere har om meg. Etterpå vil jeg at dere sletter"
        " alt dere har lagret om meg.\n\nNils Aas",
    )  # fmt: skip
    firm.reply(firm.question(), "Godkjent")
    assert firm.dump() == before  # the copy is out; erasure waits for a bounce
    firm.clock.pass_time(hours=25)
    firm.once()
    firm.reply(firm.question(), "Godkjent")
    assert firm.holding(sender) == set()
    assert firm.found(email=sender) == []
    states = {m.state for m in firm.matters() if m.case_id == firm.cases()[0].id}
    assert states <= {State.CLOSED, State.ANSWERED}
