"""Cleaning and splitting of mail text, hostile and careless."""

import pytest

from mailbot.language.features import words_of
from mailbot.language.grammar import (
    footer_from,
    layers,
    only_points,
    refuses_erasure,
    takes_up_quoted,
)
from mailbot.language.normalise import clean, fold
from mailbot.language.reading import bare_subject, read
from mailbot.language.sentences import MAX_SENTENCES, split, within_bounds
from tests.timing import quickest


@pytest.mark.parametrize(
    "disguised",
    [
        "sl\u200bett meg",  # zero-width space
        "sl\u00adett m\u2060eg",  # soft hyphen, word joiner
        "s l e t t meg",
        "ѕlеtt mеg",  # Cyrillic look-alikes
        "ｓｌｅｔｔ ｍｅｇ",  # full width
        "𝐬𝐥𝐞𝐭𝐭 𝐦𝐞𝐠",  # mathematical letters
        "SLETT MEG",
        "s.l.e.t.t meg",
        "sl3tt meg",
        "s\u0301lett meg",
        "\u202eslett\u202c meg",
    ],
)
def test_disguised_words_become_plain(disguised: str) -> None:
    assert fold(clean(disguised)).split() == ["slett", "meg"]


def test_truly_greek_and_russian_text_keeps_its_letters() -> None:
    assert clean("Ζητώ πρόσβαση στα δεδομένα μου") == "Ζητώ πρόσβαση στα δεδομένα μου"
    assert clean("Прошу удалить мои данные") == "Прошу удалить мои данные"


def test_folding_brings_spellings_together() -> None:
    assert fold("Fjærn ØRRET Löschung naïve Straße") == "fjaern orret loschung naive strasse"


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Hei! Slett meg. Takk", ["Hei!", "Slett meg.", "Takk"]),
        ("Jf. art. 15 nr. 1 ber jeg om innsyn.", ["Jf. art. 15 nr. 1 ber jeg om innsyn."]),
        ("Møtet er 3. mai kl. 12.30 hos dr. Berg.", ["Møtet er 3. mai kl. 12.30 hos dr. Berg."]),
        ("z.B. meine Daten, d.h. alles", ["z.B. meine Daten, d.h. alles"]),
        ("- slett meg\n- send kopi", ["slett meg", "send kopi"]),
        ("1) one\n2) two", ["one", "two"]),
        ("hei\nslett meg\ntakk", ["hei", "slett meg", "takk"]),
        (
            "Kunne dere vært så snille å sende meg en kopi av alt dere\nhar lagret om meg?",
            ["Kunne dere vært så snille å sende meg en kopi av alt dere har lagret om meg?"],
        ),
        ("\n \n\t\n", []),
        ("", []),
        ("Really?! Yes... ok", ["Really?!", "Yes...", "ok"]),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert split(text) == sentences


def test_long_texts_keep_beginning_and_end() -> None:
    text, cut = within_bounds("first. " + "x" * 1_000_000 + " last.")
    assert cut
    assert text.startswith("first.")
    assert text.endswith("last.")
    many = split("\n".join(f"line {number}" for number in range(100_000)))
    assert len(many) == MAX_SENTENCES
    assert many[0] == "line 0"
    assert many[-1] == "line 99999"


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        "ja\n" * 100_000,
        "Zа" * 500_000,
        "\u200b" * 1_000_000,
        ". " * 500_000,
        "e\u0301" * 500_000,
        ">" * 1_000_000,
        "a@" * 500_000,
        "s l e t t " * 100_000,
        "From: a\n" * 100_000,
        "-" * 1_000_000,
        "on den am " * 100_000,
        "http://" * 150_000,
        "ikke " * 200_000,
    ],
    ids=lambda text: text[:6].encode("ascii", "backslashreplace").decode(),
)
def test_hostile_text_is_read_in_bounded_time(text: str) -> None:
    assert quickest(lambda: read(text, text)) < 1.0
    assert len(read(text, text).sentences) <= MAX_SENTENCES + 1


def test_articles_numbers_and_addresses_become_tokens() -> None:
    assert words_of("Art. 15 og 17 GDPR") == ["art", "art15", "og", "art17", "gdpr"]
    assert words_of("ordre 88120") == ["ordre", "#5"]
    assert words_of("skriv til ola@firma.no") == ["skriv", "til", "@"]
    assert words_of("see https://x.example/a?b=1") == ["see", "httplink"]
    assert words_of("e-post, don't") == ["epost", "dont"]


def test_bare_subject_loses_its_prefixes() -> None:
    assert bare_subject("Re: SV: Fwd: Slett meg") == "Slett meg"
    assert bare_subject("Re: Re: ") == ""


QUOTED = (
    "Takk, det var alt!\n\n{intro}\n> Jeg vil bli slettet fra kunderegisteret.\n> Mvh Ola",
    "Takk!\n\n-----Opprinnelig melding-----\nFra: Ola\nSendt: mandag\nTil: support\nEmne: Hei\n\n"
    "Slett meg",
    "Thanks!\n\n________________________________\nFrom: Ola\nSent: Monday\nTo: us\nSubject: x\n\n"
    "Delete my data",
    "Danke!\n\nVon: Ola\nGesendet: Montag\nAn: uns\nBetreff: x\n\nLöschen Sie meine Daten",
)


@pytest.mark.parametrize("text", QUOTED)
def test_what_is_quoted_is_not_new(text: str) -> None:
    parts = layers(text.replace("{intro}", "man. 3. mars 2025 skrev Ola <ola@x.example>:"))
    assert parts.older.strip()
    assert len(parts.new.split()) <= 4


def test_a_forwarded_request_is_read() -> None:
    reading = read(
        "VS: Sletting",
        "Kan du ta denne?\n\n---------- Forwarded message ---------\nFrom: Ola\nSubject: Hei\n\n"
        "Jeg vil at dere sletter alt dere har om meg.",
    )
    assert any("sletter alt" in sentence for sentence in reading.sentences)


def test_a_reply_without_new_words_is_read_whole() -> None:
    reading = read("Re: x", "\n> Jeg vil at dere sletter alt dere har om meg.")
    assert any("sletter alt" in sentence for sentence in reading.sentences)


def test_inline_answers_count_as_new() -> None:
    parts = layers("> Hva gjelder det?\nJeg vil slettes.\n> Hvem er du?\nOla")
    assert parts.new.split("\n") == ["Jeg vil slettes.", "Ola"]


def test_footers_are_left_out_but_requests_below_them_are_not() -> None:
    footer = "We process your personal data according to our privacy policy, see our web site."
    assert footer_from(["The printer is broken.", "Please help.", footer]) == 2
    assert (
        footer_from(["Hello.", footer, "Please delete me from your files, thank you so much."]) == 3
    )


def test_pointing_at_an_attachment_is_recognised() -> None:
    assert only_points(words_of("Hei, se vedlagt brev. Mvh Ola"))
    assert only_points([])
    assert not only_points(words_of("Skriveren på lageret virker ikke etter siste oppdatering"))


@pytest.mark.parametrize(
    "sentence",
    [
        "Jeg vil ikke at dere sletter kontoen min",
        "Please do not delete my account",
        "Dere må ikke slette noe",
        "Bitte meine Daten nicht löschen",
        "Jag vill inte att ni raderar något",
    ],
)
def test_refused_erasure_is_recognised(sentence: str) -> None:
    assert refuses_erasure(sentence)


@pytest.mark.parametrize(
    "sentence", ["Slett meg", "Why did you not answer? Delete me", "Delete it"]
)
def test_wanted_erasure_is_not_refused(sentence: str) -> None:
    assert not refuses_erasure(sentence)


@pytest.mark.parametrize(
    "new",
    [
        "Ja, alt sammen.",
        "Yes please, both.",
        "Purrer på denne.",
        "Nu har det gått åtta veckor. Hur långt har ni kommit?",
        "Wann passiert das endlich?",
    ],
)
def test_few_words_that_take_up_what_is_quoted(new: str) -> None:
    assert takes_up_quoted(new)
    quoted = "Hei, skal vi slette alt vi har lagret om deg?"
    read_whole = read("Re: Sak 12", f"{new}\n\n> {quoted}")
    assert any("lagret om deg" in sentence for sentence in read_whole.sentences)


@pytest.mark.parametrize(
    "new",
    [
        "Takk!",
        "Nei, ikke slett noe.",
        "Thanks, got it. When is the next release?",
        "Ja, men vent til fredag.",
        "Fakturaen er betalt, se vedlegg.",
    ],
)
def test_thanks_and_refusals_leave_the_quote_alone(new: str) -> None:
    assert not takes_up_quoted(new)
    above = read("Re: Sak 12", f"{new}\n\n> Hei, skal vi slette alt vi har lagret om deg?")
    assert not any("lagret om deg" in sentence for sentence in above.sentences)


@pytest.mark.parametrize(
    "line",
    [
        "[x] Jeg samtykker til at opplysningene mine lagres",
        "☑ I agree to the privacy policy",
        "Jeg har lest personvernerklæringen og samtykker.",
        "Ich habe die Datenschutzerklärung gelesen und akzeptiere sie.",
    ],
)
def test_the_boxes_of_a_web_form_are_not_the_senders_words(line: str) -> None:
    found = read("", f"Melding: Hva koster det å leie salen en lørdag?\n{line}")
    assert [sentence for sentence in found.sentences if "salen" in sentence]
    assert line not in found.sentences


def test_a_request_among_boxes_is_read() -> None:
    text = "[x] Jeg er kunde\nJeg vil se hva dere har lagret om meg."
    assert "Jeg vil se hva dere har lagret om meg." in read("", text).sentences


def test_a_wish_beside_the_terms_is_read() -> None:
    text = "Hei dere.\nJeg har lest personvernerklæringen og vil slettes."
    assert "Jeg har lest personvernerklæringen og vil slettes." in read("", text).sentences
