"""What people say when they write again: above all, nothing but thanks is taken for mere thanks."""

from pathlib import Path

import pytest

from mailbot.errors import ConfigError
from mailbot.mailtext.decisions import load_words
from mailbot.mailtext.followup import Says, load_followup_words, mere_thanks, says
from tests.bench import followups as bench

ROOT = Path(__file__).parents[2]
LANGUAGES = ("nb", "nn", "en", "sv", "da", "de")
WORDS = load_words(ROOT / "templates", LANGUAGES)
FOLLOWUPS = load_followup_words(ROOT / "templates", LANGUAGES)


def test_labelled_follow_ups():
    measured = bench.measure(ROOT / "tests/language/followups-dev.jsonl")
    assert bench.left_standing(measured.counts) == 0
    assert measured.right >= 0.96 * measured.total, measured.wrong


@pytest.mark.parametrize(
    "thanks", ["Takk!", "Thank you so much", "Tack", "Mange tak", "Danke sehr"]
)
def test_no_word_beside_thanks_is_overlooked(thanks):
    assert mere_thanks(thanks, WORDS)
    for more in ("men behold kontoen", "Behold kontoen", "but keep it", "aber nicht alles", "3?",
                 "ombestemt", "xyzzy", "Storgata", "vent", "slett ordrene også"):  # fmt: skip
        assert not mere_thanks(f"{thanks} {more}", WORDS)
        assert not mere_thanks(f"{more}. {thanks}", WORDS)


def test_the_gravest_is_told():
    text = "Hei, når får jeg svar? Jeg har ombestemt meg, og jeg har aldri bedt om dette."
    assert says(text, WORDS, FOLLOWUPS) is Says.DENIES


def test_a_broken_file_is_named(tmp_path: Path):
    (tmp_path / "nb").mkdir()
    (tmp_path / "nb/followups.toml").write_text("withdraws = ['(a']", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"nb/followups\.toml"):
        load_followup_words(tmp_path, ["nb"])
