"""Request → case → question → approval → exactly that → answer → ledger."""

from pypdf import PdfReader

from mailbot.case import State
from tests.stories.world import INGRID, KARI, MARTIN, World, letter

ERASE = "Hei, kan dere slette alt dere har lagret om meg?\n\nHilsen Ingrid Solvang"
ACCESS = "Hello, please send me a copy of all the personal data you hold about me.\n\nMartin Keller"


def test_an_erasure_in_bokmaal_happens_once_approved_and_only_then(small: World):
    small.write(INGRID, "Sletting", ERASE)
    assert small.only_matter().state is State.ASKED
    assert len(small.rows("ordrer", "kontakt_id = 1")) == 2
    assert small.sent(INGRID) == []

    small.reply(small.question(), "Godkjent")

    assert small.only_matter().state is State.ANSWERED
    assert small.rows("ordrer", "kontakt_id = 1") == []
    assert small.rows("henvendelser", "lower(epost) = 'ingrid.solvang@solvang-bygg.no'") == []
    assert len(small.rows("fakturaer", "id = 501")) == 1  # bookkeeping
    assert len(small.rows("ordrer")) == 1
    assert len(small.rows("henvendelser")) == 1
    (answer,) = small.sent(INGRID)
    assert answer["In-Reply-To"]
    text = letter(answer)
    assert "slettet" in text
    assert "bokføringsloven" in text.lower()
    assert small.parts.store.verify_ledger().ok


def test_access_in_english_brings_a_copy_that_opens_with_the_passphrase(small: World):
    small.write(MARTIN, "What do you store about me?", ACCESS)
    small.reply(small.question(), "Approved, thanks")
    (answer,) = small.sent(MARTIN)
    text = letter(answer)
    assert "Vestland Programvare" in text or "reseller" in text.lower()
    (pdf, *_) = [p for p in answer.iter_attachments() if p.get_content_type() == "application/pdf"]
    path = small.stage.folder / "access.pdf"
    path.write_bytes(pdf.get_payload(decode=True))
    case = small.cases()[0]
    passphrase = str(small.parts.store.get(case.id, "passphrase"))
    assert passphrase not in text
    assert all(passphrase not in letter(question) for question in small.sent(KARI))
    reader = PdfReader(path)
    assert reader.is_encrypted
    assert reader.decrypt(passphrase)
    content = "\n".join(page.extract_text() for page in reader.pages)
    assert "Hafenstrasse 9" in content
    assert "Vestland Programvare" in content
    assert "Solvang" not in content
    assert len(small.rows("kontakter")) == 4


def test_a_marketing_stop_in_nynorsk_sets_the_flag_and_is_confirmed(small: World):
    small.write(
        "torbjorg@haukeli.example",
        "Reklame",
        "Eg vil ikkje ha fleire tilbod og reklame frå dykk på e-post.",
    )
    small.reply(small.question(), "godkjend")
    assert small.rows("kontakter", "id = 3 AND reservert = 1")
    assert not small.rows("kontakter", "id <> 3 AND reservert = 1")
    (answer,) = small.sent("torbjorg@haukeli.example")
    assert "ikkje" in letter(answer)


def test_ordinary_mail_is_left_alone_and_its_copy_deleted(small: World):
    small.write(
        "per@kunde.example",
        "Får ikke slettet et prosjekt",
        "Hei, jeg får feilmelding når jeg prøver å slette et gammelt prosjekt. Hva gjør jeg?",
    )
    assert small.cases() == []
    (mail,) = small.parts.store.mails(None, "left")
    assert small.parts.store.raw(mail.id) is None
    assert small.sent(KARI) == []


def test_closing_waits_for_a_bounce_and_then_ends_the_case(small: World):
    small.write(INGRID, "Sletting", ERASE)
    small.reply(small.question(), "Godkjent")
    small.clock.pass_time(hours=25)
    small.once()
    assert small.only_matter().state is State.CLOSED
    assert small.cases()[0].closed is not None
