"""Templates: found, overridden, complete, sandboxed; and what is shown is cleaned."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.case import Label
from mailbot.errors import ConfigError, Permanent
from mailbot.letters import LANGUAGES, STAFF_LANGUAGES, Templates, templates_root
from mailbot.letters.clean import excerpt, greeting_name, one_line, shown
from mailbot.letters.templates import ALL
from tests.unit.letters_scene import TEMPLATES

STAFF = ("question", "triage", "notice")


def test_every_language_has_every_letter_and_staff_languages_every_mail() -> None:
    root = templates_root()
    for language in LANGUAGES:
        for name in ALL:
            if name not in STAFF or language in STAFF_LANGUAGES:
                assert (root / language / f"{name}.txt").is_file(), f"{language}/{name}"
    assert Templates().check() == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_of_all_languages_have_the_same_keys(language: str) -> None:
    def keys(of: str) -> set[tuple[str, str]]:
        words = TEMPLATES.words(of)
        tables = ("rights", "subjects", "case_file", "keep_reasons", "package", "columns")
        return {(table, key) for table in tables for key in words.table(table)}

    assert keys("nb") == keys(language)
    assert all(TEMPLATES.words(language)("rights", label.value) for label in Label)


@pytest.mark.parametrize("language", STAFF_LANGUAGES)
def test_staff_words_and_notices_have_the_same_keys(language: str) -> None:
    mine, bokmaal = TEMPLATES.words(language), TEMPLATES.words("nb")
    for table in ("answers", "question", "sums", "does", "verdicts", "triage_words", "notices"):
        assert set(mine.table(table)) == set(bokmaal.table(table))


def test_a_folder_overrides_single_files_and_single_words(tmp_path: Path) -> None:
    (tmp_path / "nb").mkdir()
    (tmp_path / "nb" / "complaint.txt").write_text("Egen tekst {{ case }}", encoding="utf-8")
    (tmp_path / "nb" / "words.toml").write_text('[rights]\naccess = "egeninnsyn"', encoding="utf-8")
    mine = Templates(tmp_path)
    assert mine.text("nb", "complaint.txt", {"case": "1"}) == "Egen tekst 1\n"
    assert mine.words("nb")("rights", "access") == "egeninnsyn"
    assert mine.words("nb")("rights", "erasure") == "sletting"
    assert mine.words("nn")("rights", "access") == "innsyn"


def test_a_missing_folder_and_broken_files_are_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        Templates(tmp_path / "absent")
    (tmp_path / "nb").mkdir()
    (tmp_path / "nb" / "refusal.txt").write_text("{% if %}", encoding="utf-8")
    (tmp_path / "nb" / "words.toml").write_text("x = ", encoding="utf-8")
    places = {problem.where for problem in Templates(tmp_path).check()}
    assert places == {"nb/refusal.txt", "nb/words.toml"}


def test_templates_cannot_reach_beyond_their_folder_or_their_values(tmp_path: Path) -> None:
    (tmp_path / "nb").mkdir()
    (tmp_path / "secret.txt").write_text("hemmelig", encoding="utf-8")
    escapes = (
        '{% include "../secret.txt" %}',
        '{% include "nb/../../secret.txt" %}',
        "{{ ''.__class__.__mro__ }}",
        "{{ case.__init__.__globals__ }}",
        "{{ missing }}",
        "{{ 1 / 0 }}",
        "{{ names.append(1) }}",
    )
    for escape in escapes:
        (tmp_path / "nb" / "refusal.txt").write_text(escape, encoding="utf-8")
        with pytest.raises(Permanent, match="nb/refusal.txt"):
            Templates(tmp_path).text("nb", "refusal.txt", {"case": "1", "names": [1]})


def test_values_are_never_read_as_templates_and_are_escaped_in_html(tmp_path: Path) -> None:
    (tmp_path / "nb").mkdir()
    (tmp_path / "nb" / "refusal.txt").write_text("[{{ value }}]", encoding="utf-8")
    mine = Templates(tmp_path)
    hostile = "{{ 7*7 }}<b>\u202e"
    assert mine.text("nb", "refusal.txt", {"value": hostile}) == "[{{ 7*7 }}<b>]\n"
    assert mine.html("nb", "refusal.txt", {"value": hostile}) == "[{{ 7*7 }}&lt;b&gt;]"


def test_a_word_with_an_unknown_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "nb").mkdir()
    (tmp_path / "nb" / "words.toml").write_text('date = "{nope}"', encoding="utf-8")
    with pytest.raises(Permanent, match="date"):
        Templates(tmp_path).words("nb")("date", day=1)
    with pytest.raises(Permanent, match=r"no rights\.unheard"):
        TEMPLATES.words("nb")("rights", "unheard")


def test_what_deceives_a_reader_is_not_shown() -> None:
    assert shown("a\u202eb\u2066c\u200bd\ufeffe\xadf\x00g\x1bh\u3164i") == "abcdefghi"
    assert shown("a\r\nb\rc\u2028d\te") == "a\nb\nc\nd e"
    assert shown("Z" + "\u0335" * 50) == "Z" + "\u0335" * 4
    assert shown("\U0001f468\u200d\U0001f469") == "\U0001f468\u200d\U0001f469"  # a joined emoji
    assert shown("pay\u200dpal") == "paypal"
    assert shown("Ærlig Łódź 中文") == "Ærlig Łódź 中文"


def test_lines_and_excerpts_are_bounded() -> None:
    assert one_line(" a \n b\t c ") == "a b c"
    assert len(one_line("x" * 1000, 50)) == 50
    assert excerpt("a\n\n\n\n b", 10) == ("a\n\nb", False)
    assert excerpt("x" * 20, 10) == ("x" * 10 + "…", True)


@pytest.mark.parametrize(
    "name", ["", "a@b.no", "www.ond.no/x", "Kari <x>", "Kari; Bcc: x", "12345", "-", "x" * 61]
)
def test_what_is_no_name_is_not_greeted(name: str) -> None:
    assert greeting_name(name) == ""


@given(st.text(max_size=400))
def test_any_text_is_cleaned_once_and_for_all(text: str) -> None:
    once = shown(text)
    assert shown(once) == once
    assert "\n" not in one_line(text)
