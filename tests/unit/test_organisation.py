"""The organisation's facts: read, fallen back, warned about, refused with every fault."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from mailbot.errors import ConfigError
from mailbot.letters import LANGUAGES
from mailbot.organisation import (
    fallbacks,
    load_organisation,
    organisation_from,
    wording,
)

SHIPPED = Path(__file__).parents[2] / "config" / "organisation.toml"


def raw(**changes: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": "Firma AS",
        "contact": "post@firma.no",
        "controller": {"organisation": "Firma AS"},
        "signature": {"name": "Ola Leder"},
        "purposes": [
            {"what": {"nb": "levere varer"}, "basis": {"nb": "avtalen"}, "article": "6(1)(b)"}
        ],
        "parties": [{"name": "Drift AS", "role": {"nb": "drifter serverne"}}],
        "source": {"nb": "Fra deg."},
        "storage": {"nb": "I 2 år etter siste kjøp."},
        "transfers": {"nb": "Ingen."},
        "automated": {"nb": "Ingen."},
    }
    return facts | changes


def faults(facts: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        organisation_from(facts)
    return [problem.where for problem in caught.value.problems]


def test_the_shipped_facts_have_every_language_and_every_point_of_the_notice() -> None:
    facts = load_organisation(SHIPPED)
    texts = [facts.source, facts.storage, facts.automated, facts.voluntary, facts.security,
             facts.cookies, facts.third_parties, facts.transfers,
             *(aim.what for aim in facts.purposes), *facts.categories.values(),
             *(party.role for party in facts.parties)]  # fmt: skip
    assert all(set(LANGUAGES) <= set(text) for text in texts)
    fields = {"name", "address", "phone", "workplace", "position", "email"}
    assert fields <= set(facts.categories)
    assert facts.authority.address == "Postboks 458 Sentrum, 0105 Oslo"


def test_the_shipped_facts_warn_of_what_the_notice_leaves_vague() -> None:
    said = " ".join(load_organisation(SHIPPED).warnings())
    assert "storage" in said
    assert "resellers" in said


def test_facts_that_are_sharp_enough_give_no_warning() -> None:
    assert organisation_from(raw()).warnings() == ()


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"purposes": [{"what": {"nb": "x"}, "article": "§ 8"}]}, "art. 6"),
        ({"purposes": [{"what": {"nb": "x"}}]}, "art. 6"),
        ({"storage": {"nb": "Etter individuell vurdering."}}, "storage"),
        ({"storage": {"nb": "Så lenge det er nødvendig, høyst 10 år."}}, "storage"),
        ({"transfers": {}}, "transfers"),
        ({"parties": []}, "by name"),
        ({"parties": [{"name": "Forhandlere", "role": {"nb": "x"}}]}, "names nobody"),
        ({"third_parties": {"nb": "Deles med en forhandler."}}, "resellers"),
    ],
)
def test_each_gap_is_warned_of(changes: dict[str, Any], word: str) -> None:
    assert any(word in warning for warning in organisation_from(raw(**changes)).warnings())


def test_every_fault_is_told_at_once_by_key() -> None:
    facts = raw(extra=1)
    del facts["name"]
    facts["purposes"] = []
    where = " ".join(faults(facts))
    assert "name" in where
    assert "extra" in where
    assert "purposes" in where


def test_bokmaal_is_required() -> None:
    assert faults(raw(source={"en": "From you."})) == ["organisation.toml: source"]
    assert faults(raw(cookies={"en": "Yes."})) == ["organisation.toml: cookies"]


def test_a_name_cannot_forge_a_header() -> None:
    assert faults(raw(name="Firma\r\nBcc: x")) == ["organisation.toml: name"]
    assert faults(raw(contact=" ")) == ["organisation.toml: contact"]


def test_a_file_that_cannot_be_read_is_one_clear_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_organisation(tmp_path / "absent.toml")
    broken = tmp_path / "organisation.toml"
    broken.write_text("name = ", encoding="utf-8")
    with pytest.raises(ConfigError, match="is not TOML"):
        load_organisation(broken)
    broken.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_organisation(broken)


def test_readers_fall_back_to_a_language_they_read() -> None:
    assert wording({"nb": "ja", "en": "yes"}, "nn") == "ja"
    assert wording({"nb": "ja", "en": "yes"}, "sv") == "yes"
    assert wording({"nb": "ja"}, "de") == "ja"
    assert wording({"nb": "ja", "en": "yes"}, "fr") == "yes"
    assert wording({"xx": "?"}, "nb") == "?"
    assert wording({"nb": " "}, "nb") == ""
    assert fallbacks("no") == fallbacks("nb")


def test_the_shipped_file_explains_itself() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    tomllib.loads(text)
    assert text.count("#") > 15
