"""Old → new out of the mail's own words, shown, approved, applied wherever the old value stands."""

from mailbot.case import State
from tests.stories.world import INGRID, World, letter

ASK = "Hei, jeg krever retting av personopplysningene mine etter GDPR artikkel 16.\n"


def contact(small: World, number: int = 1) -> tuple[object, ...]:
    (row,) = small.rows("kontakter", f"id = {number}")
    return row


def test_several_fields_are_put_right_in_every_place_and_the_namesake_is_untouched(small: World):
    other = contact(small, 4)
    small.write(
        INGRID, "Retting av opplysninger",
        ASK + "Ny adresse er Storgata 5, 0155 Oslo, og mitt etternavn er nå Berg.\n"
        "Telefonnummeret skal være 912 34 567.\n\nIngrid",
    )  # fmt: skip
    question = letter(small.question())
    assert "adresse: fra «Fjordveien 4» til «Storgata 5»" in question
    assert "etternavn: fra «Solvang» til «Berg»" in question
    assert "kontoer kapret" in question
    assert contact(small)[2] == "Solvang"
    small.reply(small.question(), "Godkjent")
    row = contact(small)
    assert row[2:8] == ("Berg", INGRID_AS_STORED, "+4791234567", "Storgata 5", "0155", "Oslo")
    assert contact(small, 4) == other
    # An invoice is a document as it was issued; an order's delivery went to the old address then.
    assert small.rows("fakturaer", "id = 501")[0][4] == "Ingrid Solvang"
    (answer,) = small.sent(INGRID)
    assert "fra «Fjordveien 4» til «Storgata 5»" in letter(answer)


INGRID_AS_STORED = "Ingrid.Solvang@solvang-bygg.no"


def test_a_new_address_replaces_the_one_that_wrote_and_is_flagged(small: World):
    small.write(INGRID, "Retting", ASK + "Ny e-post er ingrid@berg.example.\n\nIngrid")
    assert "kontoer kapret" in letter(small.question())
    small.reply(small.question(), "Godkjent")
    assert contact(small)[3] == "ingrid@berg.example"
    assert small.rows("henvendelser", "id = 31")[0][1] == "ingrid@berg.example"
    # The confirmation goes to the address on record, so that a takeover is noticed.
    assert small.sent("ingrid@berg.example") == []
    assert len(small.sent(INGRID)) == 1


def test_what_the_words_do_not_tell_is_asked_and_never_guessed(small: World):
    before = contact(small)
    small.write(INGRID, "Retting", ASK + "Dere har feil adresse på meg, jeg har flyttet.\n\nIngrid")
    assert "retter" not in letter(small.question()).splitlines()[0]
    small.reply(small.question(), "Godkjent")
    assert contact(small) == before
    (answer,) = small.sent(INGRID)
    assert "hva som er feil, og hva som er riktig" in letter(answer)


def test_a_stranger_changes_nothing_even_with_the_persons_number(small: World):
    before = contact(small)
    small.write(
        "ny@fremmed.example", "Retting",
        ASK + "Ny e-post er ny@fremmed.example. Jeg har kundenummer K-100231 og telefon 90000001.",
    )  # fmt: skip
    small.reply(small.question(), "Godkjent")
    assert contact(small) == before
    assert small.only_matter().state in (State.ANSWERED, State.ASKED)


def test_what_staff_keep_stays_as_it_is(small: World):
    small.write(INGRID, "Retting", ASK + "Mitt etternavn er nå Berg.\n\nIngrid")
    number = next(
        line.split(".")[0].strip()
        for line in letter(small.question()).splitlines()
        if "etternavn: fra" in line
    )
    small.reply(small.question(), f"BEHOLD {number}: Navnet må dokumenteres først.")
    small.reply(small.question(), "Godkjent")
    assert contact(small)[2] == "Solvang"
    text = letter(small.sent(INGRID)[-1])
    assert "Navnet må dokumenteres først" in text
    assert "Vi har ikke endret opplysningene" in text


def test_what_was_put_right_already_is_said_so(small: World):
    small.sql("UPDATE kontakter SET etternavn = 'Berg' WHERE id = 1")
    before = small.rows("kontakter")
    small.write(INGRID, "Retting", ASK + "Mitt etternavn er nå Berg.\n\nIngrid")
    small.reply(small.question(), "Godkjent")
    assert small.rows("kontakter") == before
    assert "står allerede slik du ber om" in letter(small.sent(INGRID)[-1])
