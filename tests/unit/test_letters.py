"""Each letter says what the law asks of it, in every language, and nothing of a stranger's."""

from dataclasses import replace
from datetime import date

import pytest

from mailbot.case import Label
from mailbot.errors import Permanent
from mailbot.letters import (
    LANGUAGES,
    Draft,
    Templates,
    write_identity_code,
    write_letter,
    write_recipient_notice,
)
from mailbot.letters.letter import LetterFacts
from mailbot.plan import Action, Do, Purpose
from mailbot.record import NotSearched
from tests.unit.letters_scene import (
    ERASURE,
    FINDINGS,
    ORGANISATION,
    TEMPLATES,
    disclosing,
    facts,
)

AUTHORITY = ("Datatilsynet", "datatilsynet.no", "Postboks 458 Sentrum, 0105 Oslo")
COURTS = {
    "nb": "domstolene", "nn": "domstolane", "en": "go to court", "sv": "domstol",
    "da": "domstolene", "de": "vor Gericht",
}  # fmt: skip
RIGHTS = (
    "erasure", "access", "rectification", "restriction", "portability", "objection",
    "consent_withdrawal", "info", "complaint", "breach_report",
)  # fmt: skip


def letter(of: LetterFacts) -> Draft:
    return write_letter(of, TEMPLATES)


def everything(language: str) -> list[LetterFacts]:
    """Every letter there is, in one language."""
    found = [facts(right, language=language) for right in RIGHTS]
    found += [
        facts("erasure", language=language, actions=ERASURE, findings=FINDINGS),
        facts("access", language=language, actions=disclosing(), findings=FINDINGS,
              files=("a.pdf", "a.json"), redactions=2),
        facts("portability", language=language, actions=disclosing(), files=("a.pdf", "a.json")),
        facts("objection", language=language, marketing=True),
        facts("erasure", Purpose.REFUSAL, language=language, reason="Grunn."),
        facts("erasure", Purpose.EXTENSION, language=language, reason="Grunn."),
        facts("erasure", Purpose.UNKNOWN_SENDER, language=language),
    ]  # fmt: skip
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_letter_names_its_sender_and_case_and_fills_every_place(language: str) -> None:
    for of in everything(language):
        draft = letter(of)
        assert "\n" not in draft.subject
        assert "2026-0007" in draft.subject
        assert ORGANISATION.signature.name in draft.text
        assert ORGANISATION.name in draft.text
        assert "{" not in draft.text
        assert "None" not in draft.text
        assert "\n\n\n" not in draft.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_person_is_answered_in_their_own_language(language: str) -> None:
    greeting = {"nb": "Vennlig hilsen", "nn": "Venleg helsing", "en": "Yours sincerely",
                "sv": "Vänliga hälsningar", "da": "Venlig hilsen",
                "de": "Mit freundlichen Grüßen"}[language]  # fmt: skip
    assert all(greeting in letter(of).text for of in everything(language))


def test_a_language_without_letters_gets_english() -> None:
    assert letter(facts("info", language="fr")) == letter(facts("info", language="en"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("right", RIGHTS)
def test_a_refusal_gives_reasons_the_authority_and_the_courts(language: str, right: str) -> None:
    text = letter(facts(right, Purpose.REFUSAL, language=language, reason="Egen grunn 42.")).text
    assert "Egen grunn 42." in text
    assert all(part in text for part in AUTHORITY)
    assert COURTS[language] in text
    assert "12" in text  # the provision, art. 12(4)


def test_a_refusal_speaks_of_authority_and_courts_in_the_words_of_the_law() -> None:
    assert (
        "Er du uenig, kan du klage til Datatilsynet (datatilsynet.no, Postboks 458 Sentrum, "
        "0105 Oslo). Du kan også gå til domstolene."
    ) in letter(facts("erasure", Purpose.REFUSAL, reason="Grunn.")).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_extension_names_the_new_date_and_the_reason_given(language: str) -> None:
    text = letter(
        facts("access", Purpose.EXTENSION, language=language, reason="Fire systemer.")
    ).text
    assert "2027" in text.split("\n\n")[1]  # the new date stands in the first paragraph
    assert "Fire systemer." in text
    assert all(part in text for part in AUTHORITY)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_erasure_tells_what_is_deleted_what_stays_why_and_until_when(language: str) -> None:
    text = letter(facts("erasure", language=language, actions=ERASURE, findings=FINDINGS)).text
    assert "bokføringsloven § 13" in text
    assert "2031" in text  # until
    assert "30" in text  # backups expire
    assert "Nordlys Data AS" in text  # told (art. 19)
    assert "Google Analytics" in text  # by hand
    assert "3 " in text  # the case file's years
    assert all(part in text for part in AUTHORITY)  # a partial refusal (art. 12(4))


def test_an_erasure_counts_per_system_in_plain_words() -> None:
    text = letter(facts("erasure", actions=ERASURE)).text
    assert "Kunderegister: 1 oppføring (kontakter)" in text
    assert "E-post: 2 oppføringer" in text
    assert (
        "Kunderegister: 2 oppføringer (fakturaer), til 31. desember 2031. "
        "Grunn: Regnskapsplikt (bokføringsloven § 13)." in text
    )
    assert text.split("\n\n")[1].startswith("Vi har slettet opplysningene om deg, bortsett fra")


def test_an_erasure_without_kept_records_does_not_speak_of_any() -> None:
    text = letter(facts("erasure", actions=ERASURE[:1])).text
    assert "beholder vi:" not in text
    assert "Datatilsynet" not in text


def test_when_all_must_be_kept_the_letter_does_not_claim_an_erasure() -> None:
    text = letter(facts("erasure", actions=ERASURE[4:6])).text
    assert "Vi har ikke slettet noe" in text
    assert "Vi har slettet" not in text


def test_what_a_person_must_delete_by_hand_is_not_told_as_done() -> None:
    by_hand = replace(ERASURE[0], do=Do.MANUAL, reason="no write access here")
    text = letter(facts("erasure", actions=(by_hand,))).text
    assert "Vi har slettet" not in text
    assert "En medarbeider sletter opplysningene om deg for hånd" in text
    assert "Kunderegister: 1 oppføring (kontakter)" in text


def test_a_record_kept_by_an_approver_is_told_with_the_approvers_reason() -> None:
    kept = replace(ERASURE[0], do=Do.KEEP, reason="Vi har en tvist om leveransen.")
    text = letter(facts("erasure", actions=(kept, ERASURE[1]))).text
    assert "Grunn: Vi har en tvist om leveransen." in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_reasons_of_sources_are_never_told_in_their_own_words(language: str) -> None:
    for reason in ("nothing personal is left in it", "rows of fakturaer that stay refer to it"):
        kept = replace(ERASURE[0], do=Do.KEEP, reason=reason)
        assert reason not in letter(facts("erasure", language=language, actions=(kept,))).text


def test_the_case_file_is_told_but_not_as_a_kept_record() -> None:
    own = Action(number=2, do=Do.KEEP, system="mail", table="Inbox", reason="case-file")
    text = letter(facts("erasure", actions=(ERASURE[0], own))).text
    assert "Dette beholder vi" not in text
    assert "i 3 år etter at saken er avsluttet" in text
    dated = letter(facts("erasure", actions=ERASURE[:1], case_file_until=date(2030, 1, 2))).text
    assert "til 2. januar 2030" in dated


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_access_letter_answers_every_letter_of_article_15(language: str) -> None:
    of = facts("access", language=language, actions=disclosing(), findings=FINDINGS,
               files=("innsyn.pdf", "innsyn.json"), redactions=1)  # fmt: skip
    text = letter(of).text
    assert "innsyn.pdf" in text  # the copy
    assert all(party.name in text for party in ORGANISATION.parties)  # (c), by name
    assert "Nordlys Data AS" in text  # (c), from the records
    assert "Kampanje vår 2024" in text  # (g), per record
    for part in (ORGANISATION.storage, ORGANISATION.source, ORGANISATION.automated,
                 ORGANISATION.transfers):  # fmt: skip
        assert part[language] in text  # (d), (g), (h), 15(2)
    assert all(aim.what[language] in text for aim in ORGANISATION.purposes)  # (a)
    assert ORGANISATION.category("email", language) in text  # (b)
    assert all(part in text for part in AUTHORITY)  # (f)
    assert "15" in text  # the reason for what is masked


def test_the_password_is_never_promised_by_mail_and_the_right_file_is_named() -> None:
    of = facts("access", actions=disclosing(), files=("innsyn.pdf", "innsyn.json"))
    locked = letter(of).text
    assert "aldri på e-post" in locked
    assert "innsyn.json" not in locked  # it lies within the PDF
    assert "innsyn.zip" in letter(replace(of, delivery="encrypted-zip")).text
    plain = letter(replace(of, delivery="plain")).text
    assert "innsyn.pdf, innsyn.json" in plain
    assert "passord" not in plain.split("AUTOMATISKE")[0]
    by_hand = letter(replace(of, files=(), delivery="by-hand")).text
    assert "på en annen måte enn e-post" in by_hand


def test_the_number_to_call_is_told_where_there_is_one() -> None:
    phone = ORGANISATION.model_copy(update={"phone": "22 00 00 00"})
    of = facts("access", actions=disclosing(), files=("a.pdf",), organisation=phone)
    assert "Ring oss på 22 00 00 00 og oppgi saksnummer 2026-0007" in letter(of).text


@pytest.mark.parametrize("right", ["erasure", "access", "portability"])
def test_nothing_found_is_said_with_where_we_searched_and_what_may_help(right: str) -> None:
    text = letter(facts(right)).text
    assert text.split("\n\n")[1].startswith("Vi fant ingen opplysninger om deg.")
    assert "Kunderegister, E-post" in text
    assert "annen e-postadresse, et telefonnummer eller et kundenummer" in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("right", ["erasure", "access", "objection", "restriction"])
def test_what_was_not_searched_is_said(right: str, language: str) -> None:
    missing = (NotSearched(system="Arkivet", why="timeout after 30 s"),)
    text = letter(facts(right, language=language, not_searched=missing)).text
    assert "Arkivet" in text
    assert "timeout" not in text  # the technical reason is for staff


def test_a_system_searched_in_part_is_not_told_as_unsearched() -> None:
    missing = (NotSearched(system="crm", why="tables not in the data map: x"),)
    text = letter(facts("access", not_searched=missing)).text
    assert "deler av Kunderegister" in text


def test_nothing_found_is_limited_to_what_was_searched() -> None:
    missing = (NotSearched(system="Arkivet", why="x"),)
    first = letter(facts("access", not_searched=missing)).text.split("\n\n")[1]
    assert "i systemene vi har søkt i" in first


def test_a_marketing_stop_is_confirmed_first_with_date_and_channels() -> None:
    marked = Action(number=1, do=Do.SET, system="crm", table="kontakter", title="Kontakter")
    text = letter(facts("objection", marketing=True, actions=(marked,))).text
    first = text.split("\n\n")[1]
    assert first.startswith("Du er meldt av. Fra 22. november 2026")
    assert "SMS" in first
    assert "Kunderegister: 1 oppføring (kontakter)" in text


def test_an_objection_is_not_told_as_carried_out_when_nothing_was() -> None:
    text = letter(facts("objection")).text
    assert "Vi har stanset" not in text
    assert "21. desember 2026" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_withdrawal_keeps_earlier_use_lawful_and_says_so(language: str) -> None:
    word = {"nb": "lovlig", "nn": "lovleg", "en": "lawful", "sv": "lagligt", "da": "lovligt",
            "de": "rechtmäßig"}[language]  # fmt: skip
    assert word in letter(facts("consent_withdrawal", language=language)).text


def test_a_correction_shows_old_and_new() -> None:
    change = Action(number=1, do=Do.CORRECT, system="crm", table="kontakter",
                    before={"adresse": "Storgata 1"}, after={"adresse": "Lillegata 2"})  # fmt: skip
    text = letter(facts("rectification", actions=(change,))).text
    assert "adresse: fra «Storgata 1» til «Lillegata 2»" in text
    assert "hva som er riktig" in letter(facts("rectification")).text  # otherwise we ask


def test_a_restriction_promises_a_warning_before_it_is_lifted() -> None:
    marked = Action(number=1, do=Do.SET, system="crm", table="kontakter", title="Kontakter")
    assert "før vi opphever den" in letter(facts("restriction", actions=(marked,))).text
    assert "Vi har begrenset" not in letter(facts("restriction")).text


def test_a_question_is_answered_by_its_topics_only() -> None:
    text = letter(facts("info", topics=("source", "storage"))).text
    assert ORGANISATION.source["nb"] in text
    assert ORGANISATION.storage["nb"] in text
    assert ORGANISATION.cookies["nb"] not in text
    whole = letter(facts("info")).text
    assert ORGANISATION.cookies["nb"] in whole
    assert letter(facts("info", topics=("unheard-of",))).text == whole


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_unknown_sender_gets_the_same_bytes_whatever_was_found(language: str) -> None:
    bare = facts("access", Purpose.UNKNOWN_SENDER, language=language)
    full = facts(
        "erasure", Purpose.UNKNOWN_SENDER, language=language, actions=ERASURE, findings=FINDINGS,
        searched=(), not_searched=(NotSearched(system="crm", why="down"),), files=("a.pdf",),
        subject_name="Ola", received=date(2020, 1, 1), last_day=date(2020, 2, 1), marketing=True,
        today=date(2021, 1, 1), topics=("source",), reason="x", recipients=("x@example.com",),
    )  # fmt: skip
    assert letter(bare) == letter(full)
    assert ORGANISATION.contact in letter(bare).text
    assert all(part in letter(bare).text for part in AUTHORITY)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_identity_code_letter_names_nobody(language: str) -> None:
    draft = write_identity_code("0123456789", "2026-0007", language, ORGANISATION, TEMPLATES)
    assert "0123456789" in draft.text
    assert "0123456789" not in draft.subject
    again = write_identity_code("0123456789", "2026-0007", language, ORGANISATION, TEMPLATES)
    assert draft == again


@pytest.mark.parametrize("language", LANGUAGES)
def test_recipients_are_told_what_to_do_and_why(language: str) -> None:
    said = {
        right: write_recipient_notice(
            right, "Kari\r\nBcc: x", "2026-0007", language, ORGANISATION, TEMPLATES
        )
        for right in (Label.ERASURE, Label.RECTIFICATION, Label.RESTRICTION)
    }
    assert len({draft.text for draft in said.values()}) == 3
    for draft in said.values():
        assert "19" in draft.text
        assert "Kari Bcc: x." in draft.text
        assert "Kari" not in draft.subject


HOSTILE = (
    "{{ 7*7 }}",
    "{% for x in range(9) %}",
    "<script>alert(1)</script>",
    "Kari\r\nBcc: ondsinnet@example.com",
    "Kari\u202eexe.fdp",
    "Kari\x00\x1b[31m",
    "http://ond.example/klikk",
    "Kari" * 400,
)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_not_greeted(name: str) -> None:
    draft = letter(facts("erasure", actions=ERASURE, subject_name=name))
    assert draft.text.split("\n")[0] in ("Hei,", "Hei Kariexe.fdp,")
    assert "\u202e" not in draft.text
    assert "Bcc" not in draft.text


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_of_records_are_shown_as_data_on_one_line(value: str) -> None:
    change = Action(number=1, do=Do.CORRECT, system="crm", table="kontakter",
                    before={"adresse": "x"}, after={"adresse": value})  # fmt: skip
    text = letter(facts("rectification", actions=(change,), reason=value)).text
    assert "49" not in text
    assert not {"\u202e", "\x00", "\x1b", "\r"} & set(text)
    assert not any(line.startswith("Bcc:") for line in text.split("\n"))


def test_a_name_with_letters_of_any_alphabet_is_greeted() -> None:
    for name in ("Łukasz Żółć", "Åse-Marie O'Neill", "Иван Петров", "J. R. Ærø"):
        assert letter(facts("info", subject_name=name)).text.startswith(f"Hei {name},")


def test_letters_are_deterministic() -> None:
    of = facts("access", actions=disclosing(), findings=FINDINGS)
    assert write_letter(of, Templates()) == write_letter(of, Templates())


def test_a_template_that_misses_a_value_stops_the_letter(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path)) / "nb"
    folder.mkdir()
    (folder / "complaint.txt").write_text("Hei {{ nmae }}", encoding="utf-8")
    with pytest.raises(Permanent, match="nb/complaint.txt"):
        write_letter(facts("complaint"), Templates(folder.parent))
