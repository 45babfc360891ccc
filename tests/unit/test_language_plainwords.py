"""Requests in the plainest words are at least asked about; the same words in other use are not."""

import pytest

from mailbot.language.concepts import load_lexicon
from mailbot.language.features import WordTable, tokens_of
from mailbot.language.plainwords import PlainWords
from mailbot.language.reading import read
from tests.timing import quickest


def _asked(language: str, text: str) -> bool:
    lexicon = load_lexicon()
    table = WordTable(lexicon, language, lambda *_: None)
    return PlainWords.of(lexicon).asked(tokens_of(read("", text).words, table))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nb", "Hei. Printeren virker igjen. Dere kan slette alt dere har om meg. Mvh Per"),
        ("nb", "Hva har dere lagret om meg?"),
        ("nn", "Kan de sletta alle opplysningane mine?"),
        ("en", "The ticket can be closed. Please delete all my personal data."),
        ("en", "What information do you have about me?"),
        ("sv", "Ta bort allt ni har om mig, tack."),
        ("da", "Slet venligst alt om mig undtagen det som I skal gemme."),
        ("de", "Bitte löschen Sie alle meine Daten."),
    ],
)
def test_plain_requests_are_heard(language: str, text: str) -> None:
    assert _asked(language, text)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nb", "Kan dere slette prosjektet mitt?"),
        ("nb", "Ikke slett opplysningene mine, jeg trenger dem."),
        ("nb", "Vi har slettet to brukere. Mine kolleger vet om det."),
        ("en", "Please remove the invoice from my list."),
        ("en", "I forgot my password."),
        ("de", "Ich habe eine Frage zu meiner Rechnung."),
    ],
)
def test_the_same_words_in_other_use_are_not(language: str, text: str) -> None:
    assert not _asked(language, text)


def test_a_hostile_repetition_takes_no_longer_than_its_length() -> None:
    assert quickest(lambda: _asked("en", "my delete old " * 4_000)) < 0.5
