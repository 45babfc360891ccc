"""Whether a reply says, beyond doubt, that the person was answered beside mailbot."""

from pathlib import Path

import pytest

from mailbot.mailtext.answered import read_answered
from mailbot.mailtext.authenticity import Trust
from mailbot.mailtext.decisions import load_words, read_reply
from mailbot.steps.parse import parse
from tests.replies import clients

LANGUAGES = ("nb", "nn", "en", "sv", "da", "de")
WORDS = load_words(Path(__file__).parents[2] / "templates", LANGUAGES)
SAYS = {
    "nb": ["BESVART", "Besvart av oss på telefon.", "Hei,\n\nsaken er besvart.",
           "Vi har svart ham.", "Hun har fått svar per brev", "Gjort for hånd",
           "Jeg har svart kunden direkte: ok for alle"],
    "nn": ["FERDIG SVARA", "Eg har svara henne", "Ho har fått svar på telefon.", "Gjort for hand"],
    "en": ["DONE BY HAND", "Answered by phone.", "This was handled by hand: I called her.",
           "We've already answered the customer", "She has had our answer by letter"],
    "sv": ["BESVARAT", "Ärendet är redan besvarat.", "Vi har svarat henne", "Hanterat för hand"],
    "da": ["BESVARET", "Jeg har besvaret henvendelsen", "Kunden har fået svar pr brev"],
    "de": ["BEANTWORTET", "Ich habe ihm bereits geantwortet.", "Die Anfrage wurde bereits "
           "beantwortet", "Alles ist von Hand erledigt"],
}  # fmt: skip
SAYS_NOT = [
    "Nicht beantwortet", "Wird morgen beantwortet", "Beantwortet?", "Beantwortet, aber noch nicht "
    "gelöscht", "Not done by hand", "Done by hand? No.", "Will be done by hand", "To be answered",
    "Done by hand, except for the invoices", "Answered, I think", "Partly answered",
    "Almost done by hand", "Please have this done by hand", "Inte besvarat", "Besvarat i morgon",
    "Ikke besvaret endnu", "Besvaret, men vent", "Ikkje ferdig svara", "Ferdig svara i morgon",
    "Done", "Utfört", "Vi har ikkje svara henne", "I have not answered her",
    "We never replied to her",
    "GODKJENN", "ja", "ok", "Takk!", "Er den besvart?", "Ikke besvart ennå",
    "Blir besvart i morgen",
    "Besvart i morgen", "BESVART: delvis, resten kommer senere", "Snart besvart", "Besvares",
    "Besvart. Vent litt før dere lukker.", "BESVART hvis Ola har ringt henne", "«BESVART»",
    "Vi skal svare henne", "BESVART: GODKJENN", "Besvart\nGODKJENN", "Hva betyr BESVART?",
    "Jeg har ikke svart henne", "Vi har nesten svart henne", "Utført 1",
    "Answered if she called", "DONE BY HAND: reject", "Done by hand or not, what do you think",
]  # fmt: skip


def read(text: str, client=clients.CLIENTS["gmail"], language: str = "nb"):  # noqa: ANN001
    return read_answered(parse(client(text, language), Trust()), WORDS)


@pytest.mark.parametrize("client", list(clients.CLIENTS.values()), ids=lambda each: each.__name__)
@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_read_in_each_language_from_every_program(client, language):
    for text in SAYS[language]:
        assert read(text, client, language) is not None, text


@pytest.mark.parametrize("text", SAYS_NOT)
def test_doubt_says_nothing(text):
    assert read(text) is None


@pytest.mark.parametrize("text", [text for texts in SAYS.values() for text in texts])
def test_it_is_never_a_decision_about_a_plan(text):
    mail = parse(clients.CLIENTS["gmail"](text, "nb"), Trust())
    assert read_reply(mail, WORDS).decision == "unclear"


def test_how_it_was_done_is_kept_without_the_name_below():
    found = read("BESVART: ringte henne tirsdag.\n\nMvh\nKari")
    assert found is not None
    assert found.how == "ringte henne tirsdag."
